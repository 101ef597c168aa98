"""A lock that dies with its holder: no one ever has to unlock anything."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stoa.errors import StoaError
from stoa.rights import open_shared, write_hint

WAIT_S = 30.0
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def exclusive(file: Path, busy: str, patience_s: float = WAIT_S) -> Iterator[bool]:
    """Hold a file's lock; the kernel gives it back when this process ends, in whatever way.

    Parameters
    ----------
    file
        Made where it is missing; its content plays no part. Not inherited by children.
    busy
        What another holder is doing, for the message.

    Yields
    ------
    held
        False on a file system without locks, where no one is kept out.

    Raises
    ------
    StoaError
        If the file cannot be opened for writing, or another process holds it for so long.
    """
    try:
        descriptor = _opened(file)
    except OSError as problem:
        raise StoaError(f"cannot write {file}: {problem.strerror}", write_hint(problem)) from None
    try:
        yield _wait(descriptor, busy, patience_s)
    finally:
        os.close(descriptor)


def _opened(file: Path) -> int:
    try:
        return open_shared(file, os.O_RDWR | os.O_CREAT)
    except PermissionError:
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)  # another user's; on a local disk that is enough for a lock


def _wait(descriptor: int, busy: str, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while (held := take(descriptor)) is False:
        if time.monotonic() > deadline:
            raise StoaError(f"another STOA command {busy} for over {patience_s:.0f} s", "try again when it is done")
        time.sleep(0.01)
    return held is True


def take(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool | None:
    """Try to lock an open file: True when held, False when another holds it, None where there are no locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as problem:
        if problem.errno in _NO_LOCKS:
            return None
        raise
    return True
