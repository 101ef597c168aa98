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
from collections.abc import Iterable
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
    outside: set[int] = set()  # of the job's group
    deadline = time.monotonic() + _KILLED_S
    while (mine := _mine(leader, folder, found)) or (found and _mine(leader, folder, found)):  # one look may miss some
        family = {each for pid in mine for each in (pid, *procfs.descendants(pid))}
        fresh = family - found
        found |= fresh
        outside |= {pid for pid in fresh if _group(pid) != leader}
        # First all are stopped, until no more turn up: what is stopped starts no other process.
        _signal(fresh or family, signal.SIGSTOP if fresh else signal.SIGKILL)
        if sum(map(_reap, mine)) or fresh:
            deadline = time.monotonic() + _KILLED_S
        elif time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    return len(outside)


def _mine(leader: int, folder: str, found: set[int]) -> list[int]:
    return [pid for pid in _candidates() if pid in found or _belongs(pid, leader, folder)]


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _reap(pid: int) -> bool:
    """Take a dead child off the kernel's list; whether it was dead."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _candidates() -> list[int]:
    """Own children that this process did not start itself, of other sessions than its own; dead ones are reaped.

    Whose a dead one was cannot be told any more, and no one else waits for it.
    """
    with lock:
        own = os.getsid(0)
        strangers = [pid for pid in procfs.children() if pid not in known and _session(pid) not in (own, 0)]
        return [pid for pid in strangers if procfs.lives(pid) or not _reap(pid)]


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
