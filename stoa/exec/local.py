"""The engine of this machine: threads that each run one child process after the other."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Thread

from stoa.control import Control
from stoa.exec.job.ending import NotStarted
from stoa.exec.job.folder import make_folder, move_folder, remove
from stoa.exec.job.inputs import changed
from stoa.exec.job.start import Starter
from stoa.exec.job.strays import adopt_orphans
from stoa.exec.job.verdict import Verdict, judge
from stoa.exec.signals import keep_from_children
from stoa.model import SCHEMA, Job, Outcome, Status

_LONGEST_SLEEP_S = 0.5

_NOT_BEGUN = Verdict(status=Status.INTERRUPTED, cause="stopped before it started")


class LocalEngine:
    """Runs jobs as child processes of this one.

    Parameters
    ----------
    workers
        How many run at once; 0 is one per CPU core that this process may use.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers if workers > 0 else len(os.sched_getaffinity(0))

    def execute(self, jobs: Iterable[Job], control: Control) -> Generator[Outcome, None, None]:
        """One outcome a job, each as it ends.

        Jobs are taken from the iterable in the caller's thread, while it asks for an outcome,
        and at most twice as many as there are workers are under way: those that run and one
        more each, so that no worker waits for the caller. If taking a job raises, the jobs that
        were taken end first. If the caller stops asking (closes the iterator), they are
        cancelled.
        """
        waiting: SimpleQueue[Job | None] = SimpleQueue()
        ended: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        adopt_orphans()
        keep_from_children()
        threads = [Thread(target=_work, args=(waiting, ended, control), daemon=True) for _ in range(self.workers)]
        for thread in threads:
            thread.start()
        try:
            yield from _outcomes(iter(jobs), waiting, ended, 2 * self.workers, control)
        except BaseException:
            control.cancel()
            raise
        finally:
            for _ in threads:
                waiting.put(None)
            for thread in threads:
                thread.join()


def _outcomes(
    jobs: Iterator[Job],
    waiting: SimpleQueue[Job | None],
    ended: SimpleQueue[Outcome | BaseException],
    most: int,
    control: Control,
) -> Iterator[Outcome]:
    under_way = 0
    more = True
    fault: Exception | None = None
    while True:
        while more and under_way < most and not control.draining:
            try:
                waiting.put(next(jobs))
                under_way += 1
            except StopIteration:
                more = False
            except Exception as exc:  # noqa: BLE001 - it is raised again, after the outcomes of what runs
                more, fault = False, exc
        if not under_way:
            break
        outcome = _next(ended)
        under_way -= 1
        if isinstance(outcome, BaseException):
            raise outcome
        yield outcome
    if fault:
        raise fault


def _next(ended: SimpleQueue[Outcome | BaseException]) -> Outcome | BaseException:
    # A signal that comes just before this thread falls asleep does not wake it (Python handles signals in the main
    # thread, between its instructions), so Ctrl-C would be heeded only when the next job has ended.
    while True:
        with suppress(Empty):
            return ended.get(timeout=_LONGEST_SLEEP_S)


def _work(waiting: SimpleQueue[Job | None], ended: SimpleQueue[Outcome | BaseException], control: Control) -> None:
    with Starter() as starter:
        while (job := waiting.get()) is not None:
            try:
                ended.put(run_job(job, control, starter))
            except BaseException as exc:  # noqa: BLE001 - it is raised again, in the thread that waits for outcomes
                ended.put(exc)


def run_job(job: Job, control: Control, starter: Starter | None = None) -> Outcome:
    """Run one job in this thread; whatever happens to it is in the outcome.

    Parameters
    ----------
    starter
        Of this worker; None for one that is thrown away afterwards.
    """
    if starter is None:
        with Starter() as fresh:
            return run_job(job, control, fresh)
    start, clock = datetime.now(UTC), time.monotonic()
    if control.draining:
        verdict, place = _NOT_BEGUN, ""
    else:
        verdict, place = _attempt(job, control, starter)
    return Outcome(
        schema=SCHEMA,
        run=job.run,
        target=job.target,
        group=job.group,
        attempt=job.attempt,
        status=verdict.status,
        cause=verdict.cause,
        exit_code=verdict.ending.exit_code,
        signal=verdict.ending.signal,
        limit=verdict.limit,
        start="" if verdict is _NOT_BEGUN else start.isoformat(timespec="milliseconds"),
        duration_s=round(time.monotonic() - clock, 3),
        cpu_s=verdict.ending.cpu_s,
        memory_mb=verdict.ending.memory_mb,
        inputs=job.inputs,
        meta=job.meta,
        changed_inputs=verdict.changed_inputs,
        outputs=verdict.outputs,
        results=verdict.results,
        environment=job.environment,
        environment_reason=job.environment_reason,
        overrides=job.overrides,
        left_running=verdict.ending.left_running,
        place=place,
        log=verdict.log,
    )


def _attempt(job: Job, control: Control, starter: Starter) -> tuple[Verdict, str]:
    """How the job ended, and where its directory is."""
    if others := changed(job.scripts):
        cause = f"a job changed the run's copy of the script, which is not run any more: {others[0]}"
        return Verdict(status=Status.ERROR, cause=cause), ""
    try:
        log = make_folder(job)
    except OSError as exc:
        return _no_folder(job, exc), ""
    try:
        verdict = judge(job, starter.run(job, log, control), log, lambda: control.cancelled)
    except NotStarted as exc:
        verdict = Verdict(status=Status.ERROR, cause=exc.message)
    except OSError as exc:
        verdict = Verdict(status=Status.ERROR, cause=f"the job could not be watched: {exc.strerror}")
    finally:
        os.close(log)
    return _settle(job, verdict)


def _no_folder(job: Job, exc: OSError) -> Verdict:
    """A job without a directory, disk full included; what was made of it is removed if possible."""
    with suppress(OSError):
        remove(job.work)
    return Verdict(status=Status.ERROR, cause=f"the job's directory could not be made: {exc.strerror}")


def _settle(job: Job, verdict: Verdict) -> tuple[Verdict, str]:
    ok = verdict.status is Status.OK
    try:
        move_folder(job.work, job.place if ok else job.failed_place)
    except OSError as exc:
        if not ok:
            return verdict, ""
        cause = f"the products could not be moved to their place: {exc.strerror}"
        return Verdict(status=Status.ERROR, cause=cause, ending=verdict.ending, log=verdict.log), ""
    return verdict, job.place_ref if ok else job.failed_ref
