"""Findings of checks in words and tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stoa.show.table import Column, Table, table
from stoa.show.words import count

if TYPE_CHECKING:
    from stoa.commands.doctor import Remark
    from stoa.commands.fsck import FsckReport


def remarks_table(remarks: Iterable[Remark]) -> Table:
    """One row for each thing that work needs."""
    columns = (Column("ready"), Column("what"), Column("found", 1, text=True))
    return table(columns, [("ok" if r.fine else "NOT OK", r.what, r.message) for r in remarks])


def looked_at(report: FsckReport, *, products: bool) -> str:
    """What was checked, and how many problems there are."""
    looked = f"{count(report.runs, 'run')}, {count(report.outcomes, 'outcome')}, {count(report.reviews, 'review')}"
    words = f"{looked}, {count(report.documents, 'metadata document')}"
    if products:
        words += f", {count(report.products, 'product')} ({report.absent} not on this machine)"
    return f"checked {words}: {count(len(report.findings), 'problem')}"
