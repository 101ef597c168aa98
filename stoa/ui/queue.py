"""Where a reviewer is in a queue of jobs; the place is a name and not a number, so that no news moves it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Job(NamedTuple):
    """A target, and an image group of it or ""."""

    target: str
    group: str

    @property
    def words(self) -> str:
        """As it is in the address: names of targets have no blanks."""
        return f"{self.target} {self.group}".strip()


def place_of(queue: Sequence[Job], at: str, before: Sequence[Job] = ()) -> int:
    """The number of a job in the queue.

    Parameters
    ----------
    at
        The job as in the address; of a target alone its first image group.
    before
        The queue as it was shown last: if the job has left it, the first one after it that is still there takes its
        place.
    """
    for number, job in enumerate(queue):
        if at in (job.words, job.target):
            return number
    old = next((number for number, job in enumerate(before) if at in (job.words, job.target)), None)
    if old is not None:
        places = {job: number for number, job in enumerate(queue)}
        for job in before[old:]:
            if job in places:
                return places[job]
        return len(queue) - 1
    return 0


def step(queue: Sequence[Job], at: int, by: int) -> int:
    """The number of the next or previous job; the ends hold."""
    return max(0, min(len(queue) - 1, at + by))


def next_open(queue: Sequence[Job], at: int, judged: Collection[str]) -> int | None:
    """The number of the next job, from here and then from the start, whose target is not judged; None where all are."""
    order = [*range(at + 1, len(queue)), *range(at)]
    return next((number for number in order if queue[number].target not in judged), None)
