"""Flags, comments, steps and tags."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.api.displays import ShownList
from stoa.api.opened import AnyPath, Opened, names_of
from stoa.api.tables import flags
from stoa.commands import assign, comment, flag, review, select, todo, unflag
from stoa.commands import step as steps  # the keyword has the name of the verb
from stoa.commands import tag as tags  # the keyword has the name of the verb
from stoa.commands.review import SampleReport
from stoa.commands.reviews import agreed
from stoa.commands.select import Selected
from stoa.commands.todo import ToDoReport
from stoa.errors import StoaError
from stoa.model import Review
from stoa.show.notebook import reviews_html
from stoa.workspace import reviews, writing
from stoa.workspace.selections import condition
from stoa.workspace.tags import KINDS
from stoa.workspace.verdicts import Kappa

if TYPE_CHECKING:
    from stoa.api.record_table import RecordTable


class Reviewing(Opened):
    """Flags, comments, steps and tags."""

    def flag(
        self, *targets: str, reason: str = "check", text: str = "", run: str = "", group: str = "", where: str = ""
    ) -> writing.ReviewReport:
        """Flag targets, one image group of them, or the outcomes of a run, with a reason code."""
        return flag.flag(self.workspace, targets, reason=reason, text=text, run=run, group=group, where=where)

    def unflag(self, *targets: str, reason: str = "", text: str = "", where: str = "") -> writing.ReviewReport:
        """Clear the open flags of targets, all of them or those of one reason."""
        return unflag.unflag(self.workspace, targets, reason=reason, text=text, where=where)

    def comment(
        self,
        *targets: str,
        text: str,
        run: str = "",
        group: str = "",
        where: str = "",
        picture: AnyPath | None = None,
        reply_to: str = "",
    ) -> writing.ReviewReport:
        """Comment on targets, outcomes or a run; with a picture (PNG or JPEG), or as a reply to a comment."""
        return comment.comment(
            self.workspace, targets, text=text, run=run, group=group, where=where,
            picture=Path(picture) if picture is not None else None, reply_to=reply_to,
        )  # fmt: skip

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
        self,
        *targets: str,
        tag: str,
        remove: bool = False,
        text: str = "",
        where: str = "",
        group: str = "",
        run: str = "",
    ) -> writing.ReviewReport:
        """Give targets a tag, or one image group of them, a run or a pair (`run="sep@deep"`); or take it away."""
        return tags.tag(self.workspace, targets, tag=tag, remove=remove, text=text, where=where, group=group, run=run)

    def tags(self, of: str = "targets") -> dict[str, list[Any]]:
        """Targets by tag; `of` is ``targets``, ``groups`` (target and image group), ``runs`` or ``pairs``."""
        if of not in KINDS:
            raise StoaError(f"tags are of {', '.join(KINDS)}, not of {of!r}")
        found = {tag: list(getattr(each, of)) for tag, each in tags.tags(self.workspace).items()}
        return {tag: names for tag, names in found.items() if names}

    def condition(self, where: str = "", *, tags: str | Iterable[str] = (), select: str | Iterable[str] = ()) -> str:
        """One SQL expression for `where=` that asks for tags and saved selections, too."""
        return condition(self.workspace, where, names_of(tags), names_of(select))

    def select(
        self,
        name: str,
        *,
        targets: str | Iterable[str] = (),
        where: str = "",
        tags: str | Iterable[str] = (),
        failed: bool = False,
        flagged: bool = False,
        text: str = "",
    ) -> Selected:
        """Save a condition over targets under a name."""
        return select.save(
            self.workspace, name, targets=names_of(targets), where=where, tags=names_of(tags), failed=failed,
            flagged=flagged, text=text,
        )  # fmt: skip

    def selected(self, name: str) -> list[str]:
        """Targets of a saved selection, as they are now."""
        return list(select.selected(self.workspace, name).targets)

    def selections(self) -> list[Selected]:
        """All saved selections with their targets."""
        return select.selections(self.workspace)

    def remove_selection(self, name: str) -> Selected:
        """Remove a saved selection."""
        return select.remove(self.workspace, name)

    def draw_sample(
        self,
        number: int,
        *,
        person: str,
        targets: str | Iterable[str] = (),
        where: str = "",
        blind: bool = False,
        name: str = "",
        pair: str = "",
        seed: int | None = None,
        text: str = "",
    ) -> SampleReport:
        """Draw targets at random for a second look by a person; `blind` hides what others say until they judge."""
        return review.draw(
            self.workspace, number, person=person, targets=names_of(targets), where=where, blind=blind, name=name,
            pair=pair, seed=seed, text=text,
        )  # fmt: skip

    def pass_targets(self, *targets: str, text: str = "", where: str = "") -> writing.ReviewReport:
        """Say of targets that you have looked and there is nothing to flag."""
        return review.pass_targets(self.workspace, targets, text=text, where=where)

    def samples(self) -> list[SampleReport]:
        """All samples for a second look, with how far each is."""
        return review.list_samples(self.workspace)

    def remove_sample(self, name: str) -> SampleReport:
        """Remove a sample; all verdicts stay."""
        return review.remove(self.workspace, name)

    def agreement(self, sample: str = "") -> list[Kappa]:
        """How far each two people agree on each reason, over the targets that both have judged: Cohen's kappa."""
        return agreed(self.workspace, sample)

    def reviews(self, name: str = "") -> list[Review]:
        """Flags, clearings and comments in the order they were made."""
        return ShownList(reviews.reviews_of(self.workspace, name), reviews_html)

    def flags(self, *, every: bool = False) -> RecordTable:
        """One row per flag: target, reason, text, author, time; open ones, or all of them."""
        return flags(self.workspace, every=every)
