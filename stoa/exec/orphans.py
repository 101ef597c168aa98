"""Jobs whose STOA was killed and that still run (Linux; elsewhere none are found).

A job and all that it starts carry the id of their run in their environ. What it has cleared
there cannot be found.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress

from msgspec import Struct

from stoa import procfs
from stoa.errors import StoaError

_POLL_S = 0.02
_KILLED_S = 5.0  # how long killed processes may take to go


class Orphan(Struct, frozen=True):
    """A process of a job."""

    pid: int
    run: str
    target: str
    image_group: str


def orphans(runs: Collection[str]) -> tuple[Orphan, ...]:
    """Processes of the jobs of these runs that this user may see, by process number."""
    wanted = set(runs)
    if not wanted:
        return ()
    found = (_look(pid) for pid in procfs.processes())
    return tuple(orphan for orphan in found if orphan and orphan.run in wanted)


def end_orphans(run: str, grace_s: float) -> tuple[int, ...]:
    """End the jobs of a run, each with its process group: SIGTERM, after `grace_s` SIGKILL.

    Returns
    -------
    pids
        Of the processes that were found at first.

    Raises
    ------
    StoaError
        If some of them are still there after SIGKILL.
    """
    first = orphans([run])
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, _KILLED_S)):
        _signal({orphan.pid for orphan in orphans([run])}, number)
        if _gone(run, patience_s):
            return tuple(orphan.pid for orphan in first)
    left = ", ".join(str(orphan.pid) for orphan in orphans([run]))
    raise StoaError(f"processes of run {run} do not end: {left}", "are they another user's, or waiting for a disk?")


def _look(pid: int) -> Orphan | None:
    facts = procfs.environ_of(pid)
    if "STOA_RUN" not in facts:
        return None
    return Orphan(pid, facts["STOA_RUN"], facts.get("STOA_TARGET", ""), facts.get("STOA_GROUP", ""))


def _signal(pids: set[int], number: int) -> None:
    groups = set()
    for pid in pids:
        with suppress(ProcessLookupError):
            groups.add(os.getpgid(pid))
    for group in groups - {os.getpgrp()}:  # a job that asks for its own end is not asked twice
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            os.killpg(group, signal.SIGCONT)  # a stopped process does not see SIGTERM


def _gone(run: str, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while orphans([run]):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
