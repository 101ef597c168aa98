"""The one door to the products of jobs: on this machine where a run wrote them, or else in git with their records.

A product that came with its records is put into the cache, from where everything can open it like any other file; it
is believed by the checksum that its outcome names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from stoa.durable import make_folder, write_whole
from stoa.errors import StoaError
from stoa.model import FileRef
from stoa.provenance.checksums import Checksums
from stoa.provenance.git import Snapshot
from stoa.provenance.ids import is_id
from stoa.provenance.packed import MOST_BYTES, Archive, is_archive
from stoa.provenance.store import Store

_ARCHIVES_KEPT = 20


class Products:
    """Where products can be read, and how many came with their records so far.

    Parameters
    ----------
    store
        The records.
    checksums
        Those of files that were read before.
    """

    def __init__(self, store: Store, checksums: Checksums) -> None:
        self._store = store
        self._project = store.project
        self._checksums = checksums
        self._snapshot: Snapshot | None = None
        self._archives: dict[str, Archive] = {}
        self._aside: TemporaryDirectory[str] | None = None
        self.from_git = 0
        self.fetched = 0  # how many were read from what `stoa fetch` has brought

    def file(self, ref: FileRef, run: str = "") -> Path:
        """Where a product can be read; where the run wrote it if it is nowhere, or only there, with another content.

        Parameters
        ----------
        ref
            As an outcome names it.
        run
            The run of that outcome, where the path does not say so itself.

        Raises
        ------
        StoaError
            If it is not on this machine, and where it would be is not known or outside of its root.
        """
        place, problem = self._place(ref)
        if place is not None and self._is_as_recorded(place, ref):
            return place
        kept = self._kept(ref, run)
        if kept is not None:
            return kept
        if place is None:
            raise problem or StoaError(f"{ref.path} is not on this machine")
        return place

    def here(self, ref: FileRef, run: str = "") -> Path | None:
        """Where a product can be read as it was recorded; None where it is nowhere on this machine."""
        place = self._place(ref)[0]
        if place is not None and self._is_as_recorded(place, ref):
            return place
        return self._kept(ref, run)

    def bring(self, ref: FileRef) -> Path:
        """As `file`, for a job that is to read it: what came with the records is put where the run wrote it.

        Raises
        ------
        StoaError, OSError
            If its place is not known, or cannot be written to.
        """
        file = self.file(ref)
        place = self._project.file(ref)
        if file != place and not os.path.lexists(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            aside = place.with_name(f".{place.name}.{os.getpid()}")
            try:
                shutil.copyfile(file, aside)
                aside.replace(place)
            finally:
                aside.unlink(missing_ok=True)
            return place
        return file

    def _place(self, ref: FileRef) -> tuple[Path | None, StoaError | None]:
        try:
            return self._project.file(ref), None
        except StoaError as problem:
            return None, problem

    def _is_as_recorded(self, file: Path, ref: FileRef) -> bool:
        try:
            size, sha256 = self._checksums.known(file)
            if size != ref.size or not ref.sha256:
                return size == ref.size
            if not sha256 and size > MOST_BYTES:
                return True  # git has none as large; whoever needs to be sure asks for its checksum
            return (sha256 or self._checksums.of(file)[1]) == ref.sha256
        except OSError:
            return False

    def _kept(self, ref: FileRef, run: str) -> Path | None:
        """A product that came with its records, as a file; None without one."""
        if not ref.sha256:
            return None
        below = Path(ref.sha256[:2]) / ref.sha256 / os.path.basename(ref.path)
        for folder in self._folders():
            with suppress(OSError):
                if self._checksums.of(folder / below) == (ref.size, ref.sha256):
                    self.from_git += ref.size <= MOST_BYTES
                    self.fetched += ref.size > MOST_BYTES
                    return folder / below
        if ref.size > MOST_BYTES:
            return None
        content = self._in_git(ref, run)
        if content is None:
            return None
        self.from_git += 1
        for folder in self._folders():
            with suppress(PermissionError):
                return _written(folder / below, content)
        return None

    def _folders(self) -> Iterator[Path]:
        """The cache, and after it, in a clone that can only be read, a folder that ends with the process."""
        cache = self._project.cache / "products"
        yield cache
        if not os.access(cache if cache.is_dir() else self._project.stoa, os.W_OK):
            self._aside = self._aside or TemporaryDirectory(prefix="stoa-products-")
            yield Path(self._aside.name)

    def close(self) -> None:
        """Remove what was put aside."""
        if self._aside:
            self._aside.cleanup()
            self._aside = None

    def _in_git(self, ref: FileRef, run: str) -> bytes | None:
        snapshot = self._snapshot
        if snapshot is None or snapshot.commit != self._store.repository.head():
            snapshot = self._snapshot = self._store.snapshot()
        for folder in dict.fromkeys(filter(is_id, (run, *ref.path.partition(":")[2].split("/")[1:2]))):
            place = f"{self._store.prefix}/runs/{folder}"
            for name, oid in snapshot.files(place):
                if is_archive(name):
                    found = self._archive(snapshot, oid, f"{place}/{name}").content(ref)
                    if found is not None:
                        return found
        return None

    def _archive(self, snapshot: Snapshot, oid: str, path: str) -> Archive:
        if oid not in self._archives:
            while len(self._archives) >= _ARCHIVES_KEPT:
                self._archives.pop(next(iter(self._archives)))
            try:
                self._archives[oid] = Archive(snapshot.record(oid, path))
            except StoaError:  # damaged, or too large
                self._archives[oid] = Archive(b"")
        return self._archives[oid]


def _written(file: Path, content: bytes) -> Path:
    make_folder(file.parent)
    write_whole(file, content)
    return file
