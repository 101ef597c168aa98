"""Tables by ADQL from TAP services."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from stoa.errors import StoaError
from stoa.opening import read_bounded
from stoa.sources.answers import AnswerReport, Origin, write_answer
from stoa.sources.files import label
from stoa.vo import asking
from stoa.vo.answers import Memory
from stoa.workspace.open import Workspace


def tap(
    ws: Workspace,
    service: str,
    adql: str,
    *,
    most: int = 0,
    as_job: bool = False,
    patience_s: float = 3600.0,
    again: bool = False,
    out: Path | None = None,
    phase: Callable[[str], None] = lambda _phase: None,
) -> AnswerReport:
    """Ask a TAP service, and write what it gives as a table.

    Parameters
    ----------
    adql
        The query, or ``@FILE`` with the name of a file that holds it.
    most
        Rows; 0: as many as the service gives.
    as_job
        Whether the service works on it as a job, for what takes longer than a minute.
    patience_s
        How long a job may take.
    again
        Ask even where the answer is known.
    phase
        Called with the phase of the job whenever that changes.

    Raises
    ------
    ServiceError
        If the service is not reached, refuses, or answers with something else.
    """
    text = _query(adql)
    memory = Memory(ws.project.answers)
    answer, is_known = asking.tap(
        memory, service, text, most=most, as_job=as_job, patience_s=patience_s, again=again, phase=phase
    )
    origin = Origin(**msgspec.structs.asdict(answer))
    name = label(f"{urlsplit(service).hostname}_{answer.sha256[:8]}")
    return write_answer(ws, memory.file(answer), origin, out, name, is_known=is_known)


def _query(adql: str) -> str:
    if adql.startswith("@"):
        try:
            adql = read_bounded(Path(adql[1:])).decode("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise StoaError(f"the query {adql[1:]!r} cannot be read: {problem}") from None
    if not adql.strip():
        raise StoaError("the query is empty", "for example: 'SELECT TOP 5 * FROM ivoa.obscore'")
    return adql.strip()
