"""What the kernel tells about processes in `/proc` (Linux, proc(5)).

A process that has ended, that belongs to another user, or a system without `/proc` gives nothing: every function
says what that is in its case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

SELF = "self"
_PROC = "/proc"


def processes() -> list[int]:
    """Numbers of all processes, ascending; none where there is no `/proc`."""
    try:
        return sorted(int(name) for name in os.listdir(_PROC) if name.isdecimal())
    except OSError:
        return []


def boot_id() -> str:
    """Id of this start of the kernel, or ""."""
    return _text("sys/kernel/random/boot_id").strip()


def pid_space() -> str:
    """The kernel's name for the numbering of processes that this process sees, or ""."""
    return _link("self/ns/pid")


def start_ticks(pid: int) -> int | None:
    """Clock ticks from the start of the kernel to that of a process; None if it does not live."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def lives(pid: int) -> bool:
    """Whether a process is there and does not only wait to be reaped."""
    return bool(_stat(pid))


def has_members(group: int) -> bool:
    """Whether a process of that group lives; one that only waits to be reaped does not.

    A signal to the group cannot tell: until its parent reaps it, a dead process still takes one.
    """
    return any(int(fields[2]) == group for fields in map(_stat, processes()) if fields)


def command_name(pid: int) -> str:
    """The name of what a process executes, at most 15 characters, or ""."""
    return _text(f"{pid}/comm").strip()


def environ_of(pid: int) -> dict[str, str]:
    """The variables that a process was started with; none if they cannot be read."""
    words = (word.decode("utf-8", "surrogateescape").partition("=") for word in _bytes(f"{pid}/environ").split(b"\0"))
    return {name: value for name, equals, value in words if equals}


def working_directory(pid: int) -> str:
    """The working directory of a process, or "".

    Raises
    ------
    PermissionError
        If the process is another user's.
    """
    try:
        return os.readlink(f"{_PROC}/{pid}/cwd")
    except PermissionError:
        raise
    except OSError:
        return ""


def open_files(pid: int) -> Iterator[str]:
    """Paths of what a process has open; pipes and sockets as the kernel names them."""
    with suppress(OSError):
        for number in os.listdir(f"{_PROC}/{pid}/fd"):
            if path := _link(f"{pid}/fd/{number}"):
                yield path


def threads(pid: int | str = SELF) -> list[str]:
    """Numbers of the threads of a process; none if it has ended."""
    try:
        return os.listdir(f"{_PROC}/{pid}/task")
    except OSError:
        return []


def children(pid: int | str = SELF) -> list[int]:
    """The children of a process as they are at this moment, those that wait to be reaped included."""
    return [
        int(child) for thread in threads(pid) for child in _bytes(f"{pid}/task/{thread}/children").split()
    ]  # fmt: skip


def descendants(pid: int) -> list[int]:
    """Children of a process, their children, and so on, as they are at this moment."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = [child for child in children(waiting.pop()) if child not in found]
        found += below
        waiting += below
    return found


def threads_of_user() -> int:
    """How many threads all processes of the user have, which is what the kernel counts."""
    count, own = 0, os.getuid()
    for pid in processes():
        with suppress(OSError):
            if os.stat(f"{_PROC}/{pid}").st_uid == own:
                count += len(threads(pid))
    return count


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; none of a process that has ended."""
    # The second field is the command's name in parentheses, which may hold blanks and parentheses.
    fields = _text(f"{pid}/stat").rpartition(")")[2].split()
    return fields if fields and fields[0] not in "ZX" else []


def _text(path: str) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _bytes(path: str) -> bytes:
    try:  # a process may also end while its file is read
        with open(f"{_PROC}/{path}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _link(path: str) -> str:
    try:
        return os.readlink(f"{_PROC}/{path}")
    except OSError:
        return ""
