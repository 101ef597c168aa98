"""Statuses and states as a symbol with its word: told apart without colour."""

from __future__ import annotations

SYMBOLS = {
    "ok": "✓", "failed": "✗", "timeout": "◷", "killed": "☠", "error": "⚠", "blocked": "⊘", "interrupted": "‖",
    "skipped": "↷", "stale": "↻", "new": "○", "running": "▶", "flagged": "⚑", "done": "✓", "cut off": "‖",
    "submitted": "▷", "starting": "…", "ended": "■", "stopped": "‖", "orphaned": "⚠", "elsewhere": "▷",
}  # fmt: skip
"""Status of an outcome, state of a job or of a run -> one letter."""


def with_symbol(word: str) -> str:
    """``✗ failed``; a word without a symbol as it is."""
    return f"{SYMBOLS[word]} {word}" if word in SYMBOLS else word
