"""Descriptions as they were made last, so that only what changed is read again; outside git and safe to delete."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from stoa.durable import make_file, make_folder
from stoa.meta.build import Seen

_TABLE = (
    "CREATE TABLE IF NOT EXISTS described"
    "(target TEXT PRIMARY KEY, stamp TEXT, document TEXT, entries BLOB) WITHOUT ROWID"
)
_PAGE = 16384  # bytes; a line longer than a quarter of a page takes further pages, which it shares with none
_ENTRIES = msgspec.msgpack.Decoder(dict[str, Seen])


class Known(Struct, frozen=True):
    """What a target's folder looked like, and which document was made of it."""

    stamp: str  # see `stoa.meta.build.Listing.stamp`
    document: str  # its id in git


class Remembered(Struct, frozen=True):
    """A line of the cache."""

    target: str
    stamp: str
    document: str
    entries: bytes  # of `encoded`


def encoded(entries: dict[str, Seen]) -> bytes:
    """Entries by file name, for the cache."""
    return msgspec.msgpack.encode(entries)


class Descriptions:
    """The cache of one project.

    Parameters
    ----------
    file
        An SQLite file; one that is damaged is made again.
    """

    def __init__(self, file: Path) -> None:
        make_folder(file.parent)
        make_file(file)
        try:
            self._db = _opened(file)
        except sqlite3.DatabaseError:
            file.unlink(missing_ok=True)
            self._db = _opened(file)

    def known(self) -> dict[str, Known]:
        """Stamp and document of every target."""
        rows = self._db.execute("SELECT target, stamp, document FROM described")
        return {target: Known(stamp, document) for target, stamp, document in rows}

    def entries(self, target: str) -> dict[str, Seen]:
        """Entries by file name; none for a target that is not known, or of another version of STOA."""
        row = self._db.execute("SELECT entries FROM described WHERE target = ?", (target,)).fetchone()
        try:
            return _ENTRIES.decode(row[0]) if row else {}
        except msgspec.MsgspecError:
            return {}

    def remember(self, lines: Iterable[Remembered]) -> None:
        """Put in what was described."""
        rows = [(line.target, line.stamp, line.document, line.entries) for line in lines]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO described VALUES (?,?,?,?)", rows)

    def close(self) -> None:
        self._db.close()


def _opened(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=30)
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"PRAGMA page_size = {_PAGE}")
        db.execute(_TABLE)
        db.execute("SELECT target, stamp, document, entries FROM described LIMIT 1").fetchone()
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
