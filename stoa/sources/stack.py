"""The sources of a run or a pair as one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.catalogue.formats import is_table_name
from stoa.catalogue.quality import CutCount, Selection, select
from stoa.catalogue.stack import stack as stack_parts  # this module stacks runs
from stoa.catalogue.tables import read_table
from stoa.errors import NotFoundError
from stoa.project import QualityCut
from stoa.workspace.looks import Counts
from stoa.workspace.names import resolve_run, table_on_disk
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import count_unlisted, latest_of
from stoa.workspace.tags import ChosenJobs

if TYPE_CHECKING:
    from astropy.table import Table
from stoa.sources.cuts import facts_of
from stoa.sources.tables import catalogue_output, nothing_to_stack, tables_of

COUNTED = ("source", "images", "empty", "targets", "sources", "kept", "outcomes", "stale", "flagged", "missing")
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
    unlisted: int  # latest outcomes of targets that are in no list, or that it does not run over, left out as well
    missing: tuple[str, ...]  # products that are not on this machine
    new: int = 0  # of a pair: targets without an outcome
    standing: Counts | None = None  # how many outcomes of the run or pair are stale, flagged or missing


def stack(
    ws: Workspace,
    source: str,
    cuts: Sequence[QualityCut] = (),
    output: str = "",
    among: ChosenJobs | None = None,
) -> tuple[Table, StackReport]:
    """The sources of a run's ok outcomes as one table after some cuts, and what was left out; nothing is written.

    Parameters
    ----------
    among
        Only these jobs; None for all. The table says of how many targets they are, since it is not the whole run.

    Raises
    ------
    StoaError
        If the process has no catalogue of that name, or none of its tables is on this machine.
    """
    name = resolve_run(ws, source)
    everything = latest_of(ws, name)
    outcomes = {job: one for job, one in everything.items() if among is None or job in among}
    chosen = output or catalogue_output(ws, name, outcomes.values())
    parts, missing, left_out = tables_of(ws, name, outcomes.values(), chosen)
    if not parts:
        raise nothing_to_stack(source, missing, left_out)
    table = stack_parts(parts)
    runs = " ".join(sorted({part.run for part in parts}))
    table.meta |= {"process": name.process, "params": name.params, "environment": name.environment, "run": runs}
    if among is not None:
        table.meta["chosen"] = len(among.targets)
    selection = cut(table, source, cuts)
    facts = table.meta
    report = StackReport(
        source=source, files=(), images=facts["images"], targets=facts["targets"], sources=facts["sources"],
        kept=len(selection.table), cuts=selection.cuts, left_out=left_out, missing=tuple(missing),
        unlisted=count_unlisted(ws, name) if among is None else 0,
        new=0 if name.run else len((ws.targets.keys() if among is None else among.targets) - {t for t, _ in outcomes}),
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


def cut(table: Table, source: str, cuts: Sequence[QualityCut]) -> Selection:
    """What cuts leave of a table, which then says of each cut how many it removed."""
    selection = select(table, list(cuts))
    facts = {"source": source, **table.meta, "kept": len(selection.table)}
    selection.table.meta = facts | facts_of(selection, facts)
    return selection


def sources_of(ws: Workspace, source: str, keep: Iterable[str], *, quality: bool) -> Table:
    """A table on disk, or the stacked sources of a run, cut."""
    return cut(uncut(ws, source), source, cuts_of(ws, keep, quality=quality)).table


def uncut(ws: Workspace, source: str) -> Table:
    """A table on disk, or the stacked sources of a run, without any cut."""
    path = table_on_disk(source)
    if path is None and "@" not in source and is_table_name(source):
        path = Path(source)  # reading says that there is none
    if path is None:
        return stack(ws, source)[0]
    ws.check_given(path)
    return read_table(path)
