"""Judgements and disagreements of collaborators in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from stoa.model import Review
from stoa.show.table import Column, Table, table
from stoa.show.words import clock, count, number, one_line

if TYPE_CHECKING:
    from stoa.workspace.agreement import Contradiction, Disagreement
    from stoa.workspace.writing import ReviewReport

_REVIEWED = {
    "flag": "flagged", "unflag": "cleared the flags of", "pass": "passed", "comment": "commented on",
    "step": "recorded the step for",
    "assign": "assigned", "tag": "tagged", "untag": "took the tag from",
}  # fmt: skip

ANSWER = "↳ "
"""In front of a reply, below the comment that it answers."""


def threaded(reviews: Iterable[Review]) -> list[tuple[int, Review]]:
    """Reviews in their order, each reply below the comment that it answers, with how deep it is.

    A reply to a comment that is not among them stands where its time has it.
    """
    every = list(reviews)
    known = {(each.about, each.id) for each in every}
    answers: dict[tuple[str, str], list[Review]] = {}
    first: list[Review] = []
    for each in every:  # a reply is always later than its comment, so that no chain can close
        asked = (each.about, each.reply_to)
        (answers.setdefault(asked, []) if each.reply_to and asked in known else first).append(each)
    return [found for each in first for found in _thread(each, answers)]


def _thread(first: Review, answers: Mapping[tuple[str, str], list[Review]]) -> Iterator[tuple[int, Review]]:
    left = [(0, first)]  # no recursion: a chain of answers may be long
    while left:
        depth, each = left.pop()
        yield depth, each
        left += [(depth + 1, answer) for answer in reversed(answers.get((each.about, each.id), ()))]


def text_of(review: Review, depth: int = 0) -> str:
    """The text of a review in a table: a reply is marked, and a picture named."""
    return f"{ANSWER * min(depth, 3)}{review.text}" + (" [picture]" if review.picture else "")


def reviews_table(found: Iterable[Review]) -> Table:
    """One row for each flag, clearing and comment; replies are below their comments."""
    columns = (
        Column("when", 3), Column("what"), Column("target"), Column("image group", 4, optional=True),
        Column("reason", 1), Column("by", 2, text=True), Column("id", 6),
        Column("text", 1, text=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (
                clock(r.time, 16), r.kind, r.target or about_in_words(r), r.group, said(r), r.author.name,
                r.id, text_of(r, depth),
            )
            for depth, r in threaded(found)
        ],
    )  # fmt: skip


def about_in_words(review: Review) -> str:
    """The target and image group, the run or the pair that a review is about; a pair is named with its environment."""
    if review.process:
        return f"{review.process}@{review.params}+{review.environment}"
    return f"{review.target} {review.group}".rstrip() if review.target else f"run {review.run}"


def reviewed_words(report: ReviewReport) -> str:
    """``flagged A001 (commit 1f0c9e2a7)``: what was recorded about which targets, a run or a pair."""
    whom = report.targets[0] if len(report.targets) == 1 else count(len(report.targets), "target")
    whom = report.pair or (f"run {report.run}" if report.run else f"{whom} {report.group}".rstrip())
    return f"{_REVIEWED[report.kind]} {whom} (commit {report.commit[:9]})"


def said(review: Review) -> str:
    """What a review says beside its text: a reason code, ``accepted done``, ``weblog to Ada``, a tag."""
    if review.kind == "assign":
        return f"{review.step} to {review.person or 'nobody'}".strip()
    return f"{review.subject} {review.value}".strip()


def flags_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """One row for each open flag."""
    columns = (
        Column("target"), Column("image group", 4, optional=True), Column("reason"), Column("by", 2, text=True),
        Column("when", 3), Column("text", 1, text=True),
    )  # fmt: skip
    return table(
        columns, [(r["target"], r["group"], r["reason"], r["author"], clock(r["time"], 16), r["text"]) for r in rows]
    )


def disagreement_lines(found: Disagreement, most: int = 3) -> Iterator[str]:
    """What two runs have for one job, one line for each result that differs."""
    group = f" {found.group}" if found.group else ""
    for difference in found.differences[:most]:
        name = "" if difference.name == "status" else f"{difference.name} "
        sides = ", ".join(
            f"{name}{_value(value)} by {voice.author}"
            for value, voice in zip(difference.values, found.voices, strict=True)
        )
        yield one_line(f"{found.target}{group} ({found.process} @ {found.params}): {sides}")


def _value(value: object) -> str:
    return "none" if value is None else number(value) if isinstance(value, float) else str(value)


def contradictions_table(found: Iterable[Contradiction]) -> Table:
    """Judgements that contradict each other, one row for each."""
    columns = (
        Column("target"), Column("by", 1, text=True), Column("says"), Column("when", 3), Column("text", 2, text=True)
    )  # fmt: skip
    return table(
        columns, [(c.target, j.author, j.says, clock(j.time, 16), j.text) for c in found for j in c.judgements]
    )


def review_line(review: Review) -> str:
    """A flag, clearing or comment in one line."""
    what = f"{review.kind} {said(review)}".strip()
    if review.tag and review.group:
        what += f" on {review.group}"
    text = f": {review.text}" if review.text else ""
    return one_line(f"{clock(review.time, 16)}  {review.author.name}  {what}{text}")
