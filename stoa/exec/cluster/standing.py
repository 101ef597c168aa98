"""How it is with runs whose jobs are elsewhere and whose STOA is gone: what has ended, who is at the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from stoa.exec.cluster.chunks import chunk_numbers
from stoa.exec.cluster.remote import Follower, Loss, tell_workers
from stoa.exec.cluster.slurm import (
    ALIVE,
    Element,
    SlurmError,
    Submission,
    ask,
    by_chunk,
    cancel,
    losses,
    read_submission,
)
from stoa.model import Outcome

_ASK_EVERY_S = 2.0
NOBODY = Loss("STOA stopped, and with it who worked for it,")


class Standing(Struct, frozen=True, kw_only=True):
    """One run as its chunks tell."""

    outcomes: tuple[Outcome, ...]
    waiting: int  # chunks in the queue
    working: int  # chunks that someone is at
    open: int  # chunks whose jobs do not all have an outcome
    problem: str = ""  # why it is not known who is at the rest

    @property
    def over(self) -> bool:
        return not self.open


def standings(folders: Mapping[str, Path]) -> dict[str, Standing]:
    """The state of the runs, by name; there is at most one question to the scheduler for all of them.

    Parameters
    ----------
    folders
        Of the chunks.
    """
    submissions = {run: found for run, folder in folders.items() if (found := read_submission(folder))}
    followers = {
        run: Follower(folder, chunk_numbers(folder), submissions[run].at_once if run in submissions else 1)
        for run, folder in folders.items()
    }
    ended = {run: follower.read() for run, follower in followers.items()}
    open_ = tuple(submissions[run] for run, follower in followers.items() if follower.open and run in submissions)
    known, problem = _known(open_, int(time.monotonic() / _ASK_EVERY_S)) if open_ else ((), "")
    return {
        run: _standing(follower, submissions.get(run), ended[run], known, problem)
        for run, follower in followers.items()
    }


@lru_cache(maxsize=4)
def _known(submissions: tuple[Submission, ...], _moment: int) -> tuple[tuple[Element, ...], str]:
    """What the queue says, or why it says nothing; a command that looks several times asks once."""
    try:
        return tuple(ask(submissions)), ""
    except SlurmError as refused:
        return (), refused.message


def _standing(
    follower: Follower, submission: Submission | None, ended: list[Outcome], known: tuple[Element, ...], problem: str
) -> Standing:
    queue = by_chunk(submission, known) if submission else {}
    if submission is None:
        lost = {number: NOBODY for number in follower.open if not follower.reader.has_worker(number)}
        problem = ""
    else:
        lost = {} if problem else losses(submission, follower.folder, known, follower.open)
    outcomes = list(ended)
    for number, loss in lost.items():
        outcomes += follower.lose(number, loss)
    waiting = sum(queue[number].state == "PENDING" for number in follower.open if number in queue)
    alive = sum(queue[number].state in ALIVE for number in follower.open if number in queue)
    working = alive - waiting if submission else len(follower.open)
    return Standing(
        outcomes=tuple(outcomes), waiting=waiting, working=working, open=len(follower.open),
        problem=problem if follower.open else "",
    )  # fmt: skip


def stop_chunks(folder: Path, *, at_once: bool) -> None:
    """Take what waits from the queue and have the workers begin no further job, or end everything.

    Raises
    ------
    SlurmError
        If the scheduler cannot be reached; the workers hear of it all the same.
    """
    tell_workers(folder, at_once=at_once)
    submission = read_submission(folder)
    if submission:
        cancel(submission, at_once=at_once)
