"""The one door to files that others made: regular, of a bounded size, and not outside through a link.

A file may have come by `git pull`, or from a script: a link to a device that never ends, a pipe that no one writes
to, a terabyte of zeros. `tests/test_doors.py` checks that no module opens such files in another way.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path

from stoa.errors import StoaError

MOST_BYTES = 50_000_000
"""More than this is read of no file that has to be read as a whole; a record has the same limit."""

_PIECE = 1 << 20


class NotRegularError(OSError):
    """A directory, pipe, socket or device where a file is expected."""

    def __init__(self, path: str = "") -> None:
        super().__init__("not a regular file")
        self.strerror = "it is not a regular file"
        self.filename = path or None


class TooLargeError(OSError):
    """A file that is larger than what is read."""

    def __init__(self, path: str, most: int) -> None:
        super().__init__("too large")
        self.strerror = f"it is larger than {most / 1e6:g} MB, the most that is read"
        self.filename = path


def open_regular(path: str | Path, *, follow_links: bool) -> BufferedReader:
    """A regular file, open to read; a pipe that no one writes to does not block.

    Raises
    ------
    NotRegularError
        If something else is there.
    OSError
        If it is missing, unreadable, or a link that is not to be followed.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotRegularError(os.fspath(path))
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bounded(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file.

    Raises
    ------
    NotRegularError, TooLargeError
        If it is something else, or larger than `most` bytes.
    OSError
        If it is missing or unreadable.
    """
    with open_regular(path, follow_links=True) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise TooLargeError(os.fspath(path), most)
    return data


def regular(path: Path) -> Path:
    """The path itself, for a library that opens it.

    Raises
    ------
    NotRegularError
        If something else than a regular file is there.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise NotRegularError(os.fspath(path))
    return path


def have_same_content(first: Path, second: Path) -> bool:
    """Whether two regular files hold the same, read in pieces.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    with open_regular(first, follow_links=True) as one, open_regular(second, follow_links=True) as other:
        if os.fstat(one.fileno()).st_size != os.fstat(other.fileno()).st_size:
            return False
        while piece := one.read(_PIECE):
            if piece != other.read(_PIECE):
                return False
    return True


def check_inside(file: Path, top: Path, places: Iterable[Path]) -> None:
    """Raise `StoaError` if a link below a folder leads out of it.

    Parameters
    ----------
    top
        The folder that others write to. What is not below it, by its name, is this machine's own and may be a link.
    places
        Further folders that links below it may lead to.
    """
    name, folder = os.path.abspath(file), os.path.abspath(top)
    if not _is_below(name, folder):
        return
    real = os.path.realpath(name)
    if real == name:  # no link is on the way to it
        return
    if not any(_is_below(real, os.path.realpath(place)) for place in (top, *places)):
        raise StoaError(
            f"{os.path.relpath(name, folder)} leads through a link to {real}, outside of the project and its roots",
            "name the file where it is, or put a copy there; `stoa root add` makes a folder a root",
        )


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
