"""Clearing flags."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.errors import StoaError
from stoa.workspace.open import Workspace
from stoa.workspace.writing import ReviewReport, chosen_targets, write_reviews


def unflag(
    ws: Workspace,
    targets: Iterable[str] = (),
    *,
    reason: str = "",
    text: str = "",
    where: str = "",
    event: str = "",
) -> ReviewReport:
    """Clear the open flags of targets, all of them or those of one reason.

    Parameters
    ----------
    event
        Only flags of the action with this id, so that one's own can be taken back and those of others stay.
    """
    names = chosen_targets(ws, targets, where)
    asked = set(names)
    flags: dict[str, list[str]] = {}
    for target, flag, code in ws.index.rows("SELECT target, id, reason FROM open_flags ORDER BY id"):
        if target in asked and reason in ("", code) and event in ("", flag):
            flags.setdefault(target, []).append(flag)
    if not flags:
        whom = f"target {names[0]!r}" if len(names) == 1 else f"none of these {len(names)} targets"
        what = f"open flag with reason {reason!r}" if reason else "open flag"
        raise StoaError(f"{whom} has {'no' if len(names) == 1 else 'an'} {what}", "`stoa reviews --flags` lists them")
    return write_reviews(ws, "unflag", [n for n in names if n in flags], reason=reason, text=text, clears=flags)
