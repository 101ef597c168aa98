"""What was sent to applications on the desktop, and what was picked there, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stoa.show.words import count, one_line

if TYPE_CHECKING:
    from stoa.commands.samp.listen import Picked
    from stoa.commands.samp.send import SendReport

MOST = 20
"""How many targets are named."""


def sent_words(report: SendReport) -> str:
    """``sent sep@deep (120 rows) to topcat``."""
    size = f" ({count(report.rows, 'row')})" if report.what == "table" else f" ({report.files[0]})"
    return f"sent {one_line(report.name)}{size} to {', '.join(map(one_line, report.applications))}"


def picked_lines(picked: Picked) -> Iterator[str]:
    """Which rows were picked where, and their targets."""
    rows = count(len(picked.rows), "row") if picked.is_subset else f"row {', '.join(map(str, picked.rows)) or '?'}"
    head = f"{one_line(picked.application)}: {rows} of {one_line(picked.table) or 'a table'}"
    if picked.targets:
        yield f"{head}: {targets_words(picked.targets)}"
    else:
        yield head
    if picked.elsewhere:
        yield f"  {count(picked.elsewhere, 'row')} without a target of this project"
    if picked.problem:
        yield f"  {one_line(picked.problem)}"


def targets_words(targets: tuple[str, ...]) -> str:
    """``3 targets: a b c``; of many the first."""
    named = " ".join(map(one_line, targets[:MOST])) + (" ..." if len(targets) > MOST else "")
    return f"{count(len(targets), 'target')}: {named}"
