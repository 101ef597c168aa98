"""Targets, their metadata and observation logs in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from stoa.show.table import Column, Table, table
from stoa.show.words import count, number

if TYPE_CHECKING:
    from stoa.commands.meta import CheckedTarget, Overview
    from stoa.commands.target import TargetRow
    from stoa.meta.explain import Explanation
    from stoa.sources.observed import ObservedReport

COLUMNS = ("n_files", "n_images", "object", "freq_ghz", "band", "beam_arcsec", "problems")
"""Metadata columns of a list of targets, where no others are asked for."""

_NUMBERS = ("n_files", "n_images", "freq_ghz", "band", "beam_arcsec")


def value_in_words(value: Any, digits: int = 4) -> str:
    """A value of the metadata."""
    return value if isinstance(value, str) else number(value, digits)


def targets_table(rows: Sequence[TargetRow], wanted: Iterable[str]) -> Table:
    """One row for each target, with columns of its metadata."""
    names = tuple(wanted)
    columns = (
        Column("target"),
        *(
            Column(name, 3 + place, right=name in _NUMBERS, text=name == "problems", optional=name in COLUMNS)
            for place, name in enumerate(names)
        ),
        Column("flags", 1, text=True, optional=True), Column("folder", 2, text=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (row.name, *(value_in_words(row.metadata.get(name)) for name in names), " ".join(row.flags),
             f"{row.root}:{row.path}")
            for row in rows
        ],
    )  # fmt: skip


def observed_table(report: ObservedReport) -> Table:
    """One row for each object of a catalogue in a field of an observation log."""
    columns = (
        Column("object"), Column("field", 2), Column("project", 4), Column("member OUS", 3),
        Column("arcsec", 5, right=True), Column("targets", 1, text=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (one.object, one.source, one.project, one.observation, f"{one.separation_arcsec:.1f}",
             " ".join(one.targets) or "-")
            for one in report.found
        ],
    )  # fmt: skip


def observed_in_words(report: ObservedReport) -> str:
    """How many objects of a catalogue an observation log has in its fields."""
    return (
        f"{report.observed_objects} of {count(report.objects, 'object')} in {count(report.observations, 'field')}"
        f" of {count(report.rows, 'row')}; {count(len(report.targets), 'target')} on disk"
    )


def observed_notes(report: ObservedReport) -> Iterator[str]:
    """What the log, the disk and the metadata do not have."""
    for words, names in (
        ("observed and not on disk", report.not_on_disk),
        ("on disk and not in the log", report.not_in_log),
        ("on disk without a known member OUS", report.no_member),
    ):
        if names:
            yield f"{words}: {len(names)}: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}"
    if report.outside:
        yield f"{count(report.outside, 'object')} outside the coverage left out"
    if report.unknown_radius:
        yield f"{count(report.unknown_radius, 'field')} of unknown size are left out; --radius ANGLE gives them a size"


def problems_table(found: Iterable[CheckedTarget]) -> Table:
    """One row for each problem of each target."""
    columns = (Column("target"), Column("level", 2), Column("problem", 1), Column("what", 3, text=True))
    return table(columns, [(one.target, p.level, p.code, p.message) for one in found for p in one.problems])


def overview_table(found: Iterable[Overview]) -> Table:
    """One row for each kind of problem."""
    columns = (
        Column("level", 1), Column("problem"), Column("targets", 1, right=True), Column("times", 2, right=True),
        Column("for example", 3, text=True),
    )  # fmt: skip
    return table(columns, [(one.level, one.code, one.targets, one.times, one.example) for one in found])


def role_lines(one: Explanation) -> list[str]:
    """The role of a file and the rule that gives it."""
    facts = {"rule": one.rule or "none", "because": one.why, "image": one.group, "intent": one.intent, "kind": one.kind}
    lines = [f"{one.file}: {one.role}", *(f"  {key:8} {text}" for key, text in facts.items())]
    return [*lines, *(f"  {'problem':8} {problem}" for problem in one.problems)]


def near_rules_table(one: Explanation) -> Table:
    """The rules that nearly give a file a role."""
    columns = (Column("nearly"), Column("role", 2), Column("why not", 1, text=True))
    return table(columns, [(near.rule, near.role, near.why) for near in one.near])
