"""From how a child ended and what it left to the job's status and cause."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import msgspec
from msgspec import Struct, field

from stoa.exec.cluster.chunks import as_attempt
from stoa.exec.job.cause import cause_of, last_line, one_line
from stoa.exec.job.ending import Ending
from stoa.exec.job.inputs import changes_of
from stoa.exec.job.log import OK_TAIL_BYTES, excerpt, tail
from stoa.exec.job.outputs import OutputProblem, collect_outputs
from stoa.exec.job.results import ResultProblem, read_results
from stoa.hashing import HashingStopped
from stoa.model import FileRef, Job, Limit, Outcome, Status, Value

_OUT_OF_MEMORY = re.compile(r"\b(?:MemoryError|bad_alloc|Cannot allocate memory|[Oo]ut of memory|memory exhausted)\b")

_NO_PROCESS = re.compile(
    r"Resource temporarily unavailable|BlockingIOError|can't start new thread|[Cc]an(?:not|'t) fork"
)


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of a job."""

    status: Status
    cause: str = ""
    limit: Limit = ""  # that ended it
    ending: Ending = Ending()
    outputs: dict[str, FileRef] = field(default_factory=dict)
    results: dict[str, Value | None] = field(default_factory=dict)
    changed_inputs: tuple[str, ...] = ()  # names of the inputs that are not what they were when the job was made
    log: str = ""


def judge(job: Job, ending: Ending, log: int, stopped: Callable[[], bool] = lambda: False) -> Verdict:
    """The status and cause of a job that has ended, with its outputs, results and log.

    Outputs are named for an ok job only: those of another are not at a place that others may
    rely on. Results of a job that is not ok are kept if they are as declared.

    Parameters
    ----------
    log
        File descriptor of what it printed.
    stopped
        Asked while large outputs are read for their checksums.
    """
    status, cause, limit = status_of(job, ending, tail(log))
    if status in (Status.FAILED, Status.KILLED) and _disk_is_full(job.work) and "space" not in cause:
        cause = one_line(f"no space left on the disk of the products: {cause}")  # so the log may lack its end
    if status is Status.OK:
        return _checked(job, ending, log, stopped)
    return Verdict(
        status=status, cause=cause, limit=limit, ending=ending, results=_results_if_sound(job), log=excerpt(log)
    )


def status_of(job: Job, ending: Ending, log_tail: str) -> tuple[Status, str, Limit]:
    """Status, cause and the limit that was reached, by how the child ended alone."""
    if ending.stopped == "timeout":
        return Status.TIMEOUT, f"timeout after {job.timeout_s:g} s", ""
    if ending.stopped == "cancel":
        return Status.INTERRUPTED, "stopped by the user", ""
    if ending.stopped == "lost":
        return Status.INTERRUPTED, "its container was removed, or ended by the server, while it ran", ""
    limit, reached = _limit_reached(job, ending, log_tail)
    if limit:
        said = cause_of(ending.exit_code, ending.signal, log_tail)
        return Status.KILLED, one_line(f"{reached}: {said}"), limit
    if ending.exit_code == 0:
        return Status.OK, "", ""
    if ending.exit_code in job.skip_codes:
        return Status.SKIPPED, one_line(last_line(log_tail)) or f"exit code {ending.exit_code}", ""
    cause = cause_of(ending.exit_code, ending.signal, log_tail)
    return (Status.KILLED if ending.signal else Status.FAILED), cause, ""


def with_more_memory(job: Job, most_mb: int, outcome: Outcome) -> Job | None:
    """The next attempt at a job that reached its memory limit, with twice as much; None for all others."""
    wanted = min(2 * job.memory_mb, most_mb)
    if outcome.status is not Status.KILLED or outcome.limit != "memory" or wanted <= job.memory_mb:
        return None
    return msgspec.structs.replace(as_attempt(job, outcome.attempt + 1), memory_mb=wanted)


def _limit_reached(job: Job, ending: Ending, log_tail: str) -> tuple[Limit, str]:
    """The limit that ended a job and words for it, as far as signal and log tell; "" and "" for none."""
    if ending.limit:
        return "memory", ending.limit
    if ending.exit_code == 0 or ending.exit_code in job.skip_codes:
        return "", ""
    overtime = ending.signal == "SIGKILL" and ending.cpu_s >= job.cpu_limit_s
    if job.memory_mb and _OUT_OF_MEMORY.search(log_tail):
        return "memory", f"memory limit of {job.memory_mb} MB reached"
    if job.cpu_limit_s and (_by_signal(ending, signal.SIGXCPU) or overtime):
        return "cpu_time", f"CPU time limit of {job.cpu_limit_s:g} s reached"
    if job.file_mb and (_by_signal(ending, signal.SIGXFSZ) or "File too large" in log_tail):
        return "file_size", f"file size limit of {job.file_mb} MB reached"
    if job.processes and _NO_PROCESS.search(log_tail):
        return "processes", f"limit of {job.processes} processes reached"
    return "", ""


def _disk_is_full(folder: str) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False


def _by_signal(ending: Ending, number: signal.Signals) -> bool:
    """Whether a signal ended the command, or a child of it that was a shell."""
    return ending.signal == number.name or ending.exit_code == 128 + number


def _checked(job: Job, ending: Ending, log: int, stopped: Callable[[], bool]) -> Verdict:
    """A job that exited with 0 is ok if it left what its process promises."""
    try:
        results = read_results(job.work, job.results)
        outputs = collect_outputs(job, stopped)
    except (OutputProblem, ResultProblem) as exc:
        results = _results_if_sound(job)
        return Verdict(
            status=Status.FAILED, cause=one_line(exc.message), ending=ending, results=results, log=excerpt(log)
        )
    except HashingStopped:
        cause = "stopped by the user while its outputs were read for their checksums"
        return Verdict(status=Status.INTERRUPTED, cause=cause, ending=ending, log=excerpt(log))
    short = excerpt(log, head=0, tail=OK_TAIL_BYTES)
    changes = changes_of(job)
    return Verdict(
        status=Status.OK, cause=changes.cause, ending=ending, outputs=outputs, results=results,
        changed_inputs=changes.inputs, log=short,
    )  # fmt: skip


def _results_if_sound(job: Job) -> dict[str, Value | None]:
    try:
        return read_results(job.work, job.results)
    except ResultProblem:
        return {}
