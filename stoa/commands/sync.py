"""What the others have and what they lack."""

from __future__ import annotations

import msgspec

from stoa.provenance.git import SyncReport
from stoa.workspace.open import Workspace
from stoa.workspace.sharing import share
from stoa.workspace.travel import Moved, Progress, fetch, products, push, store_of


class Exchanged(msgspec.Struct, frozen=True):
    """Large products that went to the store, and that came from it."""

    sent: Moved
    fetched: Moved


def sync(ws: Workspace, remote: str | None = None, *, rejoin: bool = False) -> SyncReport:
    """Fetch, merge and push until both sides have everything; nothing of the user's is swept in.

    Parameters
    ----------
    rejoin
        Also where the remote's branch has lost commits since the last sync: they are put back.

    Raises
    ------
    StoaError
        If the remote cannot be reached or written to, what comes cannot be trusted, or both
        sides changed the same definition; the message says what each wrote.
    """
    return share(ws, remote, rejoin=rejoin)


def check_store(ws: Workspace) -> None:
    """Raise `StoaError` if there is no store, or its driver is missing, before anything is exchanged."""
    store_of(ws)


def products_too(ws: Workspace, progress: Progress | None = None) -> Exchanged:
    """Push all large products of this machine, and fetch those of current outcomes that it lacks."""
    sent = push(ws, products(ws, current=False), progress)
    return Exchanged(sent, fetch(ws, products(ws), progress))
