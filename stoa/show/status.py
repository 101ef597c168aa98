"""The state of a project in words and tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stoa.show.runs import some, state_in_words
from stoa.show.table import Column, Table, table
from stoa.show.words import clock, count, counts_in_words, one_line

if TYPE_CHECKING:
    from stoa.commands.status import PairStatus, StatusReport
    from stoa.workspace.scope import Origins

FRESH_S = 60
"""A check this young is not mentioned."""

MOST_TROUBLE = 5
"""Files that are named of those that cannot be read."""


def headline(report: StatusReport) -> str:
    """Project, branch, targets."""
    missing = report.target_count - report.described
    described = f", {missing} without metadata" if missing > 0 else ""
    flags = f", {report.flagged} flagged" if report.flagged else ""
    branch = report.branch or "(detached)"
    return f"{report.project} on branch {branch}: {count(report.target_count, 'target')}{described}{flags}"


def live_lines(report: StatusReport) -> Iterator[str]:
    """One line for each live run."""
    for row in report.live:
        words = state_in_words(row)
        yield f"{words}: {row.run} {row.process} @ {row.params}: {counts_in_words(row.counts)} of {row.jobs}"


def pair_lines(pair: PairStatus) -> Iterator[str]:
    """A process with a parameter set: counts, stale outcomes; without the causes."""
    new = f", {pair.new} without an outcome" if pair.new else ""
    yield f"\n{pair.name.replace('@', ' @ ', 1)}: {counts_in_words(pair.counts)}{new}  (last run {pair.run})"
    if pair.tags:
        yield f"  tagged {one_line(', '.join(pair.tags))}"
    yield from origin_lines(pair.origins)
    if pair.stale:
        yield f"  {pair.stale} stale: {one_line('; '.join(pair.stale_reasons))}"
    if look := _look_in_words(pair.looked):
        yield f"  {look}"
    if pair.interrupted_since:
        yield f"  {pair.interrupted_since} interrupted since; the earlier outcome stays current"
    if pair.unlisted:
        where = "that it no longer runs over" if pair.origins.made else "that are no longer in any list"
        yield f"  {pair.unlisted} more of targets {where}"


def origin_lines(origins: Origins) -> Iterator[str]:
    """Which processes made what another one runs over, and which targets have none of it and why."""
    made = ", ".join(f"{one.process} ({one.products} of {count(one.targets, 'target')})" for one in origins.made)
    if made:
        yield f"  runs over the products of {made}"
    for why, names in origins.without.items():
        yield f"  none of {count(len(names), 'target')} ({why}): {some(names, 3)}"


def _look_in_words(looked: str) -> str:
    """When the inputs were last checked, if that is not now."""
    if not looked:
        return "inputs were not checked for changes (`stoa status --look`)"
    age_s = (datetime.now(UTC) - datetime.fromisoformat(looked)).total_seconds()
    return f"inputs were last checked for changes {clock(looked, 16)} (`stoa status --look`)" if age_s > FRESH_S else ""


def flag_lines(report: StatusReport) -> Iterator[str]:
    """Open flags by reason, the most frequent first."""
    if report.flags:
        yield "\nflags"
    for reason, names in sorted(report.flags.items(), key=lambda entry: -len(entry[1])):
        yield f"  {len(names)} {reason}: {some(names, 5)}"


def states_table(report: StatusReport) -> Table:
    """One row for each target, one column for each process with a parameter set."""
    pairs = [pair.name for pair in report.pairs]
    columns = (Column("target"), *(Column(pair, 2 + n) for n, pair in enumerate(pairs)), Column("flags", 1, text=True))
    return table(
        columns,
        [
            (t.name, *(t.states[p] + " (stale)" * (p in t.stale) for p in pairs), " ".join(t.flags))
            for t in report.targets
        ],
    )


def trouble_lines(report: StatusReport) -> Iterator[str]:
    """What is wrong with the records."""
    for found in report.ahead[:MOST_TROUBLE]:
        yield f"{found.where} is {found.message}"
    if len(report.ahead) > MOST_TROUBLE:
        yield f"{len(report.ahead) - MOST_TROUBLE} more are dated ahead: `stoa fsck`"
    files: dict[str, list[str]] = {}
    for path, message in report.unreadable:
        files.setdefault(path, []).append(message)
    for path, messages in list(files.items())[:MOST_TROUBLE]:
        more = f" (and {count(len(messages) - 1, 'other line')}: `stoa fsck`)" if len(messages) > 1 else ""
        yield f"cannot read {path}: {messages[0]}{more}"
    if len(files) > MOST_TROUBLE:
        yield f"{count(len(files) - MOST_TROUBLE, 'more file')} cannot be read: `stoa fsck`"
