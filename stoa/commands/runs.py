"""The runs of a project."""

from __future__ import annotations

from stoa.workspace.listing import RunRow, list_runs
from stoa.workspace.open import Workspace


def runs(ws: Workspace, process: str = "", params: str = "", environment: str = "", last: int = 0) -> list[RunRow]:
    """Runs in the order in which they were started, those that are live included.

    Parameters
    ----------
    process, params, environment
        Only runs of this process, with this parameter set, in this environment; "" for all.
    last
        How many of the latest runs; 0 for all.
    """
    return [
        row
        for row in list_runs(ws)
        if process in ("", row.process) and params in ("", row.params) and environment in ("", row.environment)
    ][-last:]
