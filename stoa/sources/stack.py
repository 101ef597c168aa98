"""The sources of a run or a pair as one table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.catalogue.quality import CutCount, Selection, select
from stoa.catalogue.stack import stack as stack_parts
from stoa.catalogue.tables import read_table
from stoa.errors import NotFoundError
from stoa.project import QualityCut
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import count_unlisted, latest_of

if TYPE_CHECKING:
    from astropy.table import Table
from stoa.sources.files import label, write
from stoa.sources.tables import catalogue_output, nothing_to_stack, tables_of

COUNTED = ("source", "images", "empty", "targets", "sources", "kept")
"""Facts of a stacked and cut catalogue that a matched one keeps."""


class StackReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a stacked catalogue holds."""

    source: str
    files: tuple[str, ...]
    images: int
    targets: int
    sources: int  # before the cuts
    kept: int
    cuts: tuple[CutCount, ...]
    left_out: dict[str, int]  # jobs without a table, by status
    unlisted: int  # latest outcomes of targets that are in no list any more, left out as well
    missing: tuple[str, ...]  # products that are not on this machine
    new: int = 0  # of a pair: targets without an outcome


def stack(ws: Workspace, source: str, keep: Iterable[str] = (), output: str = "", *, quality: bool = False) -> Table:
    """The sources of a run as one table; see `stack_report` for what was left out."""
    return _stacked(ws, source, cuts_of(ws, keep, quality=quality), output)[0]


def stack_report(
    ws: Workspace,
    source: str,
    keep: Iterable[str] = (),
    output: str = "",
    out: Path | None = None,
    *,
    quality: bool = False,
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
    """
    table, report = _stacked(ws, source, cuts_of(ws, keep, quality=quality), output)
    return msgspec.structs.replace(report, files=write(ws, table, out, label(source)))


def _stacked(ws: Workspace, source: str, cuts: list[QualityCut], output: str) -> tuple[Table, StackReport]:
    name = resolve_run(ws, source)
    outcomes = latest_of(ws, name.process, name.params, name.run)
    chosen = output or catalogue_output(ws, name, outcomes.values())
    parts, missing, left_out = tables_of(ws, name, outcomes.values(), chosen)
    if not parts:
        raise nothing_to_stack(source, missing, left_out)
    table = stack_parts(parts)
    runs = " ".join(sorted({part.run for part in parts}))
    table.meta |= {"process": name.process, "params": name.params, "run": runs}
    selection = cut(table, source, cuts)
    facts = table.meta
    report = StackReport(
        source=source, files=(), images=facts["images"], targets=facts["targets"], sources=facts["sources"],
        kept=len(selection.table), cuts=selection.cuts, left_out=left_out, missing=tuple(missing),
        unlisted=0 if name.run else count_unlisted(ws, name.process, name.params),
        new=0 if name.run else len(ws.targets.keys() - {target for target, _ in outcomes}),
    )  # fmt: skip
    return selection.table, report


def cuts_of(
    ws: Workspace, conditions: Iterable[str], *, quality: bool, without: tuple[str, ...] = ()
) -> list[QualityCut]:
    """The cuts of the project where they are asked for, then those given on the command line."""
    declared = list(ws.project.config.quality) if quality else []
    for name in without:
        if name not in [cut.name for cut in declared]:
            raise NotFoundError("quality cut", name, [cut.name for cut in declared], "`quality:` of .stoa/config.yaml")
    given = [QualityCut(f"keep {number}", condition) for number, condition in enumerate(conditions, 1)]
    return [cut for cut in declared if cut.name not in without] + given


def cut(table: Table, source: str, cuts: list[QualityCut]) -> Selection:
    """What cuts leave of a table, which then says of each cut how many it removed."""
    selection = select(table, cuts)
    facts = {"source": source, **table.meta, "kept": len(selection.table)}
    number = sum(name.startswith("cut") for name in facts)
    counted = {f"cut{n}": f"{c.name}: {c.keep} ({c.removed} removed)" for n, c in enumerate(selection.cuts, number + 1)}
    selection.table.meta = facts | counted
    return selection


def sources_of(ws: Workspace, source: str, keep: Iterable[str], *, quality: bool) -> Table:
    """A table on disk, or the stacked sources of a run, cut."""
    return cut(uncut(ws, source), source, cuts_of(ws, keep, quality=quality)).table


def uncut(ws: Workspace, source: str) -> Table:
    """A table on disk, or the stacked sources of a run, without any cut."""
    path = Path(source)
    return read_table(path) if path.suffix and path.is_file() else stack(ws, source)
