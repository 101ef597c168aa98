"""Writing objects as packs of git, on disk and out of reach of `git gc` until the branch has moved.

Single objects would not do: `git prune --expire=now` takes those away that no branch leads to yet.
"""

from __future__ import annotations

import os
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha1
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from dulwich.objects import ShaFile
from dulwich.pack import write_pack_index_v2

from stoa.durable import sync_folder
from stoa.provenance.git.content import BLOB, Content, pack_entry
from stoa.provenance.git.plumbing import GitError, run_git

PACKS_AT_MOST = 50
_KEPT = b"STOA is about to move a branch here\n"
_ASIDE = "stoa_"  # not `tmp_`, which `git prune --expire=now` removes while it is written
_LEFT_S = 3600.0
_MODE = 0o444


class Packs:
    """The packs of a repository, for writing.

    A pack is named by its checksum, as git names those that it makes: two commands that write one and the same pack
    write the same bytes, and neither has to wait for the other.
    """

    def __init__(self, top: Path, folder: Path) -> None:
        self._top = top
        self._folder = folder
        self._kept: list[Path] = []  # files that keep packs which no branch leads to yet

    def write(self, objects: Iterable[ShaFile | Content]) -> None:
        """Write objects, on disk when this returns, and have git leave them alone until `release`.

        Raises
        ------
        OSError
            If the disk is full or refuses; there is then nothing new.
        """
        unique = sorted({_id(single): single for single in objects}.items())
        if not unique:
            return
        with _aside(self._folder, "pack") as (data, pack), _aside(self._folder, "idx") as (index_data, index):
            places, checksum = _write_pack(data, unique)
            write_pack_index_v2(index_data, places, checksum)
            for stream in (data, index_data):
                stream.flush()
                os.fsync(stream.fileno())
            place = self._folder / f"pack-{checksum.hex()}.pack"
            with suppress(OSError):
                self._keep(place.with_suffix(".keep"))
            os.replace(pack, place)
            os.replace(index, place.with_suffix(".idx"))  # last: git sees the pack from now on
        sync_folder(self._folder)

    def _keep(self, file: Path) -> None:
        """Have git leave a pack alone until the branch has moved: `repack -ad` drops what nothing leads to."""
        if not file.exists():  # it may be the user's
            file.write_bytes(_KEPT)
            self._kept.append(file)

    def release(self) -> None:
        """Leave all that was written to git: a branch leads there, or nothing has to."""
        while self._kept:
            with suppress(OSError):
                self._kept.pop().unlink()

    def remove_left(self) -> None:
        """Remove what killed STOA commands left: half-written packs, and keeps of packs that no branch leads to."""
        for file in (*self._folder.glob("pack-*.keep"), *self._folder.glob(f"{_ASIDE}*")):
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > _LEFT_S and (file.suffix != ".keep" or _is_ours(file)):
                    file.unlink()

    def tidy(self) -> bool:
        """Join small packs now and then, as a thousand of them make every reading slow; whether they were joined."""
        if sum(name.endswith(".pack") for name in os.listdir(self._folder)) < PACKS_AT_MOST:
            return False
        with suppress(GitError):  # where it fails nothing is lost, only slow
            self._join()
        return True

    def _join(self) -> None:
        """Join packs of about one size, or all where git cannot do that: in a partial clone, or an older one."""
        try:
            run_git(self._top, "repack", "-d", "-q", "--geometric=2")
        except GitError:
            run_git(self._top, "repack", "-a", "-d", "-q", "--keep-unreachable")


def _id(single: ShaFile | Content) -> bytes:
    return bytes.fromhex(single.oid) if isinstance(single, Content) else single.sha().digest()


def _entry(single: ShaFile | Content) -> tuple[bytes, ...]:
    if isinstance(single, Content):
        return (single.deflated,) if single.deflated else pack_entry(BLOB, single.data)
    return pack_entry(single.type_num, single.as_raw_string())


def _write_pack(
    stream: BinaryIO, objects: list[tuple[bytes, ShaFile | Content]]
) -> tuple[list[tuple[bytes, int, int]], bytes]:
    """Write a pack (gitformat-pack(5)): what its index tells of each object, id, place and crc32, and its checksum."""
    head = b"PACK" + struct.pack(">LL", 2, len(objects))
    stream.write(head)
    checksum, place = sha1(head, usedforsecurity=False), len(head)
    places = []
    for oid, single in objects:
        start, crc = place, 0
        for piece in _entry(single):
            stream.write(piece)
            checksum.update(piece)
            crc = crc32(piece, crc)
            place += len(piece)
        places.append((oid, start, crc))
    stream.write(checksum.digest())
    return places, checksum.digest()


@contextmanager
def _aside(folder: Path, kind: str) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file; it is removed unless it was renamed."""
    descriptor, name = tempfile.mkstemp(prefix=f"{_ASIDE}{kind}_", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, _MODE)
            yield stream, Path(name)
    finally:
        with suppress(OSError):
            os.unlink(name)


def _is_ours(keep: Path) -> bool:
    return keep.read_bytes() == _KEPT
