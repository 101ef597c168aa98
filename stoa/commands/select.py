"""Saved selections: named conditions over targets, which all who have the project share."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stoa.errors import StoaError
from stoa.model import SCHEMA, Author, SavedSelection
from stoa.workspace.open import Workspace
from stoa.workspace.selections import save_selection, saved_selection, saved_selections, targets_of
from stoa.workspace.tags import check_tags, tagged


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """A saved selection and the targets that meet it now."""

    selection: SavedSelection
    targets: tuple[str, ...]
    problem: str = ""  # why it cannot be answered, "" where it can
    commit: str = ""  # where it was saved or removed just now


def save(
    ws: Workspace,
    name: str,
    *,
    targets: Iterable[str] = (),
    where: str = "",
    tags: Iterable[str] = (),
    failed: bool = False,
    flagged: bool = False,
    text: str = "",
) -> Selected:
    """Save a condition over targets under a name, in place of an earlier one of this name.

    A target has to meet every part. What it selects is worked out each time that it is used.

    Parameters
    ----------
    targets
        Names or glob patterns.
    where
        SQL expression, as of ``--where``.
    tags
        Tags that a target must have, all of them.
    failed, flagged
        Only targets of which a current outcome did not succeed; only those with open flags.

    Raises
    ------
    StoaError
        If nothing is asked for, or a part is wrong.
    """
    made = SavedSelection(
        schema=SCHEMA, id="", name=name, targets=tuple(targets), where=where, tags=tuple(tags), failed=failed,
        flagged=flagged, text=text, author=Author("", ""), time="",
    )  # fmt: skip
    if not (made.targets or where.strip() or made.tags or failed or flagged):
        raise StoaError("a selection needs a condition", "`stoa select NAME --where SQL`, --target, --tag or --flagged")
    check_tags(ws, made.tags, tagged(ws), "target")
    found = targets_of(ws, made)
    return Selected(selection=made, targets=tuple(found), commit=save_selection(ws, made))


def remove(ws: Workspace, name: str) -> Selected:
    """Remove a selection; its targets stay as they are."""
    old = saved_selection(ws, name)
    gone = SavedSelection(schema=SCHEMA, id="", name=old.name, removed=True, author=old.author, time="")
    return Selected(selection=gone, targets=(), commit=save_selection(ws, gone))


def selected(ws: Workspace, name: str) -> Selected:
    """One selection, and the targets that meet it now."""
    found = saved_selection(ws, name)
    return Selected(selection=found, targets=tuple(targets_of(ws, found)))


def selections(ws: Workspace) -> list[Selected]:
    """All selections; one that cannot be answered any more says why."""
    return [_looked_at(ws, each) for each in saved_selections(ws)]


def _looked_at(ws: Workspace, selection: SavedSelection) -> Selected:
    try:
        return Selected(selection=selection, targets=tuple(targets_of(ws, selection)))
    except StoaError as problem:
        return Selected(selection=selection, targets=(), problem=problem.message)
