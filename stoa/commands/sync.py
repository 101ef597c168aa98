"""What the others have and what they lack."""

from __future__ import annotations

from stoa.provenance.git import SyncReport
from stoa.workspace.open import Workspace
from stoa.workspace.sharing import share


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
