"""The engine `slurm`: chunks of jobs as elements of job arrays.

Nothing of STOA need stay alive while they run: the workers write outcomes beside the chunks,
and any later command puts them into git. Slurm gets one question only, for all elements at
once: whether someone is still at a chunk. `squeue` is enough for that; `sacct` gives the
reason where Slurm keeps accounts.

Its jobs are never requeued: Slurm starts a job of a lost node again while the first one still
runs. What is lost is an outcome, and the next run tries it again.
"""

from __future__ import annotations

import math
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Generator, Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from stoa.control import Control
from stoa.errors import StoaError
from stoa.exec.cluster.chunks import write_file
from stoa.exec.cluster.remote import (
    Follower,
    Loss,
    Placed,
    follow,
    gone_for_s,
    leave_behind,
    never_started,
    place_chunks,
    tell_workers,
)
from stoa.model import Job, Outcome, Status
from stoa.project import SlurmSettings

RECORD = "slurm.json"
_COMMAND_S = 60.0
_WARNING_S = 60  # before a walltime that only Slurm knows

ALIVE = frozenset({
    "PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD",
    "RESIZING", "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT", "STOPPED", "RESV_DEL_HOLD", "POWER_UP_NODE",
})  # fmt: skip
"""States of squeue(1) in which an element waits, runs or ends; every other one is final."""

REASONS: dict[str, Loss] = {
    "COMPLETED": Loss("{} ended and left no outcome"),
    "FAILED": Loss("{} failed"),
    "CANCELLED": Loss("{} was cancelled"),
    "TIMEOUT": Loss("the walltime of {} was over", had_its_time=True),
    "DEADLINE": Loss("the deadline of {} was over"),
    "NODE_FAIL": Loss("the node of {} was lost"),
    "BOOT_FAIL": Loss("the node of {} did not start"),
    "PREEMPTED": Loss("{} was preempted"),
    "REVOKED": Loss("{} was revoked"),
    "OUT_OF_MEMORY": Loss("{} had no memory left", running=Status.KILLED),
}
"""What a final state means for the jobs of an element."""

UNKNOWN = Loss("{} is gone without an outcome (its node was lost, or its worker killed)")


class SlurmError(StoaError):
    """A command of Slurm that is missing or refuses."""


class Submission(Struct, frozen=True, kw_only=True):
    """What was handed to Slurm for a run; written before, so that no crash can lose it."""

    run: str
    chunks: int
    most_elements: int  # of one array
    at_once: int  # jobs of one element
    settle_s: float
    time: float  # seconds since the epoch

    @property
    def names(self) -> list[str]:
        """Names of the arrays, by which they are found again."""
        return [job_name(self.run, part) for part in range(math.ceil(self.chunks / self.most_elements))]


REST = -1


class Element(Struct, frozen=True):
    """A line of squeue or sacct."""

    array: str  # name
    index: int  # REST: all without a line of their own
    state: str
    job: str  # 1234: of the array as a whole


def job_name(run: str, part: int) -> str:
    """Name of an array."""
    return f"stoa-{run}-{part}"


# Texts.


def batch_script(settings: SlurmSettings, folder: Path, first: int) -> str:
    """What each element runs; its chunk is its index after `first`."""
    python = settings.python or sys.executable
    words = [python, "-P", "-m", "stoa.exec.cluster.worker", str(folder)]
    walltime = f" --walltime {settings.walltime_s:g}" if settings.walltime_s else ""
    command = f"{shlex.join(words)} $(({first} + SLURM_ARRAY_TASK_ID)) --at-once {settings.cpus}{walltime}"
    return f"#!/bin/sh\n# The worker takes the place of this shell, so that signals reach it.\nexec {command}\n"


