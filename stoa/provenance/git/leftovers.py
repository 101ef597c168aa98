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

from stoa import procfs

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
    numbers = procfs.processes()
    if not numbers:
        return None
    work_tree = common.parent
    for pid in numbers:
        if pid != os.getpid() and (str(file) in procfs.open_files(pid) or _is_git_at(pid, (common, work_tree))):
            return f"{procfs.command_name(pid)} (process {pid})"
    return ""


def _is_git_at(pid: int, places: tuple[Path, ...]) -> bool:
    """Whether a process is a git that works here, or one of another user, where that cannot be known."""
    if not procfs.command_name(pid).startswith("git") or not procfs.lives(pid):
        return False
    try:
        folder = procfs.working_directory(pid)
    except PermissionError:
        return True
    return bool(folder) and any(Path(folder).is_relative_to(place) for place in places)
