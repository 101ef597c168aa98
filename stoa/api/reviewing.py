"""Flags, comments, steps and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoa.api.displays import ShownList
from stoa.api.opened import Opened
from stoa.api.tables import flags
from stoa.commands import assign, comment, flag, todo, unflag
from stoa.commands import step as steps  # the keyword has the name of the verb
from stoa.commands import tag as tags  # the keyword has the name of the verb
from stoa.commands.todo import ToDoReport
from stoa.model import Review
from stoa.show.notebook import reviews_html
from stoa.workspace import reviews, writing

if TYPE_CHECKING:
    from stoa.api.record_table import RecordTable


class Reviewing(Opened):
    """Flags, comments, steps and tags."""

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

    def step(
        self, *targets: str, step: str, state: str = "done", text: str = "", where: str = ""
    ) -> writing.ReviewReport:
        """Record a step of the review: ``done``, ``not-needed`` or ``undone``."""
        return steps.step(self.workspace, targets, step=step, state=state, text=text, where=where)

    def assign(
        self, *targets: str, person: str, step: str = "", text: str = "", where: str = ""
    ) -> writing.ReviewReport:
        """Say who is to look at targets: a name or an address, ``me``, or ``nobody``."""
        return assign.assign(self.workspace, targets, person=person, step=step, text=text, where=where)

    def todo(
        self, person: str = "", *, step: str = "", unassigned: bool = False, disputed: bool = False, every: bool = False
    ) -> ToDoReport:
        """Open steps of one person, by default of the one whom git names, and how far the project is."""
        return todo.todo(self.workspace, person, step=step, unassigned=unassigned, disputed=disputed, every=every)

    def tag(
        self, *targets: str, tag: str, remove: bool = False, text: str = "", where: str = ""
    ) -> writing.ReviewReport:
        """Give targets a tag, or take it away."""
        return tags.tag(self.workspace, targets, tag=tag, remove=remove, text=text, where=where)

    def tags(self) -> dict[str, list[str]]:
        """Targets by tag."""
        return tags.tags(self.workspace)

    def reviews(self, name: str = "") -> list[Review]:
        """Flags, clearings and comments in the order they were made."""
        return ShownList(reviews.reviews_of(self.workspace, name), reviews_html)

    def flags(self, *, every: bool = False) -> RecordTable:
        """One row per flag: target, reason, text, author, time; open ones, or all of them."""
        return flags(self.workspace, every=every)
