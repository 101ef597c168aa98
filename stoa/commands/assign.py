"""Who is to look at targets."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.workspace.open import Workspace
from stoa.workspace.steps import check_label, check_step
from stoa.workspace.writing import ReviewReport, chosen_targets, write_reviews

NOBODY = "nobody"
ME = "me"


def assign(
    ws: Workspace, targets: Iterable[str] = (), *, person: str, step: str = "", text: str = "", where: str = ""
) -> ReviewReport:
    """Say who is to do the steps of targets, as one commit; the last one recorded counts.

    Parameters
    ----------
    targets
        Names or glob patterns.
    person
        A name or an address; ``me``, or ``nobody`` to take it back.
    step
        Only this one; by default all that are not assigned one by one.
    where
        SQL expression instead of, or beside, names.
    """
    if step:
        check_step(ws, step)
    whom = ws.repository.author().name if person == ME else "" if person == NOBODY else person
    if person != NOBODY:
        check_label(whom, "name")
    return write_reviews(ws, "assign", chosen_targets(ws, targets, where), step=step, person=whom, text=text)
