"""Writing that survives a power cut: files written whole, folders synced, lines that carry a checksum."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from zlib import crc32


def sync_file(path: Path) -> None:
    """Make the content of a file durable."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC)


def sync_folder(path: Path) -> None:
    """Make the entries of a folder durable: which names there are, not what is in the files."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)


MANY = 100
"""So many files are synced by one call, which waits for whatever else is being written to their disk."""


def sync_files(paths: Collection[Path]) -> None:
    """Make the content of files durable; of many by one call for each file system that they are on (syncfs(2))."""
    if len(paths) >= MANY:
        folders = {os.stat(folder).st_dev: folder for folder in {path.parent for path in paths}}
        if all(map(_sync_file_system, folders.values())):
            return
    for path in paths:
        sync_file(path)


def _sync_file_system(folder: Path) -> bool:
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


def write_new(file: Path, content: bytes) -> None:
    """Write a file that no one reads yet, with as few calls as there can be; what is there already is replaced."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def _sync(path: Path, flags: int) -> None:
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
