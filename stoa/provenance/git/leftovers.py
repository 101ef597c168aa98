"""Locks that a killed git left behind, told from those that are held (Linux; elsewhere all count as held).

Nothing in a lock says whose it is. It is left over where no process has it open and no git that could come back to it
is at work on this machine. Such a lock is named and not removed: another machine may hold it on a shared disk.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_YOUNG_S = 5.0
_IN_THE_WAY = re.compile(r"Unable to create '([^'\n]+\.lock)': File exists")


class GitLock(msgspec.Struct, frozen=True):
    """A lock of git on one of its files."""

    file: Path
    left_over: bool
    message: str
    hint: str


def find_locks(control: Path, common: Path) -> list[GitLock]:
    """Git's locks in the folder of a work tree and in that of its repository; none of STOA's own."""
    files = {*control.glob("*.lock"), *common.glob("*.lock"), *(common / "refs").rglob("*.lock")}
    return [lock for file in sorted(files) if file.name != "stoa.lock" and (lock := look_at(file, common))]


def lock_in_the_way(said: str, folder: Path) -> GitLock | None:
    """The lock that git complained of, if any and if on this machine; a relative path is one below `folder`."""
    found = _IN_THE_WAY.search(said)
    if not found:
        return None
    file = folder / found[1]
    elsewhere = "" if file.is_relative_to(folder) else str(file).rpartition("/refs/")[0]
    return look_at(file, Path(elsewhere) if elsewhere else folder)


def look_at(file: Path, common: Path) -> GitLock | None:
    """Whether a lock is held or left over; None where there is none any more.

    Parameters
    ----------
    common
        Git's folder of the repository.
    """
    try:
        age_s = time.time() - file.stat().st_mtime
    except OSError:
        return None
    holder = _holder(file, common)
    if holder:
        return GitLock(file, False, f"{file} is held by {holder}", "try again when that is done")
    if holder is None or 0 <= age_s < _YOUNG_S:
        return GitLock(file, False, f"{file} is held by another git command", "try again when that is done")
    return GitLock(
        file,
        True,
        f"{file} was left by a git command that was killed: no git is at work here",
        f"`rm {file}`, unless one is at work on another machine that shares this disk",
    )


def _holder(file: Path, common: Path) -> str | None:
    """A process that has the lock, or a git that may have; "" if there is none, None where one cannot know."""
    try:
        numbers = sorted(int(name) for name in os.listdir(_PROC) if name.isdecimal())
    except OSError:
        return None
    work_tree = common.parent
    for pid in numbers:
        if pid != os.getpid() and (_has_open(pid, file) or _is_git_at(pid, (common, work_tree))):
            return f"{_name(pid)} (process {pid})"
    return ""


def _has_open(pid: int, file: Path) -> bool:
    folder = f"{_PROC}/{pid}/fd"
    try:
        return any(os.readlink(f"{folder}/{number}") == str(file) for number in os.listdir(folder))
    except OSError:  # it has ended, or is another user's
        return False


def _is_git_at(pid: int, places: tuple[Path, ...]) -> bool:
    """Whether a process is a git that works here, or one of another user of which that cannot be known."""
    if not _name(pid).startswith("git") or _is_dead(pid):
        return False
    try:
        folder = Path(os.readlink(_PROC / str(pid) / "cwd"))
    except PermissionError:
        return True
    except OSError:
        return False
    return any(folder.is_relative_to(place) for place in places)


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def _is_dead(pid: int) -> bool:
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
