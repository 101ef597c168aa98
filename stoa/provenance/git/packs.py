"""Writing objects as packs of git, on disk and out of reach of `git gc` until the branch has moved.

Single objects would not do: `git prune --expire=now` takes those away that no branch leads to yet.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import ShaFile
from dulwich.pack import UnpackedObject, write_pack_data, write_pack_index_v2

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
            records = (_record(oid, single) for oid, single in unique)
            found, checksum = write_pack_data(data.write, records, DEFAULT_OBJECT_FORMAT, num_records=len(unique))
            entries = sorted((oid, offset, crc) for oid, (offset, crc) in found.items())
            write_pack_index_v2(index_data, entries, checksum)
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


def _record(oid: bytes, single: ShaFile | Content) -> UnpackedObject:
    """An object as dulwich writes it into a pack, compressed."""
    if isinstance(single, Content):
        record = UnpackedObject(BLOB, sha=oid)
        record.comp_chunks = [single.deflated] if single.deflated else list(pack_entry(BLOB, single.data))
    else:
        record = UnpackedObject(single.type_num, sha=oid)
        record.comp_chunks = list(pack_entry(single.type_num, single.as_raw_string()))
    return record


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
