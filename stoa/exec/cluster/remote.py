"""What engines share that hand chunks of jobs to other machines: outcomes from journals, losses, leaving.

The journals beside the chunks are the record. A scheduler is only asked whether someone is
still at a chunk; that no one will end a job any more is an outcome too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from stoa.control import Control
from stoa.durable import make_folder
from stoa.errors import StoaError
from stoa.exec.cluster.chunks import (
    FOLDER,
    ChunkReader,
    as_attempt,
    journal_file,
    journals,
    read_chunk,
    write_chunk,
    write_file,
)
from stoa.exec.cluster.worker import CANCEL, DRAIN, STOP_FILE
from stoa.exec.job.folder import move_folder
from stoa.exec.job.log import excerpt
from stoa.exec.local import run_job
from stoa.model import SCHEMA, Job, Outcome, Status
from stoa.opening import NotRegularError, open_regular
from stoa.project import LOG_FILE

_LEFT = "left"
_LEAST_PAUSE_S, _MOST_PAUSE_S = 0.02, 0.5
_FIRST_QUESTION_S, _MOST_QUESTION_S = 2.0, 30.0


class Loss(Struct, frozen=True):
    """Why a chunk will not be worked on any more."""

    cause: str
    running: Status = Status.INTERRUPTED  # of the jobs that were at work then
    had_its_time: bool = False  # then a job from the chunk's beginning counts as a timeout


class Placed(Struct, frozen=True):
    """Chunks that are ready."""

    folder: Path
    count: int


def chunk_folder(spool: Path, run: str) -> Path:
    """The folder of a run's chunks."""
    return spool / run / FOLDER


def place_chunks(spool: Path, jobs: Iterable[Job], size: int) -> Placed | None:
    """Write all jobs as chunks of at most `size`; None if there is no job."""
    folder: Path | None = None
    waiting: list[Job] = []
    count = 0
    for job in jobs:
        if folder is None:
            folder = chunk_folder(spool, job.run)
            make_folder(folder)
        waiting.append(job)
        if len(waiting) == size:
            write_chunk(folder, count, waiting)
            waiting, count = [], count + 1
    if folder is None:
        return None
    if waiting:
        write_chunk(folder, count, waiting)
        count += 1
    return Placed(folder, count)


def never_started(placed: Placed, control: Control) -> Generator[Outcome, None, None]:
    """The outcomes of jobs that were placed and are not handed to anybody, since the user has stopped the run."""
    for number in range(placed.count):
        for job in read_chunk(placed.folder, number):
            yield run_job(job, control)


class Follower:
    """Gives the outcomes of chunks as the journals tell of them.

    An attempt that was interrupted is held back until no one will try its chunk again: where
    another attempt came to an end, that one counts.

    Parameters
    ----------
    numbers
        Of the chunks to follow.
    """

    def __init__(self, folder: Path, numbers: Iterable[int], at_once: int = 1) -> None:
        self.reader = ChunkReader(folder)
        self.folder = folder
        self.open = set(numbers)
        self._at_once = at_once
        self._held: dict[int, list[Outcome]] = {}

    def read(self) -> list[Outcome]:
        """What has ended since the last time."""
        return self._sorted_out(self.reader.news())

    def take(self, number: int, attempt: int, journal: bytes) -> list[Outcome]:
        """What a journal says that came by another way than through the file system."""
        rest = journal[self.reader.position(number, attempt) :]
        return self._sorted_out([(number, outcome) for outcome in self.reader.take(number, attempt, rest)])

    def lose(self, number: int, loss: Loss) -> list[Outcome]:
        """Close a chunk that no one will work on: every job of it that has no outcome gets one."""
        found = self.read()
        if number not in self.open:
            return found
        try:
            jobs = read_chunk(self.folder, number)
        except StoaError:
            jobs = ()
        state = self.reader.chunks.get(number)
        attempt = max(state.attempts, default=1) if state else 1
        ended = {(o.target, o.group) for o in self._all(number)}
        started = {key: when for key, when in state.started.items() if key not in ended} if state else {}
        running = list(started)[: self._at_once]
        first = {(job.target, job.group) for job in jobs[: self._at_once]}
        for job in jobs:
            key = (job.target, job.group)
            if key in ended:
                continue
            status = Status.INTERRUPTED
            if key in running:
                status = Status.TIMEOUT if loss.had_its_time and key in first else loss.running
            cause = loss.cause if key in running else f"{loss.cause} before it started"
            found.append(_lost(as_attempt(job, attempt), status, cause, started.get(key, "")))
        return found + self._close(number)

    def _sorted_out(self, news: Iterable[tuple[int, Outcome]]) -> list[Outcome]:
        found = []
        for number, outcome in news:
            if number not in self.open:
                continue
            if outcome.status is Status.INTERRUPTED:
                self._held.setdefault(number, []).append(outcome)
            else:
                found.append(outcome)
        for number in [number for number in self.open if self._is_done(number)]:
            found += self._close(number)
        return found

    def _is_done(self, number: int) -> bool:
        state = self.reader.chunks.get(number)
        return state is not None and state.done

    def _close(self, number: int) -> list[Outcome]:
        """Follow a chunk no longer; gives the interrupted attempts after which none came to an end earlier."""
        self.open.discard(number)
        held = self._held.pop(number, [])
        if not held:
            return []
        ends = {(o.target, o.group): o.attempt for o in self._all(number) if o.status is not Status.INTERRUPTED}
        return [o for o in held if ends.get((o.target, o.group), o.attempt) >= o.attempt]

    def _all(self, number: int) -> list[Outcome]:
        """Every outcome that the journals of a chunk hold."""
        reader, found = ChunkReader(self.folder), []
        for chunk, attempt in journals(self.folder):
            if chunk == number:
                with suppress(OSError):
                    found += reader.take(chunk, attempt, journal_file(self.folder, chunk, attempt).read_bytes())
        return found


