"""Flags and comments: one commit an action, however many targets it covers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from stoa.errors import StoaError, nearest
from stoa.model import SCHEMA, Review
from stoa.provenance.ids import horizon, id_after, now
from stoa.request import Selection
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.selection import choose, match_names

MAX_TEXT = 10_000


_ON_RUN = "; --run alone is for a run as such"


class ReviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    id: str
    kind: str
    targets: tuple[str, ...]
    commit: str
    run: str = ""  # of a comment on a run as such


def flag(
    ws: Workspace,
    targets: Iterable[str] = (),
    *,
    reason: str,
    text: str = "",
    run: str = "",
    group: str = "",
    where: str = "",
) -> ReviewReport:
    """Flag targets, or the outcomes of a run for them.

    Parameters
    ----------
    targets
        Names or glob patterns.
    reason
        A reason code of the project.
    where
        SQL expression instead of, or beside, names.
    """
    known = ws.project.config.reasons
    if reason not in known:
        near = nearest(reason, list(known))
        guess = f"; did you mean {near!r}?" if near else ""
        raise StoaError(f"no reason code {reason!r}{guess}", f"codes in .stoa/config.yaml: {', '.join(known)}")
    names = _names(ws, targets, where)
    return _write(ws, "flag", names, reason=reason, text=text, run=run, group=group)


def comment(
    ws: Workspace, targets: Iterable[str] = (), *, text: str, run: str = "", group: str = "", where: str = ""
) -> ReviewReport:
    """Comment on targets, on the outcomes of a run for them, or without targets on a run as such."""
    if not text.strip():
        raise StoaError("a comment needs a text", "`stoa comment TARGET -m TEXT`")
    names = tuple(targets)
    if run and not names and not where and not group:
        return _comment_on_run(ws, run, text)
    return _write(ws, "comment", _names(ws, names, where, _ON_RUN), text=text, run=run, group=group)


def _comment_on_run(ws: Workspace, name: str, text: str) -> ReviewReport:
    _check_length(text)
    ws.ready()
    run = _one_run(ws, name)
    review = Review(
        schema=SCHEMA, id=_next_id(ws), kind="comment", target="", run=run, text=text, author=ws.repository.author(),
        time=now(),
    )  # fmt: skip
    commit = ws.store.add_reviews([review], _subject("comment", [f"run {run}"], "", text))
    return ReviewReport(id=review.id, kind="comment", targets=(), commit=commit, run=run)


def unflag(
    ws: Workspace, targets: Iterable[str] = (), *, reason: str = "", text: str = "", where: str = ""
) -> ReviewReport:
    """Clear the open flags of targets, all of them or those of one reason."""
    names = _names(ws, targets, where)
    flags: dict[str, list[str]] = {}
    for target, event, code in ws.index.rows("SELECT target, id, reason FROM open_flags ORDER BY id"):
        if target in names and (not reason or code == reason):
            flags.setdefault(target, []).append(event)
    if not flags:
        whom = f"target {names[0]!r}" if len(names) == 1 else f"none of these {len(names)} targets"
        what = f"open flag with reason {reason!r}" if reason else "open flag"
        raise StoaError(f"{whom} has {'no' if len(names) == 1 else 'an'} {what}", "`stoa reviews --flags` lists them")
    return _write(ws, "unflag", [n for n in names if n in flags], reason=reason, text=text, clears=flags)


def _names(ws: Workspace, targets: Iterable[str], where: str, otherwise: str = "") -> list[str]:
    patterns = tuple(targets)
    if where:
        return choose(ws, Selection(targets=patterns, where=where))
    if not patterns:
        raise StoaError("which targets?", f"name them, or choose them with --where{otherwise}")
    return match_names(patterns, ws.targets)


def _write(
    ws: Workspace,
    kind: Literal["flag", "unflag", "comment"],
    targets: list[str],
    *,
    reason: str = "",
    text: str = "",
    run: str = "",
    group: str = "",
    clears: dict[str, list[str]] | None = None,
) -> ReviewReport:
    if not targets:
        raise StoaError("no target fits", "`stoa target list --where ...` shows which would")
    _check_length(text)
    ws.ready()
    event = _next_id(ws)
    author, moment = ws.repository.author(), now()
    run_id = _run_id(ws, run, group, targets)
    reviews = [
        Review(
            schema=SCHEMA, id=event, kind=kind, target=target, run=run_id, group=group, reason=reason, text=text,
            clears=tuple((clears or {}).get(target, ())), author=author, time=moment,
        )
        for target in targets
    ]  # fmt: skip
    commit = ws.store.add_reviews(reviews, _subject(kind, targets, reason, text))
    return ReviewReport(id=event, kind=kind, targets=tuple(targets), commit=commit)


def _check_length(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise StoaError(f"a text of {len(text)} characters is too long (at most {MAX_TEXT})")


def _next_id(ws: Workspace) -> str:
    return id_after(ws.index.rows("SELECT ifnull(max(id), '') FROM reviews WHERE id < ?", (horizon(),))[0][0])


def _one_run(ws: Workspace, name: str) -> str:
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
    wanted = _one_run(ws, name) if name else ""
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


def _subject(kind: str, targets: list[str], reason: str, text: str) -> str:
    whom = targets[0] if len(targets) == 1 else f"{len(targets)} targets"
    first = text.strip().splitlines()[0] if text.strip() else ""
    words = f"{kind} {whom}" + (f" ({reason})" if reason else "") + (f": {first}" if first else "")
    return words if len(words) <= 100 else f"{words[:97]}..."
