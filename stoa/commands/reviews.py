"""Flags, clearings and comments, and people who contradict each other."""

from __future__ import annotations

from typing import Any

import msgspec

from stoa.model import Review
from stoa.workspace.agreement import Contradiction, contradictions
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flag_rows, reviews_of


class ReviewsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about targets and runs.

    Attributes
    ----------
    flags
        Open flags, each with whom it is by and when.
    """

    reviews: tuple[Review, ...]
    flags: tuple[dict[str, Any], ...]
    contradictions: tuple[Contradiction, ...]


def reviews(ws: Workspace, name: str = "") -> ReviewsReport:
    """Flags, clearings and comments of one target, of one run, or of all, in the order in which they were made.

    Raises
    ------
    NotFoundError
        If there is no such target, and nothing was ever said about it.
    """
    return ReviewsReport(
        reviews=tuple(reviews_of(ws, name)),
        flags=tuple(row for row in flag_rows(ws) if name in ("", row["target"], row["run"])),
        contradictions=tuple(contradictions(ws, name)),
    )
