"""Timeouts, cancelling, and what a script leaves running."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

from stoa.control import Control
from stoa.exec.local import LocalEngine
from stoa.model import Job, Outcome, Status

STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done"


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that waits to be reaped has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def cancel_when(control: Control, holds: Callable[[], bool]) -> Thread:
    def wait_and_cancel() -> None:
        wait_for(holds)
        control.cancel()

    thread = Thread(target=wait_and_cancel)
    thread.start()
    return thread


def test_a_job_that_takes_too_long_is_a_timeout(run):
    outcome = run("echo begun; sleep 300", timeout_s=0.2)
    assert (outcome.status, outcome.cause, outcome.signal) == (Status.TIMEOUT, "timeout after 0.2 s", "SIGTERM")
    assert outcome.log == "begun\n"


def test_a_script_may_use_the_grace_to_end_in_order(run, products):
    code = "import signal, sys, time\nsignal.signal(15, lambda *_: (open('tidy', 'w'), sys.exit(0)))\ntime.sleep(300)"
    outcome = run(argv=(sys.executable, "-c", code), timeout_s=1)
    assert (outcome.status, outcome.exit_code) == (Status.TIMEOUT, 0)
    assert (products / "p/r/failed/A001/tidy").exists()


def test_a_script_that_ignores_sigterm_is_killed_after_the_grace(run):
    outcome = run(STUBBORN, timeout_s=0.3, grace_s=0.2)
    assert (outcome.status, outcome.signal) == (Status.TIMEOUT, "SIGKILL")


def test_a_script_that_stops_itself_is_a_timeout(run):
    outcome = run("kill -STOP $$", timeout_s=0.2)
    assert (outcome.status, outcome.signal) == (Status.TIMEOUT, "SIGTERM")


def test_a_job_well_below_its_timeout_is_ok(run):
    assert run("exit 0", timeout_s=10**9).status is Status.OK


def test_a_background_child_is_ended_with_the_job(run, products):
    outcome = run("sleep 300 & echo $! > pid")
    assert outcome.status is Status.OK
    assert is_gone(int((products / "p/r/A001/pid").read_text()))


def test_a_background_child_that_holds_the_log_open_does_not_hold_the_job(run, products):
    outcome = run("(trap '' TERM HUP; echo still here; sleep 300) & echo $! > pid; sleep 0.2; exit 1")
    assert (outcome.status, outcome.log) == (Status.FAILED, "still here\n")
    assert is_gone(int((products / "p/r/failed/A001/pid").read_text()))


def test_children_of_a_timed_out_script_are_ended_too(run, products):
    run(f'sh -c "{STUBBORN}" & echo $! > pid; wait', timeout_s=0.3, grace_s=0.2)
    assert is_gone(int((products / "p/r/failed/A001/pid").read_text()))


def test_a_cancelled_job_is_interrupted_and_says_so(make_job, products):
    control = Control()
    log = products / "p/r/.work/A001/stoa-log.txt"
    thread = cancel_when(control, lambda: log.exists() and log.read_text() == "up\n")
    (outcome,) = LocalEngine(1).execute([make_job("echo up; sleep 300")], control)
    thread.join()
    assert (outcome.status, outcome.cause, outcome.signal) == (Status.INTERRUPTED, "stopped by the user", "SIGTERM")
    assert outcome.place == "products:p/r/failed/A001"


def test_cancel_ends_a_script_that_ignores_sigterm(make_job, products):
    control = Control()
    log = products / "p/r/.work/A001/stoa-log.txt"
    thread = cancel_when(control, lambda: log.exists() and log.read_text() == "up\n")
    (outcome,) = LocalEngine(1).execute([make_job(STUBBORN, grace_s=0.1)], control)
    thread.join()
    assert (outcome.status, outcome.signal) == (Status.INTERRUPTED, "SIGKILL")


def test_jobs_that_wait_when_the_run_is_cancelled_never_start(make_job, products):
    control = Control()
    first = products / "p/r/.work/t0/up"
    jobs = [make_job("touch up; sleep 300", target=f"t{n}") for n in range(50)]
    taken: list[str] = []
    thread = cancel_when(control, first.exists)
    outcomes = list(LocalEngine(1).execute(_noting(jobs, taken), control))
    thread.join()
    assert [outcome.target for outcome in outcomes] == taken == ["t0", "t1"]
    assert outcomes[1].cause == "stopped before it started"
    assert outcomes[1].place == ""
    assert not (products / "p/r/.work/t1").exists()


def test_draining_lets_what_runs_end_by_itself(make_job, products):
    control = Control()
    jobs = [make_job("touch up; while [ ! -e go ]; do sleep 0.02; done", target=f"t{n}") for n in range(50)]

    def drain_and_let_go() -> None:
        wait_for((products / "p/r/.work/t0/up").exists)
        control.drain()
        (products / "p/r/.work/t0/go").touch()

    thread = Thread(target=drain_and_let_go)
    thread.start()
    outcomes = list(LocalEngine(1).execute(jobs, control))
    thread.join()
    assert [(outcome.target, outcome.status) for outcome in outcomes] == [
        ("t0", Status.OK),
        ("t1", Status.INTERRUPTED),
    ]


def test_a_run_that_was_cancelled_before_takes_no_job(make_job):
    control = Control()
    control.cancel()
    taken: list[str] = []
    assert list(LocalEngine(2).execute(_noting([make_job("exit 0")], taken), control)) == []
    assert taken == []


def test_a_caller_that_stops_asking_ends_what_runs(make_job, products):
    def jobs() -> Iterator[Job]:
        yield make_job("exit 0", target="quick")
        yield make_job("echo $$ > up; sleep 300", target="slow")

    outcomes = LocalEngine(2).execute(jobs(), Control())
    assert next(outcomes).target == "quick"
    wait_for(lambda: (products / "p/r/.work/slow/up").exists() and _text(products / "p/r/.work/slow/up") != "")
    outcomes.close()
    assert is_gone(int(_text(products / "p/r/failed/slow/up")))


def test_a_fault_in_the_jobs_comes_after_the_outcomes_of_those_taken(make_job):
    def jobs() -> Iterator[Job]:
        yield make_job("exit 0")
        raise LookupError("target list")

    got: list[Outcome] = []
    fault = ""
    try:
        for outcome in LocalEngine(2).execute(jobs(), Control()):
            got.append(outcome)  # noqa: PERF402 - what came before the fault is looked at
    except LookupError as exc:
        fault = str(exc)
    assert ([outcome.status for outcome in got], fault) == ([Status.OK], "target list")


def _noting(jobs: list[Job], taken: list[str]) -> Iterator[Job]:
    for job in jobs:
        taken.append(job.target)
        yield job


def _text(path: Path) -> str:
    return path.read_text()