def sbatch_command(settings: SlurmSettings, name: str, elements: int, most_running: int, folder: Path) -> list[str]:
    """The call of sbatch, which reads the script from standard input.

    Parameters
    ----------
    most_running
        Elements that run at once; 0: as many as Slurm lets.
    """
    limit = f"%{most_running}" if most_running else ""
    words = [
        "sbatch", "--parsable", "--no-requeue", f"--job-name={name}", f"--array=0-{elements - 1}{limit}",
        "--nodes=1", "--ntasks=1", f"--cpus-per-task={settings.cpus}", f"--chdir={folder}",
        f"--output={folder}/%A_%a.log",
    ]  # fmt: skip
    if settings.partition:
        words.append(f"--partition={settings.partition}")
    if settings.account:
        words.append(f"--account={settings.account}")
    if settings.walltime_s:
        words.append(f"--time={walltime_text(settings.walltime_s)}")
    else:
        words.append(f"--signal=B:USR1@{_WARNING_S}")
    return [*words, *settings.options]


def walltime_text(seconds: float) -> str:
    """Days, hours and minutes, rounded up, as ``--time`` takes them."""
    minutes = max(1, math.ceil(seconds / 60))
    return f"{minutes // 1440}-{minutes % 1440 // 60:02d}:{minutes % 60:02d}:00"


def squeue_command(names: Iterable[str]) -> list[str]:
    """The question for all elements of these arrays."""
    return [
        "squeue", "--noheader", "--array", "--states=all", f"--name={','.join(names)}", "--format=%j|%K|%T|%F"
    ]  # fmt: skip


def read_squeue(text: str) -> list[Element]:
    """Elements of `squeue_command`; lines of another form are left out.

    What was cancelled before it ran is on one line for the whole array, with ``N/A`` for the index.
    """
    found = []
    for line in text.splitlines():
        fields = line.strip().split("|")
        if len(fields) == 4 and (fields[1].isdecimal() or fields[1] == "N/A"):
            index = int(fields[1]) if fields[1].isdecimal() else REST
            found.append(Element(fields[0], index, fields[2], fields[3]))
    return found


def sacct_command(names: Iterable[str], since: float) -> list[str]:
    """The question what became of elements that the queue has forgotten."""
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since - 60))
    return [
        "sacct", "--noheader", "--parsable2", "--allocations", f"--starttime={start}", f"--name={','.join(names)}",
        "--format=JobName,JobID,State",
    ]  # fmt: skip


def read_sacct(text: str) -> list[Element]:
    """Elements of `sacct_command`; ``CANCELLED by 1000`` is CANCELLED."""
    found = []
    for line in text.splitlines():
        fields = line.strip().split("|")
        job, _, index = fields[1].partition("_") if len(fields) == 3 else ("", "", "")
        if index.isdecimal() and fields[2]:
            found.append(Element(fields[0], int(index), fields[2].split()[0].rstrip("+"), job))
    return found


def by_chunk(submission: Submission, elements: Iterable[Element]) -> dict[int, Element]:
    """Elements of one run by the chunk that they work on."""
    firsts = {name: part * submission.most_elements for part, name in enumerate(submission.names)}
    mine = [element for element in elements if element.array in firsts]
    found = {firsts[each.array] + each.index: each for each in mine if each.index != REST}
    for rest in (each for each in mine if each.index == REST):
        first = firsts[rest.array]
        for number in range(first, min(first + submission.most_elements, submission.chunks)):
            found.setdefault(number, msgspec.structs.replace(rest, index=number - first))
    return found


# Commands.


