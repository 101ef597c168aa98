"""Tags on targets."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.errors import StoaError, guess
from stoa.workspace.open import Workspace
from stoa.workspace.steps import check_label, tagged
from stoa.workspace.writing import ReviewReport, chosen_targets, write_reviews


def tag(
    ws: Workspace, targets: Iterable[str] = (), *, tag: str, remove: bool = False, text: str = "", where: str = ""
) -> ReviewReport:
    """Give targets a tag, or take it away, as one commit; those that are as wanted already are left as they are.

    Parameters
    ----------
    targets
        Names or glob patterns.
    tag
        Any words, such as ``golden sample``.
    where
        SQL expression instead of, or beside, names.

    Raises
    ------
    StoaError
        If the tag has no words, or nothing is to be done.
    """
    check_label(tag, "tag")
    names = chosen_targets(ws, targets, where)
    known = tagged(ws)
    if remove and tag not in known:
        raise StoaError(f"no target has the tag {tag!r}{guess(tag, list(known))}", "`stoa tag` lists the tags")
    having = set(known.get(tag, ()))
    fresh = [name for name in names if (name in having) is remove]
    if names and not fresh:
        whom = f"target {names[0]!r}" if len(names) == 1 else f"each of these {len(names)} targets"
        raise StoaError(f"{whom} {'lacks' if remove else 'has'} the tag {tag!r} already; nothing was recorded")
    return write_reviews(ws, "untag" if remove else "tag", fresh, tag=tag, text=text)


def tags(ws: Workspace) -> dict[str, list[str]]:
    """Targets by tag."""
    return tagged(ws)
