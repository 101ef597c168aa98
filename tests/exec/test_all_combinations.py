"""One suite for every environment on every engine: how jobs end, their limits, a cancel, and a worker that dies."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from dask_cluster import Dask
from places import Place, once_limited

from stoa.control import Control
from stoa.exec.engines import ENGINES, Engine, make_engine
from stoa.model import Outcome, OutputSpec, ResultSpec, Status
from stoa.project import DaskSettings, Local, SlurmSettings

pytestmark = pytest.mark.service

CASA = os.environ.get("CASATASKS_PYTHON", "")
ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "host": ("host", {}),
    "venv": ("venv", {}),
    "casa": ("casa", {"python": CASA}),
    "docker": ("docker", {}),
    "docker-target": ("docker", {"isolation": "target"}),
    "podman": ("podman", {}),
    "warm-host": ("host", {"warm": True}),
    "warm-venv": ("venv", {"warm": True}),
    "warm-docker": ("docker", {"warm": True}),
}
MEMORY = once_limited("d", "head -c 400000000 /dev/zero | tail -n 1 > /dev/null")
BIG_FILE = once_limited("f", "ulimit -c 0; head -c 5000000 /dev/zero > big")

JOBS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "ok": ("printf abc > m.fits; echo '{\"n\": 3}' > stoa-result.json", {}, "ok", ""),
    "failed": ("echo 'ValueError: no beam' >&2; exit 3", {}, "failed", "ValueError: no beam"),
    "skipped": ("echo 'no image here'; exit 77", {}, "skipped", "no image here"),
    "lacks-product": ("exit 0", {}, "failed", "declared output 'map' (m.fits) is missing"),
    "no-script": ("", {"argv": ("/nowhere/find.py",)}, "error", "script '/nowhere/find.py' not found"),
    "signal": ("ulimit -c 0; kill -SEGV $$", {}, "killed", "SIGSEGV"),
    "hangup": ("kill -HUP $$", {}, "killed", "SIGHUP"),
    "late": ("trap 'echo told; exit 5' TERM; sleep 300 & wait", {"timeout_s": 1.0}, "timeout", "timeout after 1 s"),
    "deaf": ("trap '' TERM INT; while :; do sleep 1; done", {"timeout_s": 1.0, "grace_s": 0.3}, "timeout", "timeout"),
    "memory": (MEMORY, {"memory_mb": 60}, "killed", "memory limit of 60 MB reached"),
    "processor": ("while :; do :; done", {"cpu_limit_s": 1.0}, "killed", "CPU time limit of 1 s reached"),
    "file": (BIG_FILE, {"file_mb": 1}, "killed", "file size limit of 1"),
    "daemon": ("(trap '' TERM HUP; setsid sleep 300 &); sleep 0.2; printf abc > m.fits", {}, "ok", ""),
    "escapes": (r"printf '\033[2J\033]0;owned\007 fine\n'; exit 1", {}, "failed", "fine"),
    "prints": ("head -c 3000000 /dev/zero | tr '\\0' x; printf abc > m.fits", {}, "ok", ""),
    "listens": ("if read line; then exit 1; fi; printf abc > m.fits", {}, "ok", ""),
}
"""Name -> script, fields of the job, status, what is in the cause."""


@dataclass
class Combination:
    """An environment and an engine."""

    place: Place
    engine: Engine
    name: str  # of the engine
    spool: Path
    dask: Dask | None

    def run(self, *jobs: str, control: Control | None = None) -> dict[str, Outcome]:
        """Outcomes of jobs of the table by their names; no job has two."""
        made = (self.place.job(JOBS[name][0], name, **(WANTED | JOBS[name][1])) for name in jobs)
        return by_name(self.engine.execute(made, control or Control()))

    def workers(self) -> list[int]:
        """Processes of this engine that start jobs, beside our own."""
        pids = [worker.pid for worker in self.dask.workers] if self.dask else []
        return [
            pid
            for pid, words, parent in processes()
            if "stoa.exec.cluster.worker" in words
            and (any(word.startswith(str(self.spool)) for word in words) or ("--serve" in words and parent in pids))
        ]


WANTED: dict[str, Any] = {
    "outputs": {"map": OutputSpec(path="m.fits")},
    "results": {"n": ResultSpec(type="int")},
    "timeout_s": 120.0,
}


@pytest.fixture(params=ENVIRONMENTS)
def place(request: pytest.FixtureRequest, make_place: Callable[..., Place], require_service: Any) -> Place:
    kind, fields = ENVIRONMENTS[request.param]
    if kind == "casa":
        require_service("casatasks", CASA, "CASATASKS_PYTHON names no interpreter with casatasks")
    return make_place(kind, **fields)


@pytest.fixture(params=ENGINES)
def combination(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Combination:
    """Each engine with three jobs a chunk and no patience."""
    local, dask = Local(slurm=SlurmSettings(chunk=3, settle_s=0.0)), None
    if request.param == "slurm":
        request.getfixturevalue("slurm")
    if request.param == "dask":
        dask = request.getfixturevalue("shared_dask")
        local = Local(dask=DaskSettings(address=dask.address, chunk=3, **dask.files))
    spool = tmp_path / "spool"
    spool.mkdir()
    return Combination(place, make_engine(request.param, 2, local, spool), request.param, spool, dask)


def by_name(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    found = list(outcomes)
    named = {outcome.target: outcome for outcome in found}
    assert len(named) == len(found)
    return named


def processes() -> Iterator[tuple[int, list[str], int]]:
    """Process id, words of the command line and parent of everything that runs on this machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            yield int(folder.name), words, int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_every_job_ends_as_it_does_anywhere(combination: Combination) -> None:
    found = combination.run(*JOBS)
    assert {name: outcome.status.value for name, outcome in found.items()} == {name: JOBS[name][2] for name in JOBS}, [
        outcome for outcome in found.values() if outcome.status.value != JOBS[outcome.target][2]
    ]
    for name, (_, _, _, words) in JOBS.items():
        assert words in found[name].cause, found[name]
        assert "\x1b" not in found[name].log + found[name].cause
        assert combination.place.left_running(name) == []
    assert found["ok"].results == {"n": 3}
    assert found["late"].exit_code == 5
    assert len(found["prints"].log) < 50_000
    ended = combination.place.work.parent
    assert (ended / "ok/m.fits").read_text() == "abc"
    assert (ended / "prints/stoa-log.txt").stat().st_size == 3_000_000
    assert (ended / "failed/file/big").stat().st_size <= 1_000_000
    assert not list((ended / ".work").iterdir())
    assert {path.stat().st_uid for path in ended.rglob("*")} == {os.getuid()}


