"""Flags, clearings and comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stoa.model import Author, Review
from stoa.workspace.names import resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.targets import known_target


def reviews_of(ws: Workspace, target: str = "") -> list[Review]:
    """Flags, clearings, comments and tags in the order they were made, of one target, run or pair, or of all.

    Parameters
    ----------
    target
        A target, or a run or pair by name; "" for all.

    Raises
    ------
    NotFoundError
        If the target is unknown and nothing was ever said about it.
    """
    if not target:
        return select_reviews(ws, "", [])
    if (found := select_reviews(ws, "WHERE target = ?", [target])) or target in ws.targets:
        return found
    if "@" in target:
        key = msgspec.structs.astuple(resolve_run(ws, target).pair)
        return select_reviews(ws, "WHERE process = ? AND params = ? AND environment = ?", key)
    if target == "last" or target[:8].isdigit():
        return select_reviews(ws, "WHERE run = ?", [run_of(ws, resolve_run(ws, target)).id])
    known_target(ws, target)
    return []


def select_reviews(ws: Workspace, where: str, arguments: Sequence[str | int]) -> list[Review]:
    """Reviews that an SQL condition selects, in the order they were made."""
    rows = ws.index.rows(
        "SELECT id, kind, target, run, grp, reason, value, text, author, email, time, reply_to, picture, process,"
        f" params, environment FROM reviews {where} ORDER BY id, target",
        arguments,
    )
    return [_review(*row) for row in rows]


def _review(
    event: str, kind: Any, target: str, run: str, group: str, subject: str, value: str, text: str, author: str,
    email: str, time: str, reply_to: str, picture: str, process: str, params: str, environment: str,
) -> Review:  # fmt: skip
    is_step, is_tag = kind in ("step", "assign"), kind in ("tag", "untag")
    return Review(
        schema=1, id=event, kind=kind, target=target, run=run, group=group, text=text, author=Author(author, email),
        time=time, reply_to=reply_to, picture=picture, reason="" if is_step or is_tag else subject,
        step=subject if is_step else "", tag=subject if is_tag else "", state=value if kind == "step" else "",
        person=value if kind == "assign" else "", process=process, params=params, environment=environment,
    )  # fmt: skip


def flag_rows(ws: Workspace, *, every: bool = False) -> list[dict[str, Any]]:
    """Flags as flat rows: the open ones, or all with whether they are open."""
    columns = "id, target, run, grp, reason, text, author, email, time"
    is_open = "EXISTS (SELECT 1 FROM open_flags f WHERE f.id = r.id AND f.target = r.target)"
    sql = f"SELECT {columns}, {is_open} AS open FROM reviews r WHERE kind = 'flag' AND (? OR open) ORDER BY id, target"
    names = ["id", "target", "run", "group", "reason", "text", "author", "email", "time", "open"]
    rows = ws.index.rows(sql, (every,))
    if not every:  # identical flags of one person are one
        rows = list({(*row[1:6], row[7]): row for row in reversed(rows)}.values())[::-1]
    return [dict(zip(names, row, strict=True)) | {"open": bool(row[-1])} for row in rows]


def flagged(ws: Workspace) -> dict[str, list[str]]:
    """Reasons of the open flags of every flagged target, each once."""
    found: dict[str, list[str]] = {}
    for target, reason in ws.index.rows("SELECT target, reason FROM open_flags ORDER BY id"):
        reasons = found.setdefault(target, [])
        if reason not in reasons:
            reasons.append(reason)
    return found
