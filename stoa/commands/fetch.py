"""Large products from the store of the project to this machine."""

from __future__ import annotations

from stoa.workspace.open import Workspace
from stoa.workspace.travel import Moved, Progress, products
from stoa.workspace.travel import fetch as get  # the verb has the same name


def fetch(ws: Workspace, source: str = "", output: str = "", progress: Progress | None = None) -> Moved:
    """Fetch products that are not on this machine, into the cache, from where every command reads them.

    Parameters
    ----------
    source
        A target, a run or ``PROCESS@SET``; "" for all current outcomes.
    output
        Only the output of this name.

    Raises
    ------
    StoaError
        If there is no store, it refuses, or the disk does; what has come stays, and the same command continues.
    """
    return get(ws, products(ws, source, output), progress)
