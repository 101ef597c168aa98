"""Git's locks on its own files: STOA's are distinguished from all others, also after their holder was killed.

Git locks a file by making another one with `.lock` behind its name, and nothing says whose it is. STOA makes its locks
as second names of files in a folder of its own. A lock that is the same file as one there is STOA's; and whoever holds
STOA's own lock, which dies with its process, knows that the holder of such a lock is gone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stoa.durable import make_folder, open_shared, sync_folder

CLAIMS = "stoa-locks"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class Locked(Exception):
    """Someone else holds git's lock on a file."""


@contextmanager
def replacing(common: Path, file: Path, content: bytes = b"", *, ours: bool = True) -> Iterator[Path]:
    """Hold git's lock on a file while it may be replaced.

    Parameters
    ----------
    common
        Git's folder, which holds the file.
    content
        Of the lock, on disk when it is there; the lock may be renamed to take the file's place.
    ours
        Whether the caller holds STOA's own lock. Otherwise the lock is one as git makes it.

    Yields
    ------
    lock
        Its path.

    Raises
    ------
    Locked
        If someone else has it now.
    """
    lock = file.with_name(f"{file.name}.lock")
    claim = common / CLAIMS / lock.relative_to(common)
    make_folder(lock.parent)
    try:
        _make(lock, claim if ours else None, content)
    except FileExistsError:
        raise Locked(str(lock)) from None
    made = os.stat(lock).st_ino
    try:
        yield lock
    finally:
        with suppress(FileNotFoundError):
            if os.stat(lock).st_ino == made:
                lock.unlink()
        if ours:
            claim.unlink(missing_ok=True)


def _make(lock: Path, claim: Path | None, content: bytes) -> None:
    if claim is None:
        _write(lock, content, os.O_EXCL)
        return
    make_folder(claim.parent)
    claim.unlink(missing_ok=True)  # it may have another name by now, which is not to be written to
    _write(claim, content, os.O_EXCL)
    try:
        os.link(claim, lock)
    except OSError as problem:
        claim.unlink()
        if problem.errno not in _NO_LINKS:
            raise
        _write(lock, content, os.O_EXCL)


def _write(file: Path, content: bytes, flag: int) -> None:
    descriptor = open_shared(file, _NEW | flag)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        file.unlink()
        raise
    finally:
        os.close(descriptor)


def release_ours(common: Path) -> None:
    """Remove the locks that killed STOA commands left; the caller holds STOA's own lock."""
    claims = common / CLAIMS
    if not claims.is_dir():
        return
    for claim in (path for path in claims.rglob("*.lock") if path.is_file()):
        lock = common / claim.relative_to(claims)
        with suppress(FileNotFoundError):
            if os.path.samefile(claim, lock):
                lock.unlink()
                sync_folder(lock.parent)
        claim.unlink(missing_ok=True)
