"""From how a child ended and what it left to the job's status and cause."""

from __future__ import annotations

import re

from msgspec import Struct, field

from stoa.exec.cause import cause_of, last_line, one_line
from stoa.exec.child import Ending
from stoa.exec.log import OK_TAIL_BYTES, excerpt, tail
from stoa.exec.outputs import OutputProblem, collect_outputs
from stoa.exec.results import ResultProblem, read_results
from stoa.model import FileRef, Job, Status, Value

_OUT_OF_MEMORY = re.compile(r"\b(?:MemoryError|bad_alloc|Cannot allocate memory|[Oo]ut of memory|memory exhausted)\b")


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of a job."""

    status: Status
    cause: str = ""
    ending: Ending = Ending()
    outputs: dict[str, FileRef] = field(default_factory=dict)
    results: dict[str, Value | None] = field(default_factory=dict)
    log: str = ""


def judge(job: Job, ending: Ending, log: int) -> Verdict:
    """The status and cause of a job that has ended, with its outputs, results and log.

    Outputs are named for an ok job only: those of another are not at a place that others may
    rely on. Results of a job that is not ok are kept if they are as declared.

    Parameters
    ----------
    log
        File descriptor of what it printed.
    """
    status, cause = status_of(job, ending, tail(log))
    if status is Status.OK:
        return _checked(job, ending, log)
    return Verdict(status=status, cause=cause, ending=ending, results=_results_if_sound(job), log=excerpt(log))


def status_of(job: Job, ending: Ending, log_tail: str) -> tuple[Status, str]:
    """Status and cause by how the child ended alone."""
    if ending.stopped == "timeout":
        return Status.TIMEOUT, f"timeout after {job.timeout_s:g} s"
    if ending.stopped == "cancel":
        return Status.INTERRUPTED, "stopped by the user"
    if ending.exit_code == 0:
        return Status.OK, ""
    if ending.exit_code in job.skip_codes:
        return Status.SKIPPED, one_line(last_line(log_tail)) or f"exit code {ending.exit_code}"
    cause = cause_of(ending.exit_code, ending.signal, log_tail)
    if job.memory_mb and _OUT_OF_MEMORY.search(log_tail):
        return Status.KILLED, one_line(f"memory limit of {job.memory_mb} MB reached: {cause}")
    return (Status.KILLED if ending.signal else Status.FAILED), cause


def _checked(job: Job, ending: Ending, log: int) -> Verdict:
    """A job that exited with 0 is ok if it left what its process promises."""
    try:
        results = read_results(job.work, job.results)
        outputs = collect_outputs(job)
    except (OutputProblem, ResultProblem) as exc:
        results = _results_if_sound(job)
        return Verdict(
            status=Status.FAILED, cause=one_line(exc.message), ending=ending, results=results, log=excerpt(log)
        )
    short = excerpt(log, head=0, tail=OK_TAIL_BYTES)
    return Verdict(status=Status.OK, ending=ending, outputs=outputs, results=results, log=short)


def _results_if_sound(job: Job) -> dict[str, Value | None]:
    try:
        return read_results(job.work, job.results)
    except ResultProblem:
        return {}
