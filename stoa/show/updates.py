"""What an update found and did, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stoa.show.runs import some
from stoa.show.words import count, one_line

if TYPE_CHECKING:
    from stoa.commands.update import Prepared, UpdateReport

MOST = 5


def prepared_lines(prepared: Prepared) -> Iterator[str]:
    """What came, was added and described."""
    if prepared.received:
        yield f"received {count(prepared.received, 'commit')}"
    new = f": {one_line(some(prepared.added, MOST))}" if prepared.added else ""
    yield f"{count(len(prepared.added), 'new target')}{new}; described {count(prepared.described, 'folder')}"


def left_lines(prepared: Prepared) -> Iterator[str]:
    """What was left for another time, and why."""
    if prepared.growing:
        folders = count(len(prepared.growing), "folder")
        yield f"{folders} changed a moment ago, left for the next time: {one_line(some(prepared.growing, MOST))}"
    for pair, why in prepared.left.items():
        yield f"not run: {one_line(pair)}: {one_line(why)}"
    if not prepared.pairs and not prepared.left:
        yield "nothing has run yet, so nothing is run; `stoa update PROCESS` names what to run"


def shared_words(report: UpdateReport) -> str:
    """What went to the others; "" for nothing."""
    return f"sent {count(report.sent, 'commit')}" if report.sent else ""
