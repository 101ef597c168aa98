"""Why a target would run or is left alone."""

from __future__ import annotations

from stoa.provenance.library import DEFAULT_SET
from stoa.request import Selection
from stoa.runs.definitions import resolve
from stoa.runs.plan import make_plan
from stoa.runs.planned import PlannedJob
from stoa.runs.standing import notice
from stoa.workspace.open import Workspace
from stoa.workspace.targets import known_target


def why(
    ws: Workspace, process: str, target: str, params: str = DEFAULT_SET, environment: str | None = None
) -> list[PlannedJob]:
    """What would happen to one target and for which reason."""
    known_target(ws, target)
    plan = make_plan(ws, resolve(ws, process, params, environment=environment), Selection(targets=(target,)))
    notice(ws, plan)
    return list(plan.jobs)
