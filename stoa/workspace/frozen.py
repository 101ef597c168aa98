"""What a run has frozen: its process, its script and its other definitions, as they were when it began."""

from __future__ import annotations

from stoa.errors import StoaError
from stoa.model import Process
from stoa.provenance.definitions import read_process
from stoa.workspace.open import Workspace

PROCESS = "process.yaml"


def frozen_process(ws: Workspace, run: str) -> Process | None:
    """The process as a run froze it, or None if the run has none.

    Raises
    ------
    StoaError
        If it cannot be read.
    """
    data = ws.store.frozen(run, PROCESS)
    return read_process(data, f"runs/{run}/frozen/{PROCESS}") if data else None


def known_frozen_process(ws: Workspace, run: str) -> Process:
    """The process as a run froze it.

    Raises
    ------
    StoaError
        If it is missing or cannot be read.
    """
    process = frozen_process(ws, run)
    if process is None:
        raise StoaError(f"run {run} has no frozen {PROCESS}", "`stoa fsck` says what else is missing")
    return process


def frozen_files(ws: Workspace, run: str, below: str = "") -> dict[str, bytes]:
    """Every file that a run froze, by path below its folder `frozen`.

    Parameters
    ----------
    below
        A folder of it: ``script`` gives the script and the files beside it, by their names.
    """
    top = "/".join(filter(None, (f"{ws.store.prefix}/runs/{run}/frozen", below)))
    snapshot = ws.store.snapshot()
    found: dict[str, bytes] = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        place = "/".join(filter(None, (top, folder)))
        found |= {"/".join(filter(None, (folder, name))): snapshot.blob(oid) for name, oid in snapshot.files(place)}
        folders += ["/".join(filter(None, (folder, name))) for name, _ in snapshot.folders(place)]
    return found
