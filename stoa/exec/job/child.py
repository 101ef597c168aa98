"""One script as a child process: started, watched, ended, and its resources read (Linux).

The child leads a session and process group of its own. A terminal's Ctrl-C does not reach it,
it has no terminal to ask for a password, and all that it started can be signalled at once.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import resource
import select
import shutil
import signal
import subprocess
import time
from codecs import BOM_UTF8
from collections.abc import Callable

from msgspec import Struct

from stoa import procfs
from stoa.control import Control
from stoa.exec.job import strays
from stoa.exec.job.ending import Ending, NotStarted, Stopped, milliseconds, signal_name
from stoa.model import Job

_EMPTY_GROUP_S = 5.0  # how long killed processes may take to go


class Started(Struct, frozen=True):
    """A job's first process: a child of this one, leader of a session and of a process group."""

    pid: int
    peak_kb: int = 0  # what it has of the peak memory of another process, so that a smaller one is not known
    go: int = -1  # descriptor that lets it begin; -1: it has begun


Spawn = Callable[[Job, int], Started]
"""Starts the command of a job with a descriptor for its output; raises `NotStarted`."""


def run_child(job: Job, log: int, control: Control, spawn: Spawn | None = None) -> Ending:
    """Run a job's command to its end.

    On timeout or cancel the group gets SIGTERM and, when `job.grace_s` is over, SIGKILL. What is
    left of the group when the child has ended, in whatever way, is killed.

    Parameters
    ----------
    log
        File descriptor that takes standard output and error.
    spawn
        How its first process is started; None for a process of its own, from nothing.

    Raises
    ------
    NotStarted
        If the command is not found, is not executable or cannot be started for another reason.
    """
    child = (spawn or start_cold)(job, log)
    try:
        _limit(child.pid, job)
        descriptor = os.pidfd_open(child.pid)
    except BaseException:
        os.kill(child.pid, signal.SIGKILL)
        _reap(child.pid)
        raise
    finally:
        if child.go >= 0:
            os.write(child.go, b"g")
            os.close(child.go)
    try:
        stopped = _wait(descriptor, job.timeout_s, control)
        if stopped:
            _end_group(child.pid, descriptor, job.grace_s)
    finally:
        os.close(descriptor)
        status, usage = _reap(child.pid)
        left = strays.end_strays(child.pid, job.work)
    return _ending(status, usage, stopped, child.peak_kb, left)


