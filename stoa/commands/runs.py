"""The runs of a project."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.workspace.listing import RunRow, list_runs
from stoa.workspace.open import Workspace
from stoa.workspace.tags import check_tags, tagged_runs


def runs(
    ws: Workspace,
    process: str = "",
    params: str = "",
    environment: str = "",
    last: int = 0,
    tags: Iterable[str] = (),
) -> list[RunRow]:
    """Runs in the order in which they were started, those that are live included.

    Parameters
    ----------
    process, params, environment
        Only runs of this process, with this parameter set, in this environment; "" for all.
    last
        How many of the latest runs; 0 for all.
    tags
        Only runs that carry all of these.

    Raises
    ------
    StoaError
        If no run has one of the tags.
    """
    wanted = set(tags)
    check_tags(ws, wanted, tagged_runs(ws) if wanted else (), "run")
    return [
        row
        for row in list_runs(ws)
        if process in ("", row.process) and params in ("", row.params) and environment in ("", row.environment)
        if wanted.issubset(row.tags)
    ][-last:]
