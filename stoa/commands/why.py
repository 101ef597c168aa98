"""Why a target would run or is left alone."""

from __future__ import annotations

from stoa.errors import NotFoundError
from stoa.provenance.library import DEFAULT_SET
from stoa.request import Selection
from stoa.runs.definitions import resolve
from stoa.runs.plan import make_plan
from stoa.runs.planned import PlannedJob
from stoa.workspace.open import Workspace


def why(ws: Workspace, process: str, target: str, params: str = DEFAULT_SET) -> list[PlannedJob]:
    """What would happen to one target and for which reason."""
    if target not in ws.targets:
        raise NotFoundError("target", target, list(ws.targets), "`stoa target list` shows the targets")
    return list(make_plan(ws, resolve(ws, process, params), Selection(targets=(target,))).jobs)
