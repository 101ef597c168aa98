"""A comparison of two runs in tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from stoa.show.page import SOURCE_HEADINGS, percent, source_cells
from stoa.show.runs import standing_words
from stoa.show.table import Column, Table, table
from stoa.show.words import number

if TYPE_CHECKING:
    from stoa.commands.diff import DiffReport, ResultChange
    from stoa.sources.changes import ImageChange, SourceChange


def standing_lines(report: DiffReport) -> Iterator[str]:
    """How many outcomes of each side are stale, flagged or missing."""
    sides = dict(zip((report.a, report.b), report.standing, strict=True))
    for label, counts in sides.items():
        yield from (f"{label}: {words}" for words in standing_words(counts))


def results_table(report: DiffReport) -> Table:
    """Medians of the results that changed."""
    changed = {change.name for change in report.changes}
    columns = (
        Column("result"), Column("unit", 3, optional=True), Column("jobs", 4, right=True),
        Column("median a", 2, right=True), Column("median b", 2, right=True), Column("median change", right=True),
        Column("beyond tolerance", 1),
    )  # fmt: skip
    return table(
        columns,
        [
            (r.name, r.unit, r.jobs, number(r.median_a), number(r.median_b), percent(r.median_change),
             f"{r.beyond} (of {100 * r.tolerance:g} %)")
            for r in report.results
            if r.name in changed
        ],
    )  # fmt: skip


def changes_table(changes: Iterable[ResultChange]) -> Table:
    """Results of single jobs, as they were and as they are."""
    columns = (
        Column("target"), Column("image group", 3, optional=True), Column("result"), Column("a", 2, right=True),
        Column("b", 2, right=True), Column("change", right=True), Column("surprise", 1, right=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (c.target, c.group, c.name, number(c.a), number(c.b), percent(c.change), f"{c.surprise:.1f}")
            for c in changes
        ],
    )


def images_table(images: Iterable[ImageChange]) -> Table:
    """How many sources of each image are in both, in one, or changed."""
    columns = (
        Column("target"), Column("image group", 3, optional=True), Column("sources", 2),
        *(Column(name, 1, right=True) for name in ("matched", "gained", "lost", "moved", "flux changed")),
        Column("flux b/a", 4, right=True, optional=True), Column("rms b/a", 5, right=True, optional=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (i.target, i.group, f"{i.sources_a} -> {i.sources_b}", i.matched, i.gained, i.lost, i.moved,
             i.flux_changed, number(i.flux_ratio), number(i.rms_ratio))
            for i in images
        ],
    )  # fmt: skip


def sources_table(changes: Iterable[SourceChange]) -> Table:
    """Single sources that only one side has, or that moved or changed."""
    columns = tuple(
        Column(heading, place, right=place > 2, optional=True, text=heading in ("moved by", "flux b/a", "flux by"))
        for place, heading in enumerate(SOURCE_HEADINGS)
    )
    return table(columns, [source_cells(each) for each in changes])
