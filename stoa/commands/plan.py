"""Show what a run would do, and why."""

from __future__ import annotations

from stoa.request import Request
from stoa.runs.planned import Plan
from stoa.runs.requested import plans_of
from stoa.workspace.open import Workspace


def plan(ws: Workspace, request: Request) -> list[Plan]:
    """What a run of the same request would do, one plan for each run; nothing is recorded.

    Raises
    ------
    StoaError
        If a definition, a setting or the selection is wrong.
    """
    return list(plans_of(ws, request))