def _call(words: list[str], stdin: str | None = None) -> str:
    try:
        done = subprocess.run(
            words, input=stdin if stdin is not None else "", capture_output=True, encoding="utf-8",
            errors="replace", timeout=_COMMAND_S, check=False, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise SlurmError(
            f"the command {words[0]} is not there", "is this a machine of the cluster? (`module load slurm`)"
        ) from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{words[0]} has not answered for {_COMMAND_S:g} s", "try again later") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise SlurmError(f"{words[0]} refuses: {said or f'exit code {done.returncode}'}")
    return done.stdout


def ask(submissions: Collection[Submission]) -> list[Element]:
    """The elements of all these runs that Slurm knows, with one question.

    Raises
    ------
    SlurmError
        If it cannot be asked; then nothing is known.
    """
    return read_squeue(_call(squeue_command(name for each in submissions for name in each.names)))


def _accounts(submission: Submission) -> list[Element]:
    """What the accounts say; nothing where there are none."""
    if not shutil.which("sacct"):
        return []
    try:
        return read_sacct(_call(sacct_command(submission.names, submission.time)))
    except SlurmError:
        return []


def losses(submission: Submission, folder: Path, known: Iterable[Element], open_: Collection[int]) -> dict[int, Loss]:
    """Which of the open chunks no one will end any more, and why.

    What a node wrote may be seen here some time after its job has gone from the queue; a chunk
    is lost only when that time is over.
    """
    queue = by_chunk(submission, known)
    gone = {number for number in open_ if number not in queue or queue[number].state not in ALIVE}
    lost = [number for number, s in gone_for_s(folder, gone, open_).items() if s >= submission.settle_s]
    forgotten = [number for number in lost if number not in queue]
    accounts = by_chunk(submission, _accounts(submission)) if forgotten else {}
    return {number: _loss(queue.get(number) or accounts.get(number)) for number in lost}


def _loss(element: Element | None) -> Loss:
    if element is None:
        return msgspec.structs.replace(UNKNOWN, cause=UNKNOWN.cause.format("its Slurm job"))
    reason = REASONS.get(element.state, UNKNOWN)
    return msgspec.structs.replace(reason, cause=reason.cause.format(f"slurm {element.job}_{element.index}"))


def read_submission(folder: Path) -> Submission | None:
    """What was handed to Slurm from a folder of chunks; None if nothing was."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Submission)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def cancel(submission: Submission, *, at_once: bool) -> None:
    """Take out of the queue what waits, or everything.

    Raises
    ------
    SlurmError
        If Slurm cannot be reached.
    """
    only = [] if at_once else ["--state=PENDING"]
    for name in submission.names:
        _call(["scancel", *only, f"--name={name}"])


class SlurmEngine:
    """Hands jobs to Slurm.

    Parameters
    ----------
    workers
        Array elements that run at once; 0: as many as Slurm lets.
    spool
        A folder that the nodes see too; each run has one of its own in it.

    Raises
    ------
    SlurmError
        If there is no Slurm here, or it refuses such jobs.
    """

    def __init__(self, workers: int, settings: SlurmSettings, spool: Path) -> None:
        self._most_running = workers
        self._settings = settings
        self._spool = spool.absolute()
        words = sbatch_command(settings, "stoa-test", 1, 0, self._spool)
        _call([words[0], "--test-only", *words[1:]], stdin=batch_script(settings, self._spool, 0))

    def execute(self, jobs: Iterable[Job], control: Control) -> Generator[Outcome, None, None]:
        """One outcome a job, until all have ended or no further job is to be started: then they continue without us.

        All jobs are taken before the first outcome.
        """
        placed = place_chunks(self._spool, jobs, self._settings.chunk)
        if placed is None:
            return
        if control.draining:
            yield from never_started(placed, control)
            return
        submission = self._submit(placed)
        follower = Follower(placed.folder, range(placed.count), submission.at_once)
        try:
            yield from follow(
                follower, control, ask=lambda: self._lost(submission, follower),
                cancel=lambda: cancel(submission, at_once=True), leave=lambda: leave_behind(placed.folder),
            )  # fmt: skip
        except GeneratorExit:
            leave_behind(placed.folder)
            raise

    def _submit(self, placed: Placed) -> Submission:
        settings = self._settings
        submission = Submission(
            run=placed.folder.parent.name, chunks=placed.count, most_elements=settings.most_elements,
            at_once=settings.cpus, settle_s=settings.settle_s, time=time.time(),
        )  # fmt: skip
        write_file(placed.folder / RECORD, msgspec.json.encode(submission))
        for part, name in enumerate(submission.names):
            first = part * settings.most_elements
            elements = min(settings.most_elements, placed.count - first)
            try:
                words = sbatch_command(settings, name, elements, self._most_running, placed.folder)
                _call(words, stdin=batch_script(settings, placed.folder, first))
            except SlurmError:
                tell_workers(placed.folder, at_once=True)
                cancel(submission, at_once=True)
                raise
        return submission

    def _lost(self, submission: Submission, follower: Follower) -> Mapping[int, Loss]:
        try:
            known = ask([submission])
        except SlurmError:
            return {}  # a scheduler that restarts answers later
        return losses(submission, follower.folder, known, follower.open)
