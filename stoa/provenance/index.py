"""The index: a SQLite file that answers questions about records, rebuilt from git at any time.

It is keyed by the object ids that it has read, so that an update reads only what is new.
Nothing is stored in it that git does not hold: a file that another version wrote, that is
damaged or half written, is made again, and where none can be written it is kept in memory.
The tables are described in ``docs/index-schema.md``.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from stoa.durable import make_file, make_folder
from stoa.errors import StoaError
from stoa.model import Outcome, Run, Summary
from stoa.provenance.closed import ClosedRuns
from stoa.provenance.git import Snapshot
from stoa.provenance.loader import Loader, MetaReader
from stoa.provenance.schema import VERSION, creation

__all__ = ["Index", "MetaReader", "QueryError", "decode_outcome", "decode_run", "decode_summary"]

WAIT_S = 120.0
"""How long to wait for another person's update; the first one of a million outcomes takes half a minute."""

QUERY_S = 20.0
"""How long a query may take that someone typed; shorter than an update waits for its readers."""

MOST_CHOICES = 10
"""For this many processes the jobs of the documents are remembered."""

MOST_ROWS = 1_000_000
MOST_BYTES = 250_000
"""Of one value in a query: one call of a function is one step of SQLite, which nothing can stop."""

_LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES),
    (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),  # each byte of it is compared at each place of a value
)
_STEPS = 100_000  # of SQLite's machine between two looks at the clock: some milliseconds
_PAGE = 8192  # holds some records of usual length
_CACHE_KB = 16_000
_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NO_WRITING = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_TRIES = 5
_MEMORY = ":memory:"
_MODULUS = 1 << 256  # of hashes of rows, which are added
T = TypeVar("T")


class QueryError(StoaError):
    """An SQL expression that cannot be answered."""


