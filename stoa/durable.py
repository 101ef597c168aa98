"""Files of STOA: written whole, on disk after a power cut, for everybody who may write to their folder, locked.

Git gives what it makes in a shared repository (`core.sharedRepository`) to the group, whatever the umask. STOA does so
where the folder belongs to the group: the umask says who may write, and a folder that its group may write to adds the
group.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

from stoa.errors import StoaError

NOT_YOURS = "`ls -ld` says who may; its owner can change that with `chmod`"
"""What may help where something may not be read."""

WAIT_S = 30.0
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_GROUP_FILE = stat.S_IRGRP | stat.S_IWGRP
_GROUP_FOLDER = stat.S_IRWXG


def sync_file(path: str | Path) -> None:
    """Make the content of a file durable."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC)


def sync_folder(path: str | Path) -> None:
    """Make the entries of a folder durable: which names there are, not what is in the files."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)


MANY = 100
"""So many files are synced by one call, which waits for whatever else is being written to their disk."""


def sync_files(paths: Collection[str | Path]) -> None:
    """Make the content of files durable; of many by one call for each file system that they are on (syncfs(2))."""
    if len(paths) >= MANY:
        folders = {os.stat(folder).st_dev: folder for folder in {os.path.dirname(path) or "." for path in paths}}
        if all(map(_sync_file_system, folders.values())):
            return
    for path in paths:
        sync_file(path)


def _sync_file_system(folder: str | Path) -> bool:
    """Make durable all that was written to a folder's file system; False where there is no call for that."""
    import ctypes  # 10 ms

    try:
        call = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        if call(descriptor):
            problem = ctypes.get_errno()
            raise OSError(problem, os.strerror(problem), str(folder))
    finally:
        os.close(descriptor)
    return True


def write_new(file: str | Path, content: bytes) -> None:
    """Write a file that no one reads yet, with as few calls as there can be; what is there already is replaced."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def _sync(path: str | Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(file: Path, content: bytes, *, durable: bool = False) -> None:
    """Put a file in its place at once: readers see the old content or the new one, never a part.

    Parameters
    ----------
    durable
        Whether it is on disk when this returns.

    Raises
    ------
    OSError
        If the disk is full or refuses; the old file is then still there.
    """
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with aside.open("wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        aside.replace(file)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise
    if durable:
        sync_folder(file.parent)


def checked_line(body: bytes) -> bytes:
    """A line of a journal: the crc32 of its body, a blank, the body and a newline. The body has no newline."""
    return b"%08x %b\n" % (crc32(body), body)


def body_of_line(line: bytes) -> bytes | None:
    """The body of a line of a journal; None if the line is torn or damaged. The newline may be missing."""
    checksum, blank, body = line.removesuffix(b"\n").partition(b" ")
    return body if blank and checksum == b"%08x" % crc32(body) else None


def append_line(file: Path, text: str) -> None:
    """Append a line to a small file of this machine, which is made where it is missing.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    descriptor = open_shared(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        append_whole(descriptor, text.encode() + b"\n")
    finally:
        os.close(descriptor)


def append_whole(descriptor: int, data: bytes) -> None:
    """Append all of it or, with an `OSError`, nothing."""
    start = os.fstat(descriptor).st_size
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, start)
        raise


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