def start_cold(job: Job, log: int) -> Started:
    """Start the command of a job as a process of its own, from nothing.

    Raises
    ------
    NotStarted
        If that cannot be done.
    """
    try:
        with strays.lock:
            # Without preexec_fn, so that Python uses vfork, whose cost does not grow with our memory.
            child = subprocess.Popen(
                job.argv,
                cwd=job.work,
                env=job.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=job.umask,
            )
            strays.known.add(child.pid)
        child.returncode = 0  # it is reaped by its number; Popen would wait for it otherwise
        # exec(2) hands the peak of the process that spawned on to the child.
        return Started(child.pid, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    except OSError as exc:
        raise NotStarted(_start_problem(job, exc)) from exc
    except (ValueError, IndexError) as exc:  # a NUL character in an argument or variable; no argument at all
        raise NotStarted(f"command cannot be started: {exc}") from exc


def _start_problem(job: Job, exc: OSError) -> str:
    command = job.argv[0]
    found = command if os.sep in command else shutil.which(command, path=job.environ.get("PATH", os.defpath))
    found = os.path.join(job.work, found) if found else None
    match exc.errno:
        case errno.ENOENT if found is None:
            return f"command {command!r} not found"
        case errno.ENOENT if not os.path.lexists(found or ""):
            return f"script {command!r} not found"
        case errno.ENOENT:
            return f"interpreter of script {command!r} not found: its first line is {_first_line(found)!r}"
        case errno.EACCES if found and os.path.isdir(found):
            return f"command {command!r} is a directory"
        case errno.EACCES:
            return f"script {command!r} is not executable: `chmod +x {command}`"
        case errno.ENOEXEC if _first_bytes(found).startswith(BOM_UTF8):
            return f"script {command!r} begins with a byte order mark, so its #! line is not seen: save it without one"
        case errno.ENOEXEC:
            return f"exec format error: {command!r} has no #! line and is not a program for this machine"
        case _:
            return f"command {command!r} cannot be started: {exc.strerror}"


def _first_line(path: str | None) -> str:
    return _first_bytes(path).partition(b"\n")[0].decode("utf-8", "backslashreplace").strip()


def _first_bytes(path: str | None) -> bytes:
    try:
        with open(path or "", "rb") as file:
            return file.read(80)
    except OSError:
        return b""


def _limit(pid: int, job: Job) -> None:
    """Limit what each process of the job may take.

    RLIMIT_DATA counts private writable memory since Linux 4.7 (setrlimit(2)). RLIMIT_AS would
    also count address space that is only reserved; threads, Java and Go reserve tens of
    gigabytes; RLIMIT_RSS does nothing. RLIMIT_NPROC counts all processes and threads of the
    user, so what there is already is added. Limits are set right after the start, because setting
    them in the child before needs preexec_fn. What the child took by then stays; what it has
    started by then gets the same limits, what it starts later inherits them.
    """
    limits: list[tuple[int, int, int]] = []  # kind, soft, hard
    if job.memory_mb:
        limits.append((resource.RLIMIT_DATA, job.memory_mb * 1_000_000, 0))
    if job.cpu_limit_s:
        seconds = max(1, math.ceil(job.cpu_limit_s))
        limits.append((resource.RLIMIT_CPU, seconds, seconds + 5))  # SIGXCPU first, which a script may catch
    if job.file_mb:
        limits.append((resource.RLIMIT_FSIZE, job.file_mb * 1_000_000, 0))
    if job.processes:
        limits.append((resource.RLIMIT_NPROC, job.processes + procfs.threads_of_user(), 0))
    fresh, limited = {pid} if limits else set(), set[int]()  # itself first: until then it takes what it likes
    while fresh:
        for each in fresh:
            for kind, soft, hard in limits:
                _set_limit(each, kind, soft, hard)
        limited |= fresh
        fresh = set(procfs.descendants(pid)) - limited


def _set_limit(pid: int, kind: int, soft: int, hard: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        _, most = resource.prlimit(pid, kind)
        wanted = max(soft, hard)
        if most != resource.RLIM_INFINITY:
            soft, wanted = min(soft, most), min(wanted, most)
        resource.prlimit(pid, kind, (soft, wanted))


def _wait(descriptor: int, timeout_s: float, control: Control) -> Stopped:
    """Wait for the child's own end (""), the timeout or a cancel, whichever comes first."""
    deadline = time.monotonic() + timeout_s if timeout_s > 0 else math.inf
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    poller.register(control.wake_descriptor, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        ready = [found for found, _ in poller.poll(milliseconds(left))]
        if descriptor in ready:
            return ""
        if ready:
            return "cancel"
        if time.monotonic() >= deadline:
            return "timeout"


def _end_group(pid: int, descriptor: int, grace_s: float) -> None:
    _signal_group(pid, signal.SIGTERM)
    _signal_group(pid, signal.SIGCONT)  # a stopped process does not see SIGTERM
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    if not poller.poll(milliseconds(grace_s)):
        _signal_group(pid, signal.SIGKILL)
        poller.poll()


def _signal_group(pid: int, number: int) -> bool:
    """Signal a process group; False if nothing of it is left."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # what is left has another user's rights
        return False
    return True


def _reap(pid: int) -> tuple[int, resource.struct_rusage]:
    """Kill what the child left behind, then take its status.

    In this order: until the child is reaped no one else can get its number, so the signal
    cannot meet a stranger.
    """
    _signal_group(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with strays.lock:
        _, status, usage = os.wait4(pid, 0)
        strays.known.discard(pid)
    if _signal_group(pid, 0):
        _await_empty(pid)
    return status, usage


def _await_empty(group: int) -> None:
    """Wait until the killed processes of a group are gone, so that none writes into a product any more."""
    deadline = time.monotonic() + _EMPTY_GROUP_S
    while procfs.has_members(group) and time.monotonic() < deadline:
        time.sleep(0.005)


def _ending(status: int, usage: resource.struct_rusage, stopped: Stopped, peak_kb: int, left: int) -> Ending:
    code = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss if usage.ru_maxrss > peak_kb else 0
    return Ending(
        exit_code=code if code >= 0 else None,
        signal=signal_name(-code) if code < 0 else "",
        stopped=stopped,
        cpu_s=round(usage.ru_utime + usage.ru_stime, 3),
        memory_mb=round(peak * 1024 / 1e6, 1),
        left_running=left,
    )
