"""Who holds something, and whether that process still lives.

A lock that names its owner this way needs no unlock command: whoever reads it can tell.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from msgspec import Struct

_PROC = Path("/proc")


class Owner(Struct, frozen=True):
    """A process of some machine, told apart from a later one with the same number."""

    host: str
    boot_id: str  # of the kernel since it started; "" where there is no /proc
    pid: int
    start_ticks: int  # clock ticks from boot to the process's start; 0 where there is no /proc
    pid_space: str = ""  # the kernel's name for the numbering that `pid` belongs to; "" where there is no /proc

    @classmethod
    def here(cls) -> Owner:
        """The process that asks."""
        pid = os.getpid()
        found = _start_ticks(pid)
        return cls(socket.gethostname(), _boot_id(), pid, found or 0, _pid_space())

    def same_kernel(self) -> bool:
        """Whether it runs, or ran, on this very machine since it started, perhaps in another container."""
        return bool(self.boot_id) and self.boot_id == _boot_id()


def alive(owner: Owner) -> bool | None:
    """Whether a process lives, or None if it is on another host, where one cannot know.

    A container counts as another host, although it shares the kernel: its process numbers mean
    something else, even where it has the name of the machine.
    """
    if owner.host != socket.gethostname():
        return None
    if owner.boot_id != _boot_id():
        return False
    if owner.pid_space and owner.pid_space != _pid_space():
        return None
    if not owner.start_ticks:
        return _exists(owner.pid)
    return _start_ticks(owner.pid) == owner.start_ticks


def has_members(group: int) -> bool:
    """Whether a process of that group lives; one that only waits to be reaped does not.

    A signal to the group cannot tell: until somebody reaps it, a dead process still takes one.
    """
    stats = (_stat(name) for name in os.listdir(_PROC) if name.isdecimal())
    return any(int(fields[2]) == group for fields in stats if fields)


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _pid_space() -> str:
    try:
        return os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return ""


def _start_ticks(pid: int) -> int | None:
    fields = _stat(str(pid))
    return int(fields[19]) if fields else None


def _stat(pid: str) -> list[str]:
    """Fields of /proc/PID/stat from the third on (proc(5)); none of a process that has ended."""
    try:
        text = (_PROC / pid / "stat").read_text(errors="replace")
    except OSError:  # it may also end while its file is read
        return []
    # The second field is the command's name in parentheses, which may hold blanks and parentheses.
    fields = text.rpartition(")")[2].split()
    return fields if fields and fields[0] not in "ZX" else []


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
