"""Who holds something, and whether that process still lives.

A lock that names its owner this way needs no unlock command: whoever reads it can tell.
"""

from __future__ import annotations

import os
import socket

from msgspec import Struct

from stoa import procfs


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
        found = procfs.start_ticks(pid)
        return cls(socket.gethostname(), procfs.boot_id(), pid, found or 0, procfs.pid_space())

    def same_kernel(self) -> bool:
        """Whether it runs, or ran, on this very machine since it started, perhaps in another container."""
        return bool(self.boot_id) and self.boot_id == procfs.boot_id()


def alive(owner: Owner) -> bool | None:
    """Whether a process lives, or None if it is on another host, where one cannot know.

    A container counts as another host, although it shares the kernel: its process numbers mean
    something else, even where it has the name of the machine.
    """
    if owner.host != socket.gethostname():
        return None
    if owner.boot_id != procfs.boot_id():
        return False
    if owner.pid_space and owner.pid_space != procfs.pid_space():
        return None
    if not owner.start_ticks:
        return _exists(owner.pid)
    return procfs.start_ticks(owner.pid) == owner.start_ticks


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
