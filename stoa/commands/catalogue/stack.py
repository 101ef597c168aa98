"""Stack the tables of sources of a run or pair and write them as one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.errors import StoaError
from stoa.runs.standing import standing
from stoa.sources.files import label, write
from stoa.sources.stack import StackReport, cuts_of, stack
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.tags import ChosenJobs

if TYPE_CHECKING:
    from astropy.table import Table


def stacked(ws: Workspace, source: str, keep: Iterable[str] = (), output: str = "", *, quality: bool = False) -> Table:
    """The sources of a run as one table; see `stack_and_write`, which also says what was left out."""
    table = stack(ws, source, cuts_of(ws, keep, quality=quality), output)[0]
    table.meta |= standing(ws, resolve_run(ws, source)).counts.facts
    return table


def stack_and_write(
    ws: Workspace,
    source: str,
    keep: Iterable[str] = (),
    output: str = "",
    out: Path | None = None,
    *,
    quality: bool = False,
    among: ChosenJobs | None = None,
) -> StackReport:
    """Stack the tables of a run's ok outcomes and write them.

    Parameters
    ----------
    source
        A run, or ``PROCESS@SET``.
    keep
        Conditions on columns, such as ``snr >= 7``; applied in order after those of the project.
    quality
        Apply the cuts that `.stoa/config.yaml` declares, first.
    output
        The output to stack, where a process has several catalogues.
    out
        File to write; by default VOTable and FITS in `catalogues/`.
    among
        Only these jobs; None for all.
    """
    if among is not None and out is None:
        raise StoaError(
            "a table of chosen targets needs a file of its own: the usual one is for all targets of the run",
            f"name it: `stoa catalogue stack {source} ... --out FILE`",
        )
    table, report = stack(ws, source, cuts_of(ws, keep, quality=quality), output, among)
    counts = standing(ws, resolve_run(ws, source)).counts
    table.meta |= counts.facts
    return msgspec.structs.replace(report, files=write(ws, table, out, label(source)), standing=counts)
