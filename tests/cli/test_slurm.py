"""`stoa run --engine slurm` against a real Slurm: following, leaving, collecting, stopping, and what can go wrong."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slurm_server import Slurm, running_slurm
from survey import Survey, wait_for

pytestmark = pytest.mark.service

SLOW = """\
echo $$ > "$1/started"
while [ ! -e "$1/go" ]; do sleep 0.05; done
"""
LONG_S = 60.0
PATIENT_S = 240.0  # Slurm looks at what it is to start again when it likes


@pytest.fixture
def cluster(survey, slurm) -> Survey:
    """Chunks of one job, and no waiting for files that appear late."""
    local = survey.top / ".stoa/local.yaml"
    local.write_text(local.read_text() + "slurm: {chunk: 1, settle: 0s}\n")
    yield survey
    for name in "abc":
        (survey.top / "data" / name / "go").touch()


@pytest.fixture
def slurm_of_ones_own(slurm, tmp_path_factory, monkeypatch) -> Iterator[Slurm]:
    """For what other tests could not use afterwards."""
    with running_slurm(tmp_path_factory.mktemp("slurm") / "s") as own:
        monkeypatch.setenv("SLURM_CONF", str(own.config))
        yield own


@pytest.fixture
def waiting(cluster) -> Survey:
    """Every job says that it has started and waits for the file `go`."""
    for name in "abc":
        cluster.does(name, SLOW)
    return cluster


@pytest.fixture
def begin(waiting) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a run in a process of its own, and return when the script runs for target a."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        started.append(waiting.start("run", "measure", "--engine", "slurm", *words))
        wait_for(lambda: is_up(waiting, "a"), "the first job", LONG_S)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def element(slurm, index: int) -> str:
    """The element of the newest array in the queue, as Slurm's commands take it."""
    lines = slurm("squeue", "-h", "-r", "-o", "%F_%K").splitlines()
    return max((line for line in lines if line.endswith(f"_{index}")), key=lambda line: int(line.partition("_")[0]))


def attempts(survey: Survey) -> dict[str, int]:
    """How often each target was tried."""
    return {name: found.get("attempt", 1) for name, found in survey.outcomes().items()}


def is_up(survey: Survey, target: str) -> bool:
    file = survey.top / "data" / target / "started"
    return file.exists() and bool(file.read_text().strip())


def go(survey: Survey, *targets: str) -> None:
    for target in targets:
        (survey.top / "data" / target / "go").touch()


def collect_all(survey: Survey) -> None:
    assert survey.json("collect", "--wait")[0]["over"]


