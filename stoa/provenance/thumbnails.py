"""Small pictures of images in git: of a batch of outcomes in one archive beside their records, each image once.

A picture is named by the checksum of its image, so that one serves every run that has the image. It proves nothing: it
is shown where the image is not, and no number comes from it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from stoa.durable import make_folder
from stoa.errors import StoaError
from stoa.model import FileRef, Outcome, Process
from stoa.opening import read_bounded
from stoa.project import MOST_THUMBNAIL, Project
from stoa.provenance.git import Snapshot
from stoa.provenance.packed import Archive, archive, archive_entry
from stoa.provenance.store import Store

_STORED = 0  # a PNG is compressed already
_LARGEST = 1024  # pixels a side that a picture may claim
_MAGIC = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_HEAD_BYTES = len(_MAGIC) + 8

_SETUP = (
    "PRAGMA synchronous = OFF",  # what is torn by a power cut is read again
    "CREATE TABLE IF NOT EXISTS folders(oid TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS archives(oid TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS pictures(sha256 TEXT, oid TEXT, PRIMARY KEY(sha256, oid)) WITHOUT ROWID",
)


def images_to_show(process: Process | None, outcome: Outcome) -> list[FileRef]:
    """The images of an outcome whose definition says ``thumbnail: true``."""
    if process is None:
        return []
    taken = (outcome.inputs.get(name) for name, spec in process.inputs.items() if spec.thumbnail)
    made = (outcome.outputs.get(name) for name, spec in process.outputs.items() if spec.thumbnail)
    return [ref for ref in (*taken, *made) if ref is not None and ref.sha256]


def has_thumbnails(process: Process | None) -> bool:
    """Whether a process has images that are to be shown."""
    if process is None:
        return False
    taken = any(spec.thumbnail for spec in process.inputs.values())
    return taken or any(spec.thumbnail for spec in process.outputs.values())


def is_picture(content: bytes) -> bool:
    """Whether a content can be sent to a browser as a small PNG; it may have come from anyone."""
    if len(content) > MOST_THUMBNAIL or not content.startswith(_MAGIC) or len(content) < _HEAD_BYTES:
        return False
    sides = (int.from_bytes(content[start : start + 4]) for start in (len(_MAGIC), len(_MAGIC) + 4))
    return all(0 < side <= _LARGEST for side in sides)


def thumbnail_archives(
    store: Store, process: Process | None, outcomes: Iterable[Outcome], number: int
) -> dict[str, bytes]:
    """The archive with the pictures of a batch of outcomes, by its name in the run's folder; none without pictures.

    A picture that is already in git, of the same image in another run, is left out.

    Parameters
    ----------
    number
        That of the file with the outcomes.
    """
    if not has_thumbnails(process):
        return {}
    wanted = {ref.sha256 for outcome in outcomes if not outcome.restored for ref in images_to_show(process, outcome)}
    thumbnails = Thumbnails(store)
    try:
        wanted -= thumbnails.known()
    finally:
        thumbnails.close()
    entries = {}
    for sha256 in wanted:
        with suppress(OSError):  # it could not be made
            content = read_bounded(store.project.thumbnail_file(sha256), MOST_THUMBNAIL)
            if is_picture(content):
                name = Project.thumbnail_member(sha256)
                entries[name] = archive_entry(name, content)
    return {f"thumbnails-{number:04d}.tar.gz": archive(entries, _STORED)} if entries else {}


class Thumbnails:
    """The pictures that came with the records.

    Parameters
    ----------
    store
        The records.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = _connect(store.project.thumbnails_index)
        self._archives: dict[str, Archive] = {}

    def known(self) -> set[str]:
        """Checksums of the images of which a picture is in the commit that is checked out, or was in one before it."""
        self._update(self._store.snapshot())
        return {sha256 for (sha256,) in self._db.execute("SELECT DISTINCT sha256 FROM pictures")}

    def find(self, sha256: str) -> bytes | None:
        """The picture of an image, None where none came."""
        if not sha256:
            return None
        snapshot = self._store.snapshot()
        self._update(snapshot)
        for (oid,) in self._db.execute("SELECT oid FROM pictures WHERE sha256 = ?", (sha256,)).fetchall():
            content = self._archive(snapshot, oid).member(Project.thumbnail_member(sha256))
            if content is not None and is_picture(content):
                return content
        return None

    def close(self) -> None:
        self._db.close()

    def _update(self, snapshot: Snapshot) -> None:
        """Read the archives that were not read before; what is known of a run stays true, as records do not change."""
        top = f"{self._store.prefix}/runs"
        seen = {oid for (oid,) in self._db.execute("SELECT oid FROM folders")}
        for run, folder in snapshot.folders(top):
            if folder in seen:
                continue
            with suppress(StoaError):
                for oid in self._fresh(snapshot, f"{top}/{run}"):
                    found = _pictured(self._archive(snapshot, oid))
                    self._keep("INSERT OR IGNORE INTO pictures VALUES (?,?)", [(sha256, oid) for sha256 in found])
                    self._keep("INSERT OR IGNORE INTO archives VALUES (?)", [(oid,)])
                self._keep("INSERT OR IGNORE INTO folders VALUES (?)", [(folder,)])

    def _fresh(self, snapshot: Snapshot, folder: str) -> Iterator[str]:
        for name, oid in snapshot.files(folder):
            is_archive = name.startswith("thumbnails-") and name.endswith(".tar.gz")
            if is_archive and not self._db.execute("SELECT 1 FROM archives WHERE oid = ?", (oid,)).fetchone():
                yield oid

    def _keep(self, sql: str, rows: list[tuple[str, ...]]) -> None:
        with suppress(sqlite3.OperationalError):  # a disk that is full: it is read again
            self._db.executemany(sql, rows)

    def _archive(self, snapshot: Snapshot, oid: str) -> Archive:
        if oid not in self._archives:
            self._archives.clear()
            try:
                self._archives[oid] = Archive(snapshot.record(oid, "thumbnails"))
            except StoaError:  # damaged, too large, or of a commit that is gone
                self._archives[oid] = Archive(b"")
        return self._archives[oid]


def _pictured(found: Archive) -> Iterator[str]:
    """Checksums of the images that an archive has pictures of."""
    for name in found.names():
        sha256 = name.rpartition("/")[2].removesuffix(".png")
        content = found.member(name)
        if name == Project.thumbnail_member(sha256) and content is not None and is_picture(content):
            yield sha256


def _connect(file: Path) -> sqlite3.Connection:
    """The index on disk; in memory where none can be written, and made again where it is damaged."""
    with suppress(OSError):
        make_folder(file.parent)
    for place in (file, file, Path(":memory:")):
        try:
            db = sqlite3.connect(place, timeout=30, isolation_level=None, check_same_thread=False)
            for statement in _SETUP:
                db.execute(statement)
            return db
        except sqlite3.OperationalError:
            continue
        except sqlite3.DatabaseError:
            with suppress(OSError):
                file.unlink()
    raise StoaError(f"{file} cannot be read or made")
