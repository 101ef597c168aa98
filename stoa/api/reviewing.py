"""Flags and comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoa.api.opened import Opened
from stoa.api.tables import flags
from stoa.commands import comment, flag, unflag
from stoa.model import Review
from stoa.workspace import reviews, writing

if TYPE_CHECKING:
    from astropy.table import Table


class Reviewing(Opened):
    """Flags and comments."""

    def flag(
        self, *targets: str, reason: str = "check", text: str = "", run: str = "", group: str = "", where: str = ""
    ) -> writing.ReviewReport:
        return flag.flag(self.workspace, targets, reason=reason, text=text, run=run, group=group, where=where)

    def unflag(self, *targets: str, reason: str = "", text: str = "", where: str = "") -> writing.ReviewReport:
        return unflag.unflag(self.workspace, targets, reason=reason, text=text, where=where)

    def comment(
        self, *targets: str, text: str, run: str = "", group: str = "", where: str = ""
    ) -> writing.ReviewReport:
        return comment.comment(self.workspace, targets, text=text, run=run, group=group, where=where)

    def reviews(self, name: str = "") -> list[Review]:
        """Flags, clearings and comments in the order they were made."""
        return reviews.reviews_of(self.workspace, name)

    def flags(self, *, every: bool = False) -> Table:
        """One row per flag: target, reason, text, author, time; open ones, or all of them."""
        return flags(self.workspace, every=every)
