"""Who may write what STOA makes: in a clone that a group shares, every one of the group.

Git gives what it makes in a shared repository (`core.sharedRepository`) to the group, whatever the umask. STOA does so
where the folder belongs to the group: the umask says who may write, and a folder that its group may write to adds the
group.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_GROUP_FILE = stat.S_IRGRP | stat.S_IWGRP
_GROUP_FOLDER = stat.S_IRWXG


def open_shared(file: Path | str, flags: int) -> int:
    """A file descriptor, of a file that is made with the rights of its folder's group where it is missing."""
    descriptor = os.open(file, flags | os.O_CLOEXEC, 0o666)
    if flags & os.O_CREAT:
        give_to_group(descriptor, os.path.dirname(file) or ".")
    return descriptor


def give_to_group(file: int | str | Path, folder: str | Path) -> None:
    """Let the group write to a file if it may write to the folder; what belongs to others stays as it is."""
    with suppress(OSError):
        if os.stat(folder).st_mode & stat.S_IWGRP:
            mode = stat.S_IMODE(os.stat(file).st_mode)
            if mode & _GROUP_FILE != _GROUP_FILE:
                os.chmod(file, mode | _GROUP_FILE)


def make_file(file: Path) -> None:
    """Make an empty file where none is: SQLite would give it to its maker alone.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    if not file.exists():
        os.close(open_shared(file, os.O_WRONLY | os.O_CREAT))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing; with the rights of the group that the one above gives.

    Raises
    ------
    OSError
        If one cannot be made.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    give_folder(folder)


def give_folder(folder: Path) -> None:
    """Let the group use a new folder as it may use the one above."""
    above = folder.parent.stat().st_mode
    if above & stat.S_IWGRP:
        with suppress(PermissionError):
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | _GROUP_FOLDER | (above & stat.S_ISGID))


def write_hint(problem: OSError) -> str:
    """What may help where something could not be written."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return "is the disk full, or your quota used up? `df -h`, `quota`"
    if problem.errno in (errno.EACCES, errno.EPERM):
        return "may you write there? `ls -ld` says who may; a clone for a group: `git init --shared`, `umask 002`"
    if problem.errno == errno.EROFS:
        return "that disk is mounted read-only"
    return "is the disk well and not full? `df -h`"