def _lost(job: Job, status: Status, cause: str, start: str) -> Outcome:
    place, log = _remains(job) if start else ("", "")
    return Outcome(
        schema=SCHEMA, run=job.run, target=job.target, group=job.group, attempt=job.attempt, status=status,
        cause=cause, start=start, inputs=job.inputs,
        meta=job.meta, environment=job.environment, environment_reason=job.environment_reason,
        overrides=job.overrides, place=place, log=log,
    )  # fmt: skip


def _remains(job: Job) -> tuple[str, str]:
    """Place and log of what a job has left; its directory is kept as that of a failed job is."""
    try:
        if os.path.isdir(job.work):
            move_folder(job.work, job.failed_place)
        if not os.path.isdir(job.failed_place):
            return "", ""
        with open_regular(os.path.join(job.failed_place, LOG_FILE), follow_links=False) as file:
            return job.failed_ref, excerpt(file.fileno())
    except (OSError, NotRegularError):
        return "", ""


def follow(
    follower: Follower,
    control: Control,
    ask: Callable[[], Mapping[int, Loss]],
    cancel: Callable[[], None],
    leave: Callable[[], None] | None = None,
) -> Generator[Outcome, None, None]:
    """The outcomes of chunks that were handed over, until all have one or the user leaves.

    Parameters
    ----------
    ask
        Gives the chunks that are lost; called at growing intervals.
    cancel
        Ends the jobs; called once, when the control says so.
    leave
        Called instead when no further job is to be started: the jobs continue without us.
    """
    pause_s, question_s = _LEAST_PAUSE_S, _FIRST_QUESTION_S
    next_question = time.monotonic() + question_s
    cancelled = False
    while True:
        news = follower.read()
        yield from news
        if not follower.open:
            return
        if control.cancelled and not cancelled:
            cancel()
            cancelled, question_s, next_question = True, _FIRST_QUESTION_S, 0.0
        elif leave and control.draining and not cancelled:
            leave()
            return
        if time.monotonic() >= next_question:
            for number, loss in ask().items():
                yield from follower.lose(number, loss)
            question_s = min(1.5 * question_s, _MOST_QUESTION_S)
            next_question = time.monotonic() + question_s
        elif not news:
            time.sleep(pause_s)
        pause_s = _LEAST_PAUSE_S if news else min(1.5 * pause_s, _MOST_PAUSE_S)


def tell_workers(folder: Path, *, at_once: bool) -> None:
    """Have the workers of these chunks begin no further job, or end those that run too."""
    write_file(folder / STOP_FILE, (CANCEL if at_once else DRAIN).encode())


def leave_behind(folder: Path) -> None:
    """Note that who has started the run is gone by intention."""
    write_file(folder / _LEFT, b"")


def is_left(folder: Path) -> bool:
    """Whether the run continues without who has started it."""
    return (folder / _LEFT).exists()


def gone_for_s(folder: Path, gone: Collection[int], candidates: Iterable[int]) -> dict[int, float]:
    """For how long each chunk is known to have no one at it; what is not gone is forgotten.

    A file of each keeps the time, so that another command can continue the count.
    """
    found = {}
    for number in candidates:
        mark = folder / f"{number:05d}.gone"
        if number not in gone:
            mark.unlink(missing_ok=True)
            continue
        with suppress(OSError):
            if not mark.exists():
                mark.touch()
            found[number] = max(0.0, time.time() - mark.stat().st_mtime)
    return found
