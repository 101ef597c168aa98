"""Actions of people in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoa.show.words import count, one_line

if TYPE_CHECKING:
    from stoa.workspace.board import Event

_DID = {
    "flag": "flagged", "unflag": "cleared flags of", "pass": "passed", "comment": "commented on",
    "step": "recorded a step for",
    "assign": "assigned", "tag": "tagged", "untag": "took a tag from",
}  # fmt: skip


def event_in_words(event: Event) -> str:
    """``Ada Byron flagged A001_X1 (artefacts): stripes``, or who ran what."""
    who = one_line(event.author)
    if event.kind == "run":
        return f"{who} ran {event.reason} ({count(event.count, 'job')})"
    whom = count(event.count, "target") if event.count > 1 else event.target or event.pair or f"run {event.run}"
    reason = f" ({event.reason})" if event.reason else ""
    text = one_line(event.text)
    words = f": {text if len(text) <= 80 else text[:79] + '…'}" if text else ""
    return f"{who} {_DID[event.kind]} {whom}{reason}{words}"
