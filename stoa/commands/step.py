"""Steps of the review of targets."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.errors import StoaError
from stoa.provenance.records import STATES
from stoa.workspace.open import Workspace
from stoa.workspace.steps import check_step
from stoa.workspace.writing import ReviewReport, chosen_targets, write_reviews


def step(
    ws: Workspace, targets: Iterable[str] = (), *, step: str, state: str = "done", text: str = "", where: str = ""
) -> ReviewReport:
    """Record a step of the review of targets, as one commit; the last one recorded counts.

    Parameters
    ----------
    targets
        Names or glob patterns.
    step
        One of those that ``config.yaml`` declares.
    state
        ``done``, ``not-needed``, or ``undone``.
    where
        SQL expression instead of, or beside, names.
    """
    if state not in STATES:
        raise StoaError(
            f"a step is {', '.join(STATES[:-1])} or {STATES[-1]}, not {state!r}", "`stoa step TARGET STEP done`"
        )
    check_step(ws, step)
    return write_reviews(ws, "step", chosen_targets(ws, targets, where), step=step, state=state, text=text)
