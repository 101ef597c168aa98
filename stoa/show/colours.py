"""Colours of statuses and states; the word always is beside the colour."""

from __future__ import annotations

import re

from stoa.model import Status

COLOURS = {
    "ok": "green", "failed": "red", "timeout": "red", "killed": "red", "error": "red", "blocked": "yellow",
    "interrupted": "yellow", "skipped": "cyan", "stale": "magenta", "new": "blue", "running": "bold blue",
}  # fmt: skip
"""Status of an outcome or state of a job -> colour."""

COUNTED = re.compile(rf"\b\d+ ({'|'.join([*Status, 'stale'])})\b")
"""How many there are of a status, as in ``35 ok, 39 failed``."""


def colour_of(cell: str) -> str:
    """The colour of a cell that begins with a status, such as ``failed (stale)``; "" for other cells."""
    word, _, rest = cell.partition(" ")
    return COLOURS.get(word, "") if not rest or rest.startswith("(") else ""
