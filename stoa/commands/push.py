"""Large products into the store of the project."""

from __future__ import annotations

from stoa.workspace.open import Workspace
from stoa.workspace.travel import Moved, Progress, products
from stoa.workspace.travel import push as put  # the verb has the same name


def push(ws: Workspace, source: str = "", output: str = "", progress: Progress | None = None) -> Moved:
    """Put products whose output says ``share: remote`` into the store; what is there is left as it is.

    Parameters
    ----------
    source
        A target, a run or ``PROCESS@SET``; "" for all outcomes.
    output
        Only the output of this name.

    Raises
    ------
    StoaError
        If there is no store, or it refuses; what was put before stays there, and the same command continues.
    """
    return put(ws, products(ws, source, output, current=False), progress)
