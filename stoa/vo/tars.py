"""Archives (tar) that services give: looked through before a byte is written, and unpacked by hand.

Nothing in one decides where anything is written, whose it is, or what may be done with it.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from stoa.errors import StoaError
from stoa.opening import open_regular

MOST_MEMBERS = 100_000
MOST_TIMES, MOST_FREE_BYTES = 50, 1_000_000_000
"""What comes out may be so many times as large as the archive, and this much in any case."""

_BLOCK, _MOST_PADDING, _MOST_AT_ONCE = 512, 10_000_000, 20_000_000


class TarError(StoaError):
    """An archive that is empty, cut, or would write somewhere else than into its folder."""


class _Pieces:
    """A file to read from, or what is in it with gzip; no one is given more of it at once than a piece.

    An archive may say that one of its names is as long as the memory.
    """

    def __init__(self, file: BinaryIO) -> None:
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        self._stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=file) if is_packed else file
        self.tell, self.seek = self._stream.tell, self._stream.seek

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            raise TarError("the archive has a name or a header of unusual size")
        return self._stream.read(size)


def unpack(archive: Path, folder: Path) -> int:
    """Unpack an archive into a new folder, and say how many files it has.

    Raises
    ------
    TarError
        If it has no file, is not whole, or has a link, a device, or a name that leads out of the folder. The folder is
        then gone again.
    """
    folder.mkdir()
    try:
        with (
            open_regular(archive, follow_links=False) as file,
            tarfile.open(fileobj=cast(BinaryIO, _Pieces(file)), mode="r:") as tar,
        ):
            members = _checked(tar, archive.stat().st_size)
            for member in members:
                _write(tar, member, folder)
        return sum(member.isreg() for member in members)
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as problem:
        shutil.rmtree(folder)
        raise TarError(f"the archive cannot be unpacked: {problem}") from problem
    except BaseException:
        shutil.rmtree(folder)
        raise


def _checked(tar: tarfile.TarFile, size: int) -> list[tarfile.TarInfo]:
    members: list[tarfile.TarInfo] = []
    seen: set[PurePosixPath] = set()
    left = max(size * MOST_TIMES, MOST_FREE_BYTES)
    for member in tar:
        _check(member)
        path = PurePosixPath(member.name)
        if path in seen and not member.isdir():
            raise TarError(f"the archive has {member.name[:200]!r} twice")
        seen.add(path)
        left -= member.size
        if left < 0 or len(members) >= MOST_MEMBERS:
            raise TarError(f"the archive has more in it than {MOST_TIMES} times its size, or {MOST_MEMBERS} files")
        members.append(member)
    if not any(member.isreg() for member in members):
        raise TarError("the archive has no file in it")
    _check_end(tar)
    return members


def _check(member: tarfile.TarInfo) -> None:
    if not (member.isreg() or member.isdir()):
        raise TarError(f"{member.name[:200]!r} in the archive is a link or a device")
    path = PurePosixPath(member.name)
    is_odd = "\0" in member.name or "\\" in member.name or any(ord(letter) < 32 for letter in member.name)
    if path.is_absolute() or ".." in path.parts or (not path.parts and not member.isdir()) or is_odd:
        raise TarError(f"{member.name[:200]!r} in the archive leads out of its folder")


def _check_end(tar: tarfile.TarFile) -> None:
    """An archive ends with blocks of zeros; tarfile does not mind if they are missing."""
    stream: BinaryIO = tar.fileobj  # type: ignore[assignment] # one that it has opened to read
    stream.seek(tar.offset)
    if stream.read(_BLOCK) != bytes(_BLOCK):
        raise TarError("the archive has no end: only a part of it came")
    if len(stream.read(_MOST_PADDING + 1)) > _MOST_PADDING:  # read, so that what is compressed is checked to its end
        raise TarError("the archive has something behind its end")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    target = folder.joinpath(*PurePosixPath(member.name).parts)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise TarError(f"{member.name[:200]!r} in the archive is no file")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(target, flags, 0o666), "wb") as file:
        shutil.copyfileobj(source, file)
        if file.tell() != member.size:
            raise TarError(f"{member.name[:200]!r} ends after {file.tell()} of {member.size} bytes")
