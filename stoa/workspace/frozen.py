"""What a run has frozen: its process, its script and its other definitions, as they were when it began."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from stoa.errors import StoaError
from stoa.model import Environment, Process, Run
from stoa.provenance.definitions import read_process
from stoa.provenance.digests import environment_digest, params_digest, process_digest, scripts_digest
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.git import Snapshot, added_in
from stoa.provenance.records import read_frozen_set
from stoa.workspace.open import Workspace

PROCESS = "process.yaml"
ReadFrozen = Callable[[str], bytes | None]


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


def frozen_files(ws: Workspace, run: str, below: str = "", snapshot: Snapshot | None = None) -> dict[str, bytes]:
    """Every file that a run froze, by path below its folder `frozen`.

    Parameters
    ----------
    below
        A folder of it: ``script`` gives the script and the files beside it, by their names.
    snapshot
        The commit to read; by default the one that is checked out.
    """
    top = "/".join(filter(None, (f"{ws.store.prefix}/runs/{run}/frozen", below)))
    snapshot = snapshot or ws.store.snapshot()
    found: dict[str, bytes] = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        place = "/".join(filter(None, (top, folder)))
        found |= {"/".join(filter(None, (folder, name))): snapshot.blob(oid) for name, oid in snapshot.files(place)}
        folders += ["/".join(filter(None, (folder, name))) for name, _ in snapshot.folders(place)]
    return found


def frozen_digests(run: Run, read: ReadFrozen) -> dict[str, str]:
    """Digests of the definitions that a run froze, as they are now, by the names that they have in `Run.digests`.

    Parameters
    ----------
    read
        Gives the content of a file below the run's folder `frozen`, or None.

    Raises
    ------
    StoaError
        If a definition is missing or cannot be read.
    """
    where = f"runs/{run.id}/frozen"
    process = read_process(read("process.yaml") or b"", f"{where}/process.yaml")
    environment = read_environment(read("environment.yaml") or b"", f"{where}/environment.yaml")
    params = read_frozen_set(read("params.yaml") or b"", f"{where}/params.yaml")
    names = [Path(path).name for path in (process.script, *process.files) if path]
    scripts = {name: read(f"script/{name}") for name in names}
    held = {name: content for name, content in scripts.items() if content is not None}
    if len(held) < len(names):
        raise StoaError(f"missing: {', '.join(name for name in names if name not in held)} of the script")
    return {
        "process": process_digest(process),
        "environment": environment_digest(environment, _named_files(environment, read)),
        "params": params_digest(params.values),
        "script": scripts_digest(held.pop(names[0]), process.script, held) if process.script else "",
    }


def _named_files(environment: Environment, read: ReadFrozen) -> dict[str, bytes]:
    return {file: read(f"environments/{environment.name}/{Path(file).name}") or b"" for file in environment.named_files}


def own_files(ws: Workspace, run: Run, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Of the frozen files those that the run wrote; what was put beside them later is left out.

    Raises
    ------
    StoaError
        If one is not, byte for byte, as in the commit that added the run, or has another digest than the run recorded.
    """
    first = added_in(ws.repository, f"{ws.store.prefix}/runs/{run.id}/run.yaml")
    written = frozen_files(ws, run.id, snapshot=ws.repository.snapshot(first)) if first else {}
    for name, content in written.items():
        if files.get(name) != content:
            raise StoaError(
                f"the frozen {name} of run {run.id} is not what the run wrote",
                f"`git log -- .stoa/runs/{run.id}/frozen` shows who changed it; nothing of it was run",
            )
    own = {name: files[name] for name in written}
    for name, digest in frozen_digests(run, own.get).items():
        if digest != run.digests.get(name, ""):
            raise StoaError(
                f"the frozen {name} of run {run.id} is not the one whose digest the run recorded",
                f"`git log -- .stoa/runs/{run.id}/frozen` shows who changed it; nothing of it was run",
            )
    return own
