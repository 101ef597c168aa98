"""What several verbs print."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stoa.cli.say import as_json, is_quiet, out, table, tell
from stoa.model import CauseGroup
from stoa.show.reviews import contradictions_table, disagreement_lines, reviewed_words
from stoa.show.runs import cause_lines
from stoa.show.travel import left_lines, moved_line, size_words
from stoa.show.words import count

if TYPE_CHECKING:
    from stoa.workspace.agreement import Contradiction, Disagreement
    from stoa.workspace.removal import Removed
    from stoa.workspace.renaming import Renamed
    from stoa.workspace.travel import Moved
    from stoa.workspace.writing import Made, ReviewReport

MOST = 20
"""How many rows are printed of a list that may be long."""


def print_made(made: Made, json: bool) -> None:
    """Print which files were written."""
    if json:
        as_json(made)
    else:
        *first, last = made.files
        out(f"wrote {', '.join(first)}{' and ' if first else ''}{last} (commit {made.commit[:9]})")


def print_written(report: ReviewReport, json: bool) -> None:
    """Print what was recorded about which targets."""
    if json:
        as_json(report)
    else:
        out(reviewed_words(report))


def print_removed(removed: Removed, json: bool) -> None:
    """Print what was removed, and what still refers to it."""
    if json:
        as_json(removed)
        return
    names = removed.names
    what = f"{removed.kind} {names[0]}" if len(names) == 1 else f"{len(names)} {removed.kind}s"
    out(f"removed {what} (commit {removed.commit[:9]})")
    if removed.refers:
        them = "it" if len(names) == 1 else "them"
        tell(f"{', '.join(removed.refers)} still name {them}; these records stay as they are")


def print_renamed(renamed: Renamed, json: bool) -> None:
    """Print what was renamed, what belongs to it, and where the old name is still written."""
    if json:
        as_json(renamed)
        return
    out(f"renamed {renamed.kind} {renamed.old} to {renamed.new} (commit {renamed.commit[:9]})")
    if renamed.records:
        tell(f"{renamed.new} now has {', '.join(renamed.records)}")
    if renamed.mentions:
        known = "change it there" if renamed.kind == "target" else f"STOA reads it as {renamed.new} there"
        tell(f"{', '.join(renamed.mentions)} still has the name {renamed.old}: {known}")


def print_causes(causes: Iterable[CauseGroup]) -> None:
    """Print failures grouped by cause."""
    for line in cause_lines(causes):
        out(f"  {line}")


def print_disagreements(found: tuple[Disagreement, ...]) -> None:
    """Print the jobs for which the runs of two people have different results."""
    if not found:
        return
    out(f"\nConflicting results: {count(len(found), 'job')}")
    for each in found[:MOST]:
        for line in disagreement_lines(each):
            out(f"  {line}")
    if len(found) > MOST:
        tell(f"{len(found) - MOST} more: --json lists all")


def print_contradictions(found: tuple[Contradiction, ...]) -> None:
    """Print the judgements of people who contradict each other, side by side."""
    if found:
        out("\nContradictory flags")
        table(contradictions_table(found))


def print_sent(moved: Moved, *, json: bool = False) -> None:
    """Print which products went to the store."""
    _print_moved(moved, json, "sent", "were there", "on this machine")


def print_fetched(moved: Moved, *, json: bool = False) -> None:
    """Print which products came from the store."""
    _print_moved(moved, json, "fetched", "were here", "in the store")


def _print_moved(moved: Moved, json: bool, done: str, there: str, absent: str) -> None:
    if json:
        as_json(moved)
        return
    out(moved_line(moved, done, there))
    for line in left_lines(moved, absent):
        tell(line)


@contextmanager
def moving(json: bool) -> Iterator[Callable[[int, int, int], None] | None]:
    """How far products have travelled, on one line of a terminal; None where no one watches."""
    if json or is_quiet() or not sys.stderr.isatty():
        yield None
        return
    began = time.monotonic()
    shown = False

    def progress(done: int, total: int, size: int) -> None:
        nonlocal shown
        shown = True
        passed = time.monotonic() - began
        left = f", {passed / done * (total - done):.0f} s left" if done and done < total else ""
        line = f"{done} of {total} products, {size_words(size)}{left}"
        print(f"\r{line.ljust(60)}", end="", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if shown:
            print(file=sys.stderr)
