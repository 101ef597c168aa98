"""Checksums of large files, computed once for as long as a file stays as it is."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stoa import trees
from stoa.durable import make_file, make_folder
from stoa.hashing import sha256_of
from stoa.opening import open_regular

_SETUP = (
    "PRAGMA synchronous = OFF",  # what is torn by a power cut is computed again
    "CREATE TABLE IF NOT EXISTS sums(path BLOB PRIMARY KEY, stamp TEXT, sha256 TEXT) WITHOUT ROWID",
)


class Checksums:
    """Checksums by path, size, times and inode.

    Parameters
    ----------
    file
        The cache on disk; safe to delete, made again where it is damaged. Where none can be written, as on a
        disk that is full or read-only, what is computed is kept in memory.
    """

    def __init__(self, file: Path) -> None:
        self.stopped: Callable[[], bool] = lambda: False  # asked while a large file is read
        with suppress(OSError):
            make_folder(file.parent)
            make_file(file)
        self._file = file
        try:
            self._db = _connect(file)
        except sqlite3.OperationalError:
            self._db = _connect(":memory:")
        for statement in _SETUP:
            self._ask(statement)

    @contextmanager
    def many(self) -> Iterator[None]:
        """A block in which thousands of files are asked for: the cache is locked once for reading, not for each."""
        self._ask("BEGIN")
        try:
            yield
        finally:
            if self._db.in_transaction:  # no longer so where the cache was damaged and made again
                self._ask("COMMIT")

    def known(self, file: Path | str) -> tuple[int, str]:
        """Size in bytes, and the sha256 if the file was read before and has not changed since; else "".

        Raises
        ------
        OSError
            If there is no such file or folder, or it is something else.
        """
        state = os.stat(file)
        if stat.S_ISDIR(state.st_mode):
            tree = trees.look(file)
            return tree.size, self._kept(os.fsencode(file), tree.stamp)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(file))
        return state.st_size, self._kept(os.fsencode(file), _stamp(state))

    def of(self, file: Path | str, *, afresh: bool = False) -> tuple[int, str]:
        """Size in bytes and sha256 of a file's content; of a folder as `folder` has them.

        Parameters
        ----------
        afresh
            Read the file even if it seems to be as it was.

        Raises
        ------
        HashingStopped
            If `stopped` said so while it was read.
        OSError
            If it cannot be read, or is neither a regular file nor a folder: a pipe would never end.
        """
        state = os.stat(file)
        if stat.S_ISDIR(state.st_mode):
            tree, sha256 = self.folder(file, afresh=afresh)
            return tree.size, sha256
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(file))
        key = os.fsencode(file)
        known = "" if afresh else self._kept(key, _stamp(state))
        if known:
            return state.st_size, known
        with open_regular(file, follow_links=True) as stream:
            sha256 = sha256_of(stream, self.stopped)
            after = os.fstat(stream.fileno())
        if _stamp(after) == _stamp(state):  # else it was written meanwhile, and the digest is of neither state
            self._keep(key, _stamp(state), sha256)
        return after.st_size, sha256

    def folder(self, place: Path | str, *, afresh: bool = False) -> tuple[trees.Tree, str]:
        """What is in a folder, and the digest of its content.

        Raises
        ------
        HashingStopped
            If `stopped` said so while it was read.
        OSError
            If it cannot be read, or has no digest.
        """
        tree, key = trees.look(place), os.fsencode(place)
        known = "" if afresh else self._kept(key, tree.stamp)
        if known:
            return tree, known
        _, sha256 = trees.digest(place, tree, self.stopped)
        self._keep(key, tree.stamp, sha256)
        return tree, sha256

    def _kept(self, key: bytes, stamp: str) -> str:
        found = self._ask("SELECT sha256, stamp FROM sums WHERE path = ?", key)
        return next((str(sha256) for sha256, before in found if before == stamp), "")

    def _keep(self, key: bytes, stamp: str, sha256: str) -> None:
        # At once also inside of `many`: it may have taken minutes to compute.
        is_reading = self._db.in_transaction
        if is_reading:
            self._ask("COMMIT")
        self._ask("INSERT OR REPLACE INTO sums VALUES (?,?,?)", key, stamp, sha256)
        if is_reading:
            self._ask("BEGIN")

    def _ask(self, sql: str, *arguments: str | bytes) -> list[tuple[str, ...]]:
        try:
            return self._db.execute(sql, arguments).fetchall()
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            return self._anew(":memory:", sql, *arguments)
        except sqlite3.DatabaseError:
            with suppress(OSError):
                self._file.unlink()
            return self._anew(self._file, sql, *arguments)

    def _anew(self, place: Path | str, sql: str, *arguments: str | bytes) -> list[tuple[str, ...]]:
        self._db.close()
        self._db = _connect(place)
        for statement in _SETUP:
            self._db.execute(statement)
        return self._db.execute(sql, arguments).fetchall()

    def close(self) -> None:
        self._db.close()


def _connect(file: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)


def _stamp(state: os.stat_result) -> str:
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}"
