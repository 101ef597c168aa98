"""Writing definitions and reviews: one commit per action."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from stoa.errors import StoaError, guess
from stoa.model import SCHEMA, Review
from stoa.provenance.ids import horizon, id_after, now
from stoa.provenance.records import MAX_TEXT
from stoa.request import Selection
from stoa.workspace.names import Pair, pair_words, resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.pictures import Picture
from stoa.workspace.selection import choose, match_names


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A definition that was written and committed."""

    name: str
    files: tuple[str, ...]
    commit: str


def refuse_existing(ws: Workspace, file: Path, kind: str, name: str) -> None:
    """Raise `StoaError` if a definition has been written already."""
    if file.exists():
        article = "an" if kind[0] in "aeiou" else "a"
        where = file.relative_to(ws.project.top)
        raise StoaError(f"there is {article} {kind} {name!r} already ({where})", "edit it, or remove it first")


class ReviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    id: str
    kind: str
    targets: tuple[str, ...]
    commit: str
    run: str = ""  # of a comment or a tag on a run as such
    pair: str = ""  # as typed, of a tag on a pair
    group: str = ""  # of a tag on an image group


def chosen_targets(ws: Workspace, targets: Iterable[str], where: str, otherwise: str = "") -> list[str]:
    """Targets by name, glob or SQL expression; `StoaError` if nothing is named."""
    patterns = tuple(targets)
    if where:
        return choose(ws, Selection(targets=patterns, where=where))
    if not patterns:
        raise StoaError("which targets?", f"name them, or choose them with --where{otherwise}")
    return match_names(patterns, ws.targets)


def write_reviews(
    ws: Workspace,
    kind: Literal["flag", "unflag", "pass", "comment", "step", "assign", "tag", "untag"],
    targets: list[str],
    *,
    reason: str = "",
    step: str = "",
    state: str = "",
    person: str = "",
    tag: str = "",
    text: str = "",
    run: str = "",
    group: str = "",
    clears: dict[str, list[str]] | None = None,
    reply_to: str = "",
    picture: Picture | None = None,
) -> ReviewReport:
    """Write one review per target in one commit."""
    if not targets:
        raise StoaError("no target matches", "`stoa target list --where ...` shows which would")
    check_length(text)
    ws.ready()
    event = next_id(ws)
    author, moment = ws.repository.author(), now()
    run_id = _run_id(ws, run, group, targets)
    reviews = [
        Review(
            schema=SCHEMA, id=event, kind=kind, target=target, run=run_id, group=group, reason=reason, text=text,
            clears=tuple((clears or {}).get(target, ())), step=step, state=state, person=person, tag=tag,
            reply_to=reply_to, picture=f"{event}{picture.suffix}" if picture else "", author=author, time=moment,
        )
        for target in targets
    ]  # fmt: skip
    what = " ".join(filter(None, (reason, step, state, person and f"to {person}", tag)))
    content = picture.content if picture else b""
    commit = ws.store.add_reviews(reviews, subject(kind, targets, what, text), content)
    return ReviewReport(
        id=event, kind=kind, targets=tuple(targets), commit=commit,
        group=group if kind in ("tag", "untag") else "",
    )  # fmt: skip


def write_on_run(
    ws: Workspace,
    kind: Literal["comment", "tag", "untag"],
    about: str | Pair,
    *,
    tag: str = "",
    text: str = "",
    reply_to: str = "",
    picture: Picture | None = None,
) -> ReviewReport:
    """Write one review of a run as such (by its id), or of a pair, in one commit."""
    check_length(text)
    ws.ready()
    event = next_id(ws)
    run, pair = (about, None) if isinstance(about, str) else ("", about)
    words = pair_words(ws, [pair])[pair] if pair else ""
    review = Review(
        schema=SCHEMA, id=event, kind=kind, target="", run=run, text=text, tag=tag, reply_to=reply_to,
        picture=f"{event}{picture.suffix}" if picture else "", author=ws.repository.author(), time=now(),
        **(msgspec.structs.asdict(pair) if pair else {}),
    )  # fmt: skip
    content = picture.content if picture else b""
    commit = ws.store.add_reviews([review], subject(kind, [words or f"run {run}"], tag, text), content)
    return ReviewReport(id=event, kind=kind, targets=(), commit=commit, run=run, pair=words)


def check_reason(ws: Workspace, reason: str) -> None:
    """Raise `StoaError` if a reason is no code of the project."""
    known = ws.project.config.reasons
    if reason not in known:
        raise StoaError(
            f"no reason code {reason!r}{guess(reason, list(known))}", f"codes in .stoa/config.yaml: {', '.join(known)}"
        )


def check_length(text: str) -> None:
    """Raise `StoaError` if a text is too long for a record."""
    if len(text) > MAX_TEXT:
        raise StoaError(f"a text of {len(text)} characters is too long (at most {MAX_TEXT})")


def next_id(ws: Workspace) -> str:
    """An id for a new review, later than those that are known."""
    return id_after(ws.index.rows("SELECT ifnull(max(id), '') FROM reviews WHERE id < ?", (horizon(),))[0][0])


def one_run(ws: Workspace, name: str) -> str:
    """The id of the run that a name stands for, which may not be a pair."""
    run = resolve_run(ws, name).run
    if not run:
        raise StoaError(f"{name!r} stands for the outcomes of several runs", "`stoa runs` lists the runs: name one")
    return run


def _run_id(ws: Workspace, name: str, group: str, targets: list[str]) -> str:
    """The run that a review is about, "" for the targets as such; its outcomes have to be there.

    Raises
    ------
    StoaError
        If the run, or any run when only a group is named, has no outcome of a target (and group).
    """
    wanted = one_run(ws, name) if name else ""
    if wanted or group:
        rows = ws.index.rows(
            "SELECT DISTINCT target FROM outcomes WHERE (? = '' OR run = ?) AND (? = '' OR grp = ?)",
            (wanted, wanted, group, group),
        )
        lacking = [target for target in targets if (target,) not in set(rows)]
        if lacking:
            where = " ".join(words for words in (f"image group {group}" if group else "", wanted) if words)
            raise StoaError(f"target {lacking[0]!r} has no outcome of {where}", f"`stoa show {lacking[0]}` lists them")
    return wanted


def subject(kind: str, targets: list[str], reason: str, text: str) -> str:
    """The first line of a review's commit message."""
    whom = targets[0] if len(targets) == 1 else f"{len(targets)} targets"
    first = text.strip().splitlines()[0] if text.strip() else ""
    words = f"{kind} {whom}" + (f" ({reason})" if reason else "") + (f": {first}" if first else "")
    return words if len(words) <= 100 else f"{words[:97]}..."
