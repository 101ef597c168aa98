"""Processes of a job that have left its process group: daemons, and what `setsid` has started (Linux).

STOA makes itself the reaper of its descendants (prctl(2), PR_SET_CHILD_SUBREAPER): a process
whose parent has died becomes STOA's own child, so that it can be found when the job ends. It is
taken for the job's if it is of the job's session, has the job's directory in its environ, as
its working directory, or open; what hides all of that is not found.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

from stoa import procfs

_PR_SET_CHILD_SUBREAPER = 36
_KILLED_S = 5.0  # how long killed processes may take to go
_POLL_S = 0.002

lock = threading.Lock()
"""Held while a child is started and while one is reaped, so that no number in `known` is a stranger's."""

known: set[int] = set()
"""The children that this process has started itself and not reaped yet."""


def adopt_orphans() -> None:
    """Make this process the parent of its descendants whose own parents die; where that cannot be, nothing."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_strays(leader: int, folder: str) -> int:
    """End what a job has left behind when its first process and group have ended; how many processes that were.

    Parameters
    ----------
    leader
        Number that the job's first process had, of its session and group too.
    folder
        The job's directory.
    """
    found: set[int] = set()
    deadline = time.monotonic() + _KILLED_S
    while candidates := _candidates():
        mine = [pid for pid in candidates if pid in found or _belongs(pid, leader, folder)]
        family = {each for pid in mine for each in (pid, *procfs.descendants(pid))}
        for pid in family:
            if _group(pid) != leader:
                found.add(pid)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in mine:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if not mine or time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    return len(found)


def _candidates() -> list[int]:
    """Own children that this process did not start itself, of other sessions than its own."""
    with lock:
        strangers = [pid for pid in procfs.children() if pid not in known]
    if not strangers:
        return []
    own = os.getsid(0)
    return [pid for pid in strangers if _session(pid) not in (own, 0)]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _belongs(pid: int, leader: int, folder: str) -> bool:
    return _session(pid) == leader or _names(pid, folder) or _holds(pid, folder)


def _names(pid: int, folder: str) -> bool:
    return procfs.environ_of(pid).get("STOA_OUT") == folder


def _holds(pid: int, folder: str) -> bool:
    places = list(procfs.open_files(pid))
    with suppress(PermissionError):
        places.append(procfs.working_directory(pid))
    return any(at == folder or at.startswith(folder + "/") for at in places)
