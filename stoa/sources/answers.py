"""Answers of services as tables of the project, which say where they are from."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stoa.catalogue.tables import read_table
from stoa.sources.files import write
from stoa.workspace.open import Workspace


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a table is from."""

    service: str
    query: str
    retrieved: str  # UTC
    sha256: str  # of the answer as it came
    is_cut: bool  # whether the service has more


class AnswerReport(msgspec.Struct, frozen=True, kw_only=True):
    """A table that a service gave."""

    origin: Origin
    is_known: bool  # from an earlier question, not asked again
    rows: int
    columns: int
    files: tuple[str, ...]


def write_answer(
    ws: Workspace, content: Path, origin: Origin, out: Path | None, label: str, *, is_known: bool
) -> AnswerReport:
    """Write an answer as a table, with its origin among its facts.

    Parameters
    ----------
    content
        The answer, a VOTable.
    """
    table = read_table(content)
    facts = {name: " ".join(str(value).split()) for name, value in msgspec.structs.asdict(origin).items()}
    del facts["is_cut"]
    table.meta = {**facts, "rows_of_answer": len(table), **({"overflow": 1} if origin.is_cut else {})}
    return AnswerReport(
        origin=origin, is_known=is_known, rows=len(table), columns=len(table.colnames),
        files=write(ws, table, out, label),
    )  # fmt: skip