class Index:
    """Questions about the records of one project.

    Parameters
    ----------
    file
        The SQLite file; made where it is missing, made again where it was written by another version.
    meta_columns
        Name and SQLite type of the metadata columns.
    reader
        Version of what `MetaReader` gives.
    """

    def __init__(self, file: Path, meta_columns: Mapping[str, str], reader: str = "") -> None:
        self._file = file
        self._columns = dict(meta_columns)
        self._stamp = crc32(json.dumps([VERSION, reader, sorted(meta_columns.items())]).encode()) & 0x7FFFFFFF
        self._source: tuple[Snapshot, str, MetaReader, ClosedRuns | None] | None = None
        self.connection = self._open()

    # The file.

    def _open(self) -> sqlite3.Connection:
        try:
            make_folder(self._file.parent)
            make_file(self._file)
            return self._opened(str(self._file))
        except OSError:
            return self._opened(_MEMORY)
        except sqlite3.DatabaseError as problem:
            if _code(problem) == sqlite3.SQLITE_BUSY:
                raise _waited() from None
            if _code(problem) in _NO_WRITING:
                return self._opened(_MEMORY)
        self._empty()
        return self._opened(str(self._file))

    def _opened(self, place: str) -> sqlite3.Connection:
        connection = sqlite3.connect(place, timeout=WAIT_S, isolation_level=None)
        try:
            self._prepare(connection)
            if place != _MEMORY:
                self._check_length(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA page_size = {_PAGE}")  # of a new file
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        if _stamp_of(connection) == self._stamp:
            return
        with _transaction(connection):
            if _stamp_of(connection) == self._stamp:  # someone else was faster
                return
            for kind, name in connection.execute("SELECT type, name FROM sqlite_master WHERE sql > ''").fetchall():
                connection.execute(f'DROP {kind} IF EXISTS "{name}"')
            for statement in creation(self._columns).split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self._stamp}")

    def _check_length(self, connection: sqlite3.Connection) -> None:
        """Raise if a page is cut off within: SQLite would take zeros for what is missing.

        While someone reads no one writes to the file, so its length is that of a whole state.
        """
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if self._file.stat().st_size % connection.execute("PRAGMA page_size").fetchone()[0]:
            raise sqlite3.DatabaseError("the file is cut off")
        connection.execute("ROLLBACK")

    def _empty(self) -> None:
        """Cut a damaged file to nothing, which SQLite takes for a new one.

        It is not replaced by another file: whoever still has the old one open would take the
        journal of the new one for its own.
        """
        with self._file.with_name(self._file.name + ".lock").open("w") as alone:
            fcntl.lockf(alone, fcntl.LOCK_EX)
            if not self._is_sound():  # someone else may have been faster
                os.truncate(self._file, 0)

    def _is_sound(self) -> bool:
        with suppress(sqlite3.DatabaseError), closing(self._opened(str(self._file))) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok")
        return False

    def _to_memory(self) -> None:
        memory = sqlite3.connect(_MEMORY, isolation_level=None)
        with suppress(sqlite3.Error):
            self.connection.backup(memory)
        self.connection.close()
        self._prepare(memory)
        self.connection = memory

    def close(self) -> None:
        self.connection.close()

    # Reading records into it.

    def update(self, snapshot: Snapshot, prefix: str, read_meta: MetaReader, closed: ClosedRuns | None = None) -> None:
        """Read what a commit holds and the index has not seen; nothing inside of `reading`.

        Parameters
        ----------
        prefix
            Path of `.stoa` in the repository.
        closed
            Tells which files in the folders of runs do not count; without it all do.
        """
        if not self.connection.in_transaction:
            self._source = snapshot, prefix, read_meta, closed
            self._mending(self._load, (*_DAMAGED, *_NO_WRITING, sqlite3.SQLITE_CONSTRAINT))

    def _load(self) -> None:
        if self._source is None:
            return
        loader = Loader(self.connection, *self._source, columns=list(self._columns))
        if not loader.is_current():
            with _transaction(self.connection):
                loader.load()

    def remember(self, process: str, choices: Mapping[str, bytes]) -> None:
        """Keep what was computed for documents (by object id) on behalf of a process; where that fails, do without."""
        if not choices:
            return
        rows = [(process, oid, jobs) for oid, jobs in choices.items()]
        with suppress(sqlite3.DatabaseError), _transaction(self.connection):
            known = {row[0] for row in self.connection.execute("SELECT DISTINCT process FROM choices")}
            if len(known | {process}) > MOST_CHOICES:
                self.connection.execute("DELETE FROM choices")
            self.connection.executemany("INSERT OR REPLACE INTO choices VALUES (?,?,?)", rows)

    def _mending(self, work: Callable[[], T], codes: tuple[int, ...]) -> T:
        """The work's result; where the file is in its way, that of a second try with another one."""
        try:
            return work()
        except sqlite3.DatabaseError as problem:
            code = _code(problem)
            if code == sqlite3.SQLITE_BUSY:
                raise _waited() from None
            if code not in codes:
                raise
        was_reading = self.connection.in_transaction
        if code in _NO_WRITING:
            self._to_memory()
        else:
            self.connection.close()
            self._empty()
            self.connection = self._open()
        self._load()
        if was_reading:
            self.connection.execute("BEGIN")
        return work()

    # Questions.

    def rows(self, sql: str, arguments: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        given = tuple(arguments)
        return self._mending(lambda: self.connection.execute(sql, given).fetchall(), _DAMAGED)

    def digest(self, sql: str) -> int:
        """A number that is the same for the same rows in any order; only one row is in memory at a time."""
        return self._mending(lambda: sum(map(_hash, self.connection.execute(sql))) % _MODULUS, _DAMAGED)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Questions in this block are answered from one state, whatever others commit meanwhile."""
        if self.connection.in_transaction:
            yield
            return
        self._begin()
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def _begin(self) -> None:
        """Begin to read the state that was asked for; a slower process may have put an older one there meanwhile."""
        for _ in range(_TRIES):
            self.connection.execute("BEGIN")
            if self._mending(self._is_current, _DAMAGED):
                return
            self.connection.execute("ROLLBACK")
            self._mending(self._load, (*_DAMAGED, *_NO_WRITING, sqlite3.SQLITE_CONSTRAINT))
        self.connection.execute("BEGIN")

    def _is_current(self) -> bool:
        return self._source is None or Loader(self.connection, *self._source, columns=list(self._columns)).is_current()

    def select(self, sql: str, arguments: Iterable[Any] = (), within_s: float = QUERY_S) -> tuple[list[str], list[Any]]:
        """Column names and rows of an SQL query that someone typed.

        The query can read and compute, and nothing else; it is stopped when its time is over.

        Raises
        ------
        QueryError
            If it is no SQL, would write, takes too long or gives too much.
        """
        given = tuple(arguments)
        try:
            names, rows = self._mending(lambda: self._ask(sql, given, within_s), _DAMAGED)
        except (sqlite3.Error, sqlite3.Warning, UnicodeEncodeError) as problem:
            raise _unanswered(_words(problem, within_s)) from None
        if not names:
            raise _unanswered("it is not a SELECT")
        if len(rows) > MOST_ROWS:
            raise _unanswered(f"it gives more than {MOST_ROWS} rows; say LIMIT")
        return names, rows

    def _ask(self, sql: str, arguments: tuple[Any, ...], within_s: float) -> tuple[list[str], list[Any]]:
        end = time.monotonic() + within_s
        connection = self.connection
        before = [(limit, connection.setlimit(limit, most)) for limit, most in _LIMITS]
        connection.set_authorizer(_read_only)
        connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            cursor = connection.execute(sql, arguments)
            rows = cursor.fetchmany(MOST_ROWS + 1)
            return [column[0] for column in cursor.description or ()], rows
        finally:
            connection.set_authorizer(None)
            connection.set_progress_handler(None, 0)
            for limit, value in before:
                connection.setlimit(limit, value)


def _stamp_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself when the disk is full
            connection.execute("ROLLBACK")
        raise


def _hash(row: tuple[Any, ...]) -> int:
    return int.from_bytes(blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=32).digest())


def _code(problem: sqlite3.Error) -> int:
    return getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _waited() -> StoaError:
    return StoaError(f"another command has kept the index for over {WAIT_S:.0f} s", "try again when it is done")


def _read_only(action: int, *details: Any) -> int:
    if action == sqlite3.SQLITE_FUNCTION and details[1] == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _unanswered(words: str) -> QueryError:
    return QueryError(f"this SQL cannot be answered: {words}", "docs/index-schema.md names the columns")


def _words(problem: Exception, within_s: float) -> str:
    said = str(problem)
    if "interrupted" in said:
        return f"it takes longer than {within_s:g} s"
    if "number of bindings" in said:
        return "it has a placeholder (? or :name): write the value itself, a text in single quotes"
    return f"it may only read ({said})" if "not authorized" in said or "authorization denied" in said else said


_OUTCOME = msgspec.json.Decoder(Outcome)


def decode_run(text: str) -> Run:
    """A run from the index's JSON."""
    return msgspec.json.decode(text, type=Run)


def decode_summary(text: str) -> Summary:
    """A summary from the index's JSON."""
    return msgspec.json.decode(text, type=Summary)


def decode_outcome(text: str) -> Outcome:
    """An outcome from the index's JSON."""
    return _OUTCOME.decode(text)
