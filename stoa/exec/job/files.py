"""Opening a file that a script left, when it may have left anything in its place."""

from __future__ import annotations

import os
import stat
from io import BufferedReader


class NotRegularError(OSError):
    """A directory, pipe, socket or device where a file is expected."""


def open_regular(path: str, *, follow_links: bool) -> BufferedReader:
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
            raise NotRegularError
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
