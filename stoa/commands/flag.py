"""Flags on targets: one commit per action, however many targets it covers."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.workspace.open import Workspace
from stoa.workspace.writing import ReviewReport, check_reason, chosen_targets, write_reviews


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
    check_reason(ws, reason)
    names = chosen_targets(ws, targets, where)
    return write_reviews(ws, "flag", names, reason=reason, text=text, run=run, group=group)