def test_a_cancel_ends_what_runs(combination: Combination) -> None:
    control, place = Control(), combination.place
    up = place.work / "A001/up"

    def cancel() -> None:
        wait_for(up.exists, "the job never came up")
        control.cancel()

    watcher = Thread(target=cancel)
    watcher.start()
    jobs = (place.job("trap '' TERM; echo > up; sleep 300", name, grace_s=0.3) for name in ("A001", "A002", "A003"))
    found = by_name(combination.engine.execute(jobs, control))
    watcher.join()
    assert {outcome.status for outcome in found.values()} == {Status.INTERRUPTED}
    for name in found:
        assert place.left_running(name) == []


def test_a_worker_that_is_killed_is_the_cause_and_leaves_nothing(combination: Combination) -> None:
    if combination.name == "local":
        pytest.skip("its worker is STOA itself, which is killed in tests/cli/test_engines_killed.py")
    place = combination.place
    script = f"echo > up; while [ ! -e {place.data}/go ]; do sleep 0.1; done; printf abc > m.fits"

    def kill() -> None:
        wait_for((place.work / "A001/up").exists, "the job never came up")
        for pid in combination.workers():
            with contextlib.suppress(ProcessLookupError):  # it had no more to do
                os.kill(pid, signal.SIGKILL)
        (place.data / "go").touch()

    killer = Thread(target=kill)
    killer.start()
    names = [f"A00{number}" for number in range(1, 7)]
    jobs = [place.job(script if name == "A001" else "printf abc > m.fits", name, **WANTED) for name in names]
    found = by_name(combination.engine.execute(iter(jobs), Control()))
    killer.join()
    assert sorted(found) == names
    assert found["A001"].status is Status.INTERRUPTED
    for outcome in found.values():  # of the chunk that its worker had
        assert outcome.status is Status.OK or (outcome.status, bool(outcome.cause)) == (Status.INTERRUPTED, True), (
            outcome
        )
    wait_for(lambda: place.left_running("A001") == [], "the job of the worker continues")
    again = [job for job in jobs if found[job.target].status is Status.INTERRUPTED]
    assert {outcome.status for outcome in by_name(combination.engine.execute(again, Control())).values()} == {Status.OK}
    if place.server:
        with contextlib.closing(place.server.client()) as client:
            wait_for(lambda: client.containers.list(all=True) == [], "a container of the worker is left")
