"""What was adopted, in words and as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stoa.show.table import Column, Table, table
from stoa.show.words import count, counts_in_words, one_line

if TYPE_CHECKING:
    from stoa.commands.adopt import AdoptReport

MOST = 10


def adopted_table(report: AdoptReport) -> Table:
    """Each job with its folder and how it counts."""
    columns = (
        Column("target"), Column("group", 1, optional=True), Column("folder", 0, text=True), Column("status"),
        Column("log", 2, optional=True), Column("cause", 1, text=True, optional=True),
    )  # fmt: skip
    rows = [(one.target, one.group, one.folder, one.status, one.log, one_line(one.cause)) for one in report.adopted]
    return table(columns, rows)


def adopted_in_words(report: AdoptReport, *, dry_run: bool) -> str:
    """How many outcomes there are, and in which run."""
    counts = counts_in_words(report.counts) if report.counts else "nothing"
    if dry_run or not report.commit:
        return f"{'would adopt' if dry_run else 'adopted'} {counts}"
    return f"adopted {counts} as run {report.run} (commit {report.commit[:9]})"


def left_lines(report: AdoptReport) -> Iterator[str]:
    """What was left out, and why."""
    for why, jobs in report.left.items():
        yield f"{count(len(jobs), 'job')} left out: {why}: {_some(jobs)}"
    if report.strangers:
        strangers = count(len(report.strangers), "folder")
        belong = "belongs" if len(report.strangers) == 1 else "belong"
        yield f"{strangers} of {report.tree} {belong} to no job: {_some(report.strangers)}"


def _some(names: tuple[str, ...]) -> str:
    more = f", and {len(names) - MOST} more (--json lists all)" if len(names) > MOST else ""
    return one_line(", ".join(names[:MOST])) + more
