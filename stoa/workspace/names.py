"""What a name on the command line stands for: a run, or the latest outcomes of a pair."""

from __future__ import annotations

import msgspec

from stoa.errors import StoaError, guess
from stoa.model import Run
from stoa.provenance.index import decode_run
from stoa.workspace.open import Workspace


class RunName(msgspec.Struct, frozen=True):
    """What a name of a run stands for: one run, or the latest outcomes of a process and set."""

    process: str
    params: str
    run: str  # "" for PROCESS@SET


def resolve_run(ws: Workspace, name: str) -> RunName:
    """What `last`, a run id, a unique start of one, ``PROCESS@SET``, or ``PROCESS`` with one set stands for.

    Raises
    ------
    StoaError
        If it stands for nothing, or a start of several ids.
    """
    rows = ws.index.rows("SELECT run, process, params FROM runs ORDER BY rank")
    if not rows:
        raise StoaError("nothing has run yet", "`stoa run PROCESS` runs a process")
    if name == "last":
        return RunName(rows[-1][1], rows[-1][2], rows[-1][0])
    if "@" in name:
        return _pair(name, sorted({f"{process}@{params}" for _, process, params in rows}))
    found = [row for row in rows if row[0].startswith(name)]
    if len(found) == 1:
        return RunName(found[0][1], found[0][2], found[0][0])
    if found:
        raise StoaError(f"{name!r} is the start of {len(found)} runs", "give more of the id; `stoa runs` lists them")
    pairs = sorted({f"{process}@{params}" for _, process, params in rows if process == name})
    if len(pairs) == 1:
        return _pair(pairs[0], pairs)
    if pairs:
        raise StoaError(f"{name} has run with {len(pairs)} parameter sets", f"which one? {', '.join(pairs)}")
    raise StoaError(f"no run named {name!r}", "`stoa runs` lists the runs; PROCESS@SET names the latest outcomes")


def _pair(name: str, known: list[str]) -> RunName:
    if name not in known:
        raise StoaError(f"nothing has run as {name!r}{guess(name, known)}", f"there are outcomes of {', '.join(known)}")
    process, _, params = name.partition("@")
    return RunName(process, params, "")


def run_of(ws: Workspace, name: RunName) -> Run:
    """The run itself, or the latest one of a pair."""
    sql = "SELECT record FROM runs WHERE run = ? OR (? = '' AND process = ? AND params = ?) ORDER BY rank DESC LIMIT 1"
    return decode_run(ws.index.rows(sql, (name.run, name.run, name.process, name.params))[0][0])
