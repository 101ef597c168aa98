"""Chunks: jobs that are run together somewhere else, handed over and answered through files.

A chunk is a file of jobs in a folder that the worker's machine sees too. Each worker that
takes it up appends to a journal of its own what it starts and how that ended; the journal's
name holds the number of the attempt and is made by exactly one worker, so two that run the
same chunk, since each was believed dead, cannot be taken for one another.

A line of a journal is the crc32 of its JSON, a blank, and the JSON, as in the journal of a run.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import msgspec
from msgspec import Struct

from stoa.durable import append_whole, body_of_line, checked_line, open_shared, sync_folder, write_hint, write_whole
from stoa.errors import StoaError
from stoa.exec.liveness import Owner, alive
from stoa.model import Job, Outcome

FOLDER = "chunks"
SYNC_EVERY_S = 0.05
SIGN_OF_LIFE_S = 30.0
SILENT_S = 300.0
"""A worker of another machine counts as gone when its journal was not touched for so long."""

_JOURNAL = re.compile(r"([0-9]{5,})\.([0-9]+)\.journal")


class ChunkError(StoaError):
    """A chunk that cannot be written or read."""


class Began(Struct, frozen=True, tag="began", tag_field="k"):
    """First line: who took the chunk up."""

    owner: Owner
    worker: str  # in the engine's words: "slurm 1234_5 on node7"
    time: str


class Started(Struct, frozen=True, tag="start", tag_field="k"):
    """A job is about to run."""

    target: str
    group: str
    time: str


class Ended(Struct, frozen=True, tag="end", tag_field="k"):
    """A job ended."""

    outcome: Outcome


class Done(Struct, frozen=True, tag="done", tag_field="k"):
    """Last line: every job of the chunk has an outcome, in this journal or an earlier one."""


Entry = Began | Started | Ended | Done
_DECODER = msgspec.json.Decoder(Entry)


class _Written(Struct, frozen=True):
    """A chunk as it is in its file: what the environs of all jobs have in common is there once."""

    environ: dict[str, str]
    jobs: tuple[Job, ...]


_CHUNK = msgspec.msgpack.Decoder(_Written)


def write_chunk(folder: Path, number: int, jobs: Iterable[Job]) -> None:
    """Write the jobs of a chunk, durably.

    Raises
    ------
    ChunkError
        If the disk is full or refuses.
    """
    given = tuple(jobs)
    common = dict(set.intersection(*(set(job.environ.items()) for job in given)))
    bare = tuple(
        msgspec.structs.replace(job, environ={k: v for k, v in job.environ.items() if k not in common}) for job in given
    )
    write_file(_chunk_file(folder, number), msgspec.msgpack.encode(_Written(common, bare)))


def read_chunk(folder: Path, number: int) -> tuple[Job, ...]:
    """The jobs of a chunk.

    Raises
    ------
    ChunkError
        If there is no such chunk, which is so when its run is over, or its file is damaged.
    """
    file = _chunk_file(folder, number)
    try:
        found = _CHUNK.decode(file.read_bytes())
    except FileNotFoundError:
        raise ChunkError(f"there is no chunk {number} any more: its run is over ({file})") from None
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as problem:
        raise ChunkError(f"chunk {number} cannot be read: {problem} ({file})") from None
    return tuple(msgspec.structs.replace(job, environ=found.environ | job.environ) for job in found.jobs)


def write_file(file: Path, data: bytes) -> None:
    """Put a file in its place at once and durably.

    Raises
    ------
    ChunkError
        If the disk is full or refuses.
    """
    try:
        write_whole(file, data, durable=True)
    except OSError as problem:
        raise ChunkError(f"cannot write {file}: {problem.strerror}", write_hint(problem)) from None


def _chunk_file(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.jobs"


def as_attempt(job: Job, attempt: int) -> Job:
    """The job in directories of its own, since an earlier attempt may still write to the first ones."""
    if attempt == 1:
        return job
    mark = f"~{attempt}"  # no name of a target or image group has it
    old = re.compile(re.escape(job.work) + r"(?![\w.+~-])")
    work = job.work + mark
    description = json.loads(job.description)
    description |= {"attempt": attempt} | ({"out": work} if "out" in description else {})
    return msgspec.structs.replace(
        job, attempt=attempt, work=work, place=job.place + mark, failed_place=job.failed_place + mark,
        place_ref=job.place_ref + mark, failed_ref=job.failed_ref + mark if job.failed_ref else "",
        argv=tuple(old.sub(lambda _: work, word) for word in job.argv),
        environ={name: old.sub(lambda _: work, value) for name, value in job.environ.items()},
        description=json.dumps(description).encode(),
    )  # fmt: skip


class ChunkJournal:
    """One worker's journal of one chunk.

    Parameters
    ----------
    worker
        Who it is, in the engine's words.

    Raises
    ------
    ChunkError
        If it cannot be written.
    """

    def __init__(self, folder: Path, number: int, worker: str, time_: str) -> None:
        self.file, self._descriptor, self.attempt = _make(folder, number)
        self._dirty = threading.Event()
        self._closing = False
        self._problem: OSError | None = None
        self.append(Began(Owner.here(), worker, time_))
        self.sync()
        sync_folder(folder)
        self._syncer = threading.Thread(target=self._sync_often, name="stoa-chunk", daemon=True)
        self._syncer.start()

    def append(self, entry: Entry) -> None:
        """Write an entry; it is on disk a tenth of a second later, or when `sync` returns."""
        try:
            if self._problem:
                raise self._problem
            append_whole(self._descriptor, checked_line(msgspec.json.encode(entry)))
        except OSError as problem:
            raise self._failed(problem) from None
        self._dirty.set()

    def sync(self) -> None:
        """Return when everything appended so far is on disk."""
        self._dirty.clear()
        try:
            os.fdatasync(self._descriptor)
        except OSError as problem:
            raise self._failed(problem) from None

    def close(self) -> None:
        """Let go of it; what is in it stays."""
        self._closing = True
        self._dirty.set()
        self._syncer.join()
        with suppress(OSError):
            os.fdatasync(self._descriptor)
        os.close(self._descriptor)

    def _failed(self, problem: OSError) -> ChunkError:
        self._problem = problem
        return ChunkError(f"cannot write {self.file}: {problem.strerror}", write_hint(problem))

    def _sync_often(self) -> None:
        while not self._closing:
            try:
                if self._dirty.wait(SIGN_OF_LIFE_S):
                    self.sync()
                else:
                    os.utime(self._descriptor)  # for those who cannot see this process
            except (ChunkError, OSError):
                return  # the next `append` says so
            time.sleep(SYNC_EVERY_S)


def _make(folder: Path, number: int) -> tuple[Path, int, int]:
    """The first journal of the chunk that no one has made."""
    for attempt in count(1):
        file = journal_file(folder, number, attempt)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL
        try:
            return file, open_shared(file, flags), attempt
        except FileExistsError:
            continue
        except OSError as problem:
            raise ChunkError(f"cannot write {file}: {problem.strerror}", write_hint(problem)) from None
    raise AssertionError


def entries(data: bytes) -> Iterator[Entry]:
    """The whole lines of a journal; what is damaged or torn is left out."""
    for text in data.split(b"\n"):
        if (body := body_of_line(text)) is not None:
            with suppress(msgspec.DecodeError, msgspec.ValidationError):
                yield _DECODER.decode(body)


class ChunkState(Struct):
    """What the journals of one chunk have said so far."""

    done: bool = False
    attempts: dict[int, Began | None] = {}
    started: dict[tuple[str, str], str] = {}  # target and image group -> time of the last start


class ChunkReader:
    """Reads the journals of a folder as they grow.

    Parameters
    ----------
    folder
        That holds the chunks; it may be gone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chunks: dict[int, ChunkState] = {}
        self._read: dict[tuple[int, int], int] = {}  # bytes of each journal that were taken

    def read(self) -> list[Outcome]:
        """The outcomes that came since the last time, each attempt once."""
        return [outcome for _, outcome in self.news()]

    def news(self) -> list[tuple[int, Outcome]]:
        """Chunk and outcome of what came since the last time; a chunk that is done is not read further."""
        found: list[tuple[int, Outcome]] = []
        for number, attempt in journals(self.folder):
            if number in self.chunks and self.chunks[number].done and (number, attempt) in self._read:
                continue
            try:
                with journal_file(self.folder, number, attempt).open("rb") as stream:
                    stream.seek(self._read.get((number, attempt), 0))
                    found += [(number, outcome) for outcome in self.take(number, attempt, stream.read())]
            except OSError:
                continue
        return found

    def take(self, number: int, attempt: int, data: bytes) -> list[Outcome]:
        """Take what is in a journal behind that what was taken before."""
        whole = data.rfind(b"\n") + 1
        self._read[number, attempt] = self._read.get((number, attempt), 0) + whole
        state = self.chunks.setdefault(number, ChunkState())
        state.attempts.setdefault(attempt, None)
        found = []
        for entry in entries(data[:whole]):
            match entry:
                case Began():
                    state.attempts[attempt] = entry
                case Started():
                    state.started[entry.target, entry.group] = entry.time
                case Ended(outcome=outcome):
                    found.append(outcome)
                case Done():
                    state.done = True
        return found

    def position(self, number: int, attempt: int) -> int:
        """How many bytes of a journal were taken."""
        return self._read.get((number, attempt), 0)

    def has_worker(self, number: int) -> bool:
        """Whether a process that took the chunk up is at it, as far as can be seen from here.

        One that took it up since the journals were read is taken to be at it, until they are read again.
        """
        state = self.chunks.get(number, ChunkState())
        if state.done:
            return False
        if journal_file(self.folder, number, max(state.attempts, default=0) + 1).exists():
            return True
        return any(self._lives(number, attempt, began) for attempt, began in state.attempts.items())

    def _lives(self, number: int, attempt: int, began: Began | None) -> bool:
        verdict = alive(began.owner) if began else None
        if verdict is not None:
            return verdict
        try:
            touched = journal_file(self.folder, number, attempt).stat().st_mtime
        except OSError:
            return False
        return time.time() - touched < SILENT_S


def journal_file(folder: Path, number: int, attempt: int) -> Path:
    """The journal of an attempt at a chunk."""
    return folder / f"{number:05d}.{attempt}.journal"


def journals(folder: Path) -> list[tuple[int, int]]:
    """Chunk and attempt of every journal."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted((int(found[1]), int(found[2])) for found in map(_JOURNAL.fullmatch, names) if found)


def chunk_numbers(folder: Path) -> list[int]:
    """The numbers of the chunks."""
    try:
        return sorted(int(name[:-5]) for name in os.listdir(folder) if name.endswith(".jobs") and name[:-5].isdecimal())
    except OSError:
        return []
