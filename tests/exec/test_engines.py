"""One suite for every engine: the same jobs have the same outcomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from places import once_limited

from stoa.control import Control
from stoa.exec.engines import ENGINES, Engine, make_engine
from stoa.model import Job, Outcome, OutputSpec, ResultSpec, Status
from stoa.project import DaskSettings, Local, SlurmSettings

pytestmark = pytest.mark.service

JOBS = {
    "ok": ("echo '{\"n\": 3}' > stoa-result.json; echo x > out.txt", "ok", ""),
    "says-no": ("echo 'ValueError: no beam' >&2; exit 3", "failed", "ValueError: no beam"),
    "lacks-product": ("exit 0", "failed", "declared output 'table' (out.txt) is missing"),
    "skips": ("echo 'no image here'; exit 77", "skipped", "no image here"),
    "too-long": ("sleep 300", "timeout", "timeout after 1 s"),
    "ignores-term": ("trap '' TERM; while :; do sleep 0.05; done", "timeout", "timeout after 1 s"),
    "killed": ("kill -SEGV $$", "killed", "SIGSEGV"),
    "leaves-a-child": ("sleep 300 & echo x > out.txt", "ok", ""),
    "reads": ("read line; echo x > out.txt; echo \"read '$line'\"", "ok", ""),
    "prints-much": ("yes | head -c 3000000; echo x > out.txt", "ok", ""),
    "asks-for-memory": (
        once_limited("d", 'python3 -c "x = bytearray(10**9)"'),
        "killed",
        "memory limit of 400 MB reached: MemoryError",
    ),
}
"""Name -> script, status, what is in the cause."""


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """Each engine with two jobs a chunk and no patience."""
    local = Local(slurm=SlurmSettings(chunk=2, settle_s=0.0))
    if request.param == "slurm":
        request.getfixturevalue("slurm")
    if request.param == "dask":
        dask = request.getfixturevalue("shared_dask")
        local = Local(dask=DaskSettings(address=dask.address, chunk=2, **dask.files))
    (tmp_path / "spool").mkdir()
    return make_engine(request.param, 2, local, tmp_path / "spool")


@pytest.fixture
def job(make_job) -> Callable[..., Job]:
    """A job of the table."""

    def make(name: str) -> Job:
        limits = {"timeout_s": 1.0} if JOBS[name][1] == "timeout" else {}
        limits |= {"memory_mb": 400} if name == "asks-for-memory" else {}
        return make_job(
            JOBS[name][0], target=name, grace_s=0.3, outputs={"table": OutputSpec(path="out.txt")},
            results={"n": ResultSpec(type="int")}, **limits,
        )  # fmt: skip

    return make


def run(engine: Engine, jobs: Iterable[Job]) -> dict[str, Outcome]:
    found = list(engine.execute(jobs, Control()))
    by_name = {outcome.target: outcome for outcome in found}
    assert len(by_name) == len(found)
    return by_name


def comparable(outcome: Outcome) -> Outcome:
    """Without times, peaks and places of work."""
    return msgspec.structs.replace(outcome, start="", duration_s=0.0, cpu_s=0.0, memory_mb=0.0, worker="")


def test_every_job_ends_as_it_does_on_this_machine(engine, job, tmp_path, products):
    found = run(engine, [job(name) for name in JOBS])
    statuses = {name: outcome.status.value for name, outcome in found.items()}
    assert statuses == {name: row[1] for name, row in JOBS.items()}, found["asks-for-memory"]
    for name, (_, _, words) in JOBS.items():
        assert words in found[name].cause
    assert found["ok"].results == {"n": 3}
    assert (products / "p/r/ok/out.txt").read_text() == "x\n"
    assert not list((products / "p/r/.work").iterdir())
    here = run(make_engine("local", 2, Local(), tmp_path), [job(name) for name in JOBS])
    assert {n: comparable(o) for n, o in found.items()} == {n: comparable(o) for n, o in here.items()}


def test_no_jobs_have_no_outcomes(engine):
    assert list(engine.execute([], Control())) == []


def test_a_command_that_cannot_be_started_is_an_error(engine, make_job):
    found = run(engine, [make_job(argv=("/nowhere/script",), target="a")])
    assert (found["a"].status, found["a"].cause) == (Status.ERROR, "script '/nowhere/script' not found")


def test_strange_names_and_arguments_arrive_as_they_are(engine, make_job, products):
    words = ("a b", "'\"`$(x)", "line\nend", "--", "é🔭", "\\")
    job = make_job(argv=("/bin/sh", "-c", 'printf "%s|" "$@" > out.txt', "x", *words), target="a+b.c_d-e")
    run(engine, [job])
    assert (products / "p/r/a+b.c_d-e/out.txt").read_text() == "".join(f"{word}|" for word in words)


def test_a_cancel_ends_what_runs_and_everything_has_an_outcome(engine, make_job, products):
    control = Control()
    up = products / "p/r/up"
    script = f"echo $$ >> {up}; sleep 300"

    def cancel_when_up() -> None:
        deadline = time.monotonic() + 60
        while not up.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        control.cancel()

    watcher = Thread(target=cancel_when_up)
    watcher.start()
    taken: list[str] = []

    def jobs() -> Iterable[Job]:
        for name in "abcdef":
            taken.append(name)
            yield make_job(script, target=name, grace_s=0.3)

    found = list(engine.execute(jobs(), control))
    watcher.join()
    assert sorted(outcome.target for outcome in found) == taken
    assert {outcome.status for outcome in found} == {Status.INTERRUPTED}
    processes = [Path(f"/proc/{pid}") for pid in up.read_text().split()]
    deadline = time.monotonic() + 30  # a busy scheduler takes its time
    while any(map(Path.exists, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(Path.exists, processes))


def test_what_was_stopped_before_it_began_has_an_outcome_for_each_job_that_was_taken(engine, make_job, products):
    control = Control()
    taken: list[str] = []

    def jobs() -> Iterable[Job]:
        for name in "abc":
            taken.append(name)
            control.drain()
            yield make_job("exit 0", target=name)

    found = list(engine.execute(jobs(), control))
    assert sorted(outcome.target for outcome in found) == taken
    assert {outcome.status for outcome in found} <= {Status.INTERRUPTED}
