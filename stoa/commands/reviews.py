"""Flags, clearings and comments, and people who contradict each other."""

from __future__ import annotations

from typing import Any

import msgspec

from stoa.model import Review
from stoa.workspace.agreement import Contradiction, contradictions
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flag_rows, reviews_of
from stoa.workspace.samples import hidden_from, sample_named, without_hidden
from stoa.workspace.verdicts import Kappa, agreement


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
    hidden: tuple[str, ...] = ()  # targets of a blind sample that you have not judged: what others say is left out


def reviews(ws: Workspace, name: str = "") -> ReviewsReport:
    """Flags, clearings and comments of one target, of one run, or of all, in the order in which they were made.

    Raises
    ------
    NotFoundError
        If there is no such target, and nothing was ever said about it.
    """
    who = ws.repository.author()
    hidden = hidden_from(ws, who)
    found = reviews_of(ws, name)
    kept = without_hidden(found, hidden, who)
    return ReviewsReport(
        reviews=tuple(kept),
        flags=tuple(
            row for row in flag_rows(ws) if name in ("", row["target"], row["run"]) and row["target"] not in hidden
        ),
        contradictions=tuple(each for each in contradictions(ws, name) if each.target not in hidden),
        hidden=tuple(sorted({each.target for each in found} & hidden)),
    )


def agreed(ws: Workspace, name: str = "") -> list[Kappa]:
    """How far each two people agree, over the targets that both have judged: all, or those of a sample.

    Raises
    ------
    NotFoundError
        If there is no such sample.
    """
    return agreement(ws, sample_named(ws, name).targets if name else None)