def leave(process: subprocess.Popen[str]) -> str:
    """Ctrl-C once; gives what it said."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LONG_S)
    assert process.returncode == 130
    return said


def spool(survey: Survey) -> Path:
    (folder,) = (survey.top / ".git/stoa/spool").glob("2*")
    return folder


def test_a_run_at_slurm_is_recorded_as_one_here_is(cluster, slurm):
    cluster.does("b", "echo 'ValueError: no beam' >&2; exit 3")
    report = cluster.json("run", "measure", "--engine", "slurm")
    assert (report["counts"], report["left"]) == ({"ok": 2, "failed": 1}, 0)
    found = cluster.outcomes()
    assert found["b"]["cause"] == "ValueError: no beam"
    assert {o["worker"].partition("_")[0].rstrip("0123456789") for o in found.values()} == {"slurm "}
    assert (cluster.top / "products/measure").exists()
    assert not list((cluster.top / ".git/stoa/spool").glob("2*"))
    assert cluster.subjects()[0] == "measure @ default: 2 ok, 1 failed of 3"
    assert cluster.ok("fsck")


def test_ctrl_c_leaves_the_jobs_and_says_how_to_go_on(waiting, begin):
    said = leave(begin())
    run = spool(waiting).name
    assert f"3 jobs of run {run} continue without this command" in said
    assert "`stoa collect`" in said
    assert f"`stoa stop {run}`" in said
    assert f"on a cluster: {run} measure @ default: nothing of 3" in waiting.ok("status")
    assert waiting.ok("why", "measure", "a").startswith(f"a: does not run, is on the cluster in {run}")
    go(waiting, "a")
    wait_for(lambda: waiting.json("collect")[0]["counts"] == {"ok": 1}, "one outcome", LONG_S)
    assert waiting.statuses() == {"a": "ok"}
    go(waiting, "b", "c")
    collect_all(waiting)
    assert waiting.statuses() == {"a": "ok", "b": "ok", "c": "ok"}
    assert waiting.json("status")["pairs"][0]["counts"] == {"ok": 3}
    assert waiting.ok("fsck")


def test_any_later_command_takes_a_run_that_is_over(waiting, begin):
    leave(begin())
    go(waiting, "a", "b", "c")
    folder = spool(waiting)
    wait_for(lambda: waiting.ok("status") and not folder.exists(), "the run", LONG_S)
    assert waiting.statuses() == {"a": "ok", "b": "ok", "c": "ok"}
    assert waiting.subjects()[0] == "measure @ default: 3 ok of 3"


def test_stoa_may_be_killed_after_the_submission(waiting, begin):
    process = begin()
    process.kill()
    process.communicate()
    assert waiting.json("runs")[0]["state"] == "submitted"
    go(waiting, "a", "b", "c")
    collect_all(waiting)
    assert waiting.statuses() == {"a": "ok", "b": "ok", "c": "ok"}
    assert len(waiting.runs()) == 1


def test_stop_takes_out_what_waits_and_lets_what_runs_end(waiting, begin):
    leave(begin("-j", "1"))
    assert "the jobs that run end by themselves" in waiting.ok("stop")
    go(waiting, "a", "b", "c")
    collect_all(waiting)
    found = waiting.outcomes()
    assert found["a"]["status"] == "ok"
    assert "c" not in found  # it never began
    summary = waiting.json("show", "last")["summary"]
    assert summary["untouched"] == 3 - len(found)
    assert "was cancelled before it started" in summary["causes"][0]["cause"]


def test_stop_now_ends_what_runs(waiting, begin):
    leave(begin())
    waiting.ok("stop", "--now")
    collect_all(waiting)
    assert set(waiting.statuses().values()) == {"interrupted"}
    assert {job["target"] for job in waiting.json("plan", "measure")["jobs"] if job["runs"]} == {"a", "b", "c"}


def test_stop_of_a_run_that_is_followed_is_seen_by_who_follows_it(waiting, begin):
    process = begin()
    waiting.ok("stop", "--now")
    _, said = process.communicate(timeout=LONG_S)
    assert process.returncode == 3, said
    assert set(waiting.statuses().values()) == {"interrupted"}


def test_scancel_by_somebody_else_is_an_outcome(waiting, begin, slurm):
    process = begin()
    wait_for(lambda: is_up(waiting, "b"), "the second job", LONG_S)
    second = element(slurm, 1)
    slurm("scancel", second)
    wait_for(lambda: waiting.json("runs")[0]["counts"], "the outcome", LONG_S)
    go(waiting, "a", "c")
    process.communicate(timeout=LONG_S)
    found = waiting.outcomes()
    assert (found["b"]["status"], found["b"]["cause"]) == ("interrupted", f"slurm {second} was cancelled")
    assert (found["a"]["status"], found["c"]["status"]) == ("ok", "ok")


def test_a_worker_that_is_killed_is_an_outcome(waiting, begin):
    process = begin()
    for file in (spool(waiting) / "chunks").glob("*.1.journal"):
        if '"target":"a"' in file.read_text():
            owner = int(file.read_text().partition('"pid":')[2].partition(",")[0])
    os.kill(owner, signal.SIGKILL)
    go(waiting, "a", "b", "c")
    process.communicate(timeout=LONG_S)
    found = waiting.outcomes()
    assert found["a"]["status"] == "interrupted"
    assert found["a"]["cause"].startswith("slurm ")
    assert {found[name]["status"] for name in "bc"} == {"ok"}


def test_the_walltime_is_a_timeout_for_the_job_that_had_it_all(waiting, slurm):
    local = waiting.top / ".stoa/local.yaml"
    local.write_text(local.read_text().replace("chunk: 1", "chunk: 2, walltime: 3s"))
    waiting.json("run", "measure", "--engine", "slurm")
    found = waiting.outcomes()
    assert found["a"]["status"] == "timeout"
    assert "the walltime of slurm" in found["a"]["cause"]
    assert "b" not in found
    causes = waiting.json("show", "last")["summary"]["causes"]
    assert any("before it started" in group["cause"] for group in causes)


def test_a_node_daemon_that_is_killed_loses_nothing_that_ended(waiting, begin, slurm):
    process = begin()
    slurm.kill_node()
    try:
        go(waiting, "a", "b", "c")
        wait_for(lambda: sum(waiting.json("runs")[0]["counts"].values()), "an outcome", LONG_S)
    finally:
        slurm.start_node()
    process.communicate(timeout=120)
    found = waiting.statuses()
    assert found["a"] == "ok"
    assert set(found.values()) <= {"ok", "interrupted"}
    assert len(found) == 3


def test_a_scheduler_that_is_killed_forgets_what_runs_and_counts_nothing_twice(slurm_of_ones_own, waiting, begin):
    """What it had not written down when it died it ends, or starts again beside the first in directories of its own."""
    process = begin()
    slurm_of_ones_own.kill_controller()
    try:
        go(waiting, "a")
        wait_for(lambda: waiting.json("runs")[0]["counts"], "the outcome of a", LONG_S)
        assert process.poll() is None, "no one says that the others are gone"
    finally:
        slurm_of_ones_own.restart_controller()
    go(waiting, "b", "c")
    process.communicate(timeout=120)
    found = waiting.outcomes()
    ended = sorted(name for name, outcome in found.items() if outcome["status"] == "interrupted")
    assert {name: found[name]["status"] for name in "abc"} == {"a": "ok"} | {
        name: "interrupted" if name in ended else "ok" for name in "bc"
    }
    assert all("slurm" in found[name]["cause"] for name in ended)
    assert sum(waiting.json("runs")[0]["counts"].values()) == 3
    assert sorted(job["target"] for job in waiting.json("plan", "measure")["jobs"] if job["runs"]) == ended


def test_what_slurm_starts_again_was_interrupted_and_waits_for_the_next_run(waiting, begin, slurm):
    local = waiting.top / ".stoa/local.yaml"
    local.write_text(local.read_text().replace("chunk: 1", "chunk: 1, options: [--requeue]"))
    process = begin()
    first = element(slurm, 0)
    slurm("scontrol", "requeue", first)
    wait_for(lambda: waiting.json("runs")[0]["counts"], "the outcome of a", PATIENT_S)
    go(waiting, "a", "b", "c")
    process.communicate(timeout=PATIENT_S)
    assert waiting.statuses() == {"a": "interrupted", "b": "ok", "c": "ok"}
    slurm("scontrol", "update", f"JobId={first}", "StartTime=now")
    wait_for(lambda: first not in slurm("squeue", "-h", "-r", "-o", "%F_%K").split(), "the second start", PATIENT_S)
    assert waiting.statuses()["a"] == "interrupted"
    assert waiting.json("run", "measure", "--engine", "slurm")["counts"] == {"ok": 1}


def test_slurm_that_refuses_is_told_before_anything_is_recorded(cluster, slurm):
    local = cluster.top / ".stoa/local.yaml"
    local.write_text(local.read_text().replace("chunk: 1", "partition: nowhere"))
    (first, *_) = cluster.error("run", "measure", "--engine", "slurm")
    assert first.startswith("error: sbatch refuses: ")
    assert "partition" in first
    assert cluster.runs() == []


def test_many_arrays_where_one_may_not_be_long(cluster, slurm):
    local = cluster.top / ".stoa/local.yaml"
    local.write_text(local.read_text().replace("chunk: 1", "chunk: 1, most_elements: 2"))
    assert cluster.json("run", "measure", "--engine", "slurm")["counts"] == {"ok": 3}


def test_without_slurm_it_says_so(survey, monkeypatch):
    monkeypatch.setenv("PATH", str(survey.top))
    assert survey("run", "measure", "--engine", "slurm").stderr.startswith("error: ")
