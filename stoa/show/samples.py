"""Samples for a second look, and how far people agree, in words and tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stoa.model import Sample
from stoa.show.table import Column, Table, table
from stoa.show.words import one_line

if TYPE_CHECKING:
    from stoa.commands.review import SampleReport
    from stoa.workspace.verdicts import Kappa

FEW = 20
"""Below so many targets the error of kappa, which is for large samples, says little."""


def strata_table(sample: Sample) -> Table:
    """One row for each group of targets."""
    columns = (Column("group"), Column("targets", right=True), Column("drawn", right=True))
    return table(columns, [(each.name, each.targets, each.drawn) for each in sample.strata])


def progress_words(report: SampleReport) -> str:
    """``judged by Ben: 12 of 20; by someone else: 20``."""
    sample = report.sample
    return one_line(
        f"judged by {sample.person}: {len(report.judged)} of {len(sample.targets)}; by others: {len(report.first)}"
    )


def samples_table(found: Iterable[SampleReport]) -> Table:
    """One row for each sample."""
    columns = (
        Column("sample", text=True), Column("for", 1, text=True), Column("targets", right=True),
        Column("judged", right=True), Column("by others", right=True), Column("blind", 2), Column("seed", 4),
        Column("drawn by", 3, text=True), Column("why", 2, text=True, optional=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (
                each.sample.name, each.sample.person, len(each.sample.targets), len(each.judged), len(each.first),
                "blind" if each.sample.blind else "", str(each.sample.seed), each.sample.author.name, each.sample.text,
            )
            for each in found
        ],
    )  # fmt: skip


def verdicts_table(report: SampleReport) -> Table:
    """One row for each target of a sample: who has judged it, not how."""
    columns = (Column("target"), Column("judged"), Column("by others"))
    judged, first = set(report.judged), set(report.first)
    return table(
        columns,
        [
            (target, "yes" if target in judged else "", "yes" if target in first else "")
            for target in report.sample.targets
        ],
    )


def agreement_table(found: Iterable[Kappa]) -> Table:
    """One row for each reason and two people."""
    columns = (
        Column("reason"), Column("people", 1, text=True), Column("targets", right=True), Column("both", right=True),
        Column("first only", 2, right=True), Column("second only", 2, right=True), Column("neither", 2, right=True),
        Column("kappa", right=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (each.reason, f"{each.a} and {each.b}", each.targets, each.both, each.only_a, each.only_b, each.neither,
             kappa_in_words(each))
            for each in found
        ],
    )  # fmt: skip


def kappa_in_words(found: Kappa) -> str:
    """``0.61 ± 0.12``; ``undefined`` where both always say the same."""
    return "undefined" if found.kappa is None or found.error is None else f"{found.kappa:.2f} ± {found.error:.2f}"
