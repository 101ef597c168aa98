"""Runs that continue without the process that started them: followed, stopped, found again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from survey import REPOSITORY, wait_for

import stoa
from stoa.api import OpenProject
from stoa.request import Request, Selection
from stoa.runs.typed import command_of


@pytest.fixture
def project(survey, monkeypatch) -> Iterator[OpenProject]:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    with stoa.open(survey.top) as opened:
        yield opened


@pytest.fixture
def waiting(survey) -> Iterator[None]:
    """All jobs wait until there is the file `go`, which comes at the end at the latest."""
    for name in ("a", "b", "c"):
        survey.does(name, f'while [ ! -f "{survey.top}/go" ]; do sleep 0.05; done')
    yield
    (survey.top / "go").touch()


def test_a_run_is_started_and_its_end_is_waited_for(survey, project):
    run = project.start("measure", settings={"snr": 4}, targets=["a", "b"], jobs=2)
    seen = run.wait(60)
    assert (seen.state, seen.counts, seen.params) == ("ended", {"ok": 2}, "default+snr=4")
    assert run.run == seen.run == survey.runs()[-1]
    assert run.report.counts == {"ok": 2}
    assert "2 of 2 jobs: 2 ✓ ok" in repr(run)
    with pytest.raises(stoa.StoaError, match="has ended"):
        run.stop()


def test_a_live_run_is_found_from_another_process_and_stopped(survey, project, waiting):
    run = project.start("measure", jobs=1)
    wait_for(lambda: run.look().state == "running", "the run to begin")
    code = (
        "import stoa; p = stoa.open(); r, = p.live(); print(r.run, r.look().state, p.follow().run == r.run); r.stop()"
    )
    words = subprocess.run([sys.executable, "-c", code], cwd=survey.top, capture_output=True, text=True, check=True)
    assert words.stdout.split() == [run.run, "running", "True"]
    (survey.top / "go").touch()
    seen = run.wait(60)
    assert seen.state == "stopped"
    assert seen.ended < 3
    assert list(project.live()) == []
    assert project.start("measure").wait(60).state == "ended"
    assert set(survey.statuses().values()) == {"ok"}


def test_a_run_that_has_not_begun_is_found_by_who_started_it(survey, project, waiting):
    run = project.start("measure", jobs=3)
    with stoa.open(survey.top) as again:
        found, (live,) = again.follow(), again.live()
    assert found is live is run
    (survey.top / "go").touch()
    assert found.wait(60).counts == {"ok": 3}
    assert project.follow().run == run.run
    assert list(project.live()) == []


def test_a_run_is_stopped_at_once(survey, project, waiting):
    run = project.start("measure", jobs=3)
    wait_for(lambda: run.look().state == "running", "the run to begin")
    assert run.stop(now=True).at_once
    assert run.wait(60).state == "stopped"


def test_a_run_whose_stoa_is_killed_is_put_into_git(survey, project, waiting):
    run = project.start("measure", jobs=1)
    pid = wait_for(lambda: run.look().pid, "the run to begin")
    os.kill(pid, signal.SIGKILL)
    (survey.top / "go").touch()
    assert run.wait(60).state in ("stopped", "ended")
    assert run.run in survey.runs()


def test_one_who_waits_may_give_up(survey, project, waiting):
    run = project.start("measure", jobs=1)
    with pytest.raises(stoa.StoaError, match="has not ended within"):
        run.wait(0.01)
    (survey.top / "go").touch()
    assert run.wait(60).counts == {"ok": 3}


def test_a_run_that_cannot_begin_says_why(survey, project):
    run = project.start("measur")
    with pytest.raises(stoa.StoaError, match="no process named 'measur'; did you mean 'measure'") as caught:
        run.wait(60)
    assert "process list" in caught.value.hint or caught.value.hint
    assert run.look().state == "error"
    assert "no process named" in repr(run)


def test_a_run_without_a_job_is_no_error(survey, project):
    project.run("measure")
    run = project.start("measure")
    assert run.wait(60).state == "ended"
    assert run.run == ""
    assert "nothing to do" in repr(run)


def test_an_ended_run_is_followed_by_its_name(survey, project):
    project.run("measure", targets="a")
    seen = project.follow("last").look()
    assert (seen.state, seen.counts) == ("ended", {"ok": 1})
    with pytest.raises(stoa.StoaError, match="no run named 'x'"):
        project.follow("x")


def test_a_request_is_typed_whole():
    chosen = Selection(targets=("a", "b*"), where="x > 1", new=True, failed=True, force=True, like="memory")
    asked = Request(
        process="p", params="s", environment="e", settings={"k": "1"}, selection=chosen, canary=3, workers=2,
        engine="slurm",
    )  # fmt: skip
    assert command_of(asked) == (
        "stoa", "run", "p", "--params", "s", "--set", "k=1", "--env", "e", "--target", "a", "--target", "b*",
        "--where", "x > 1", "--new", "--failed", "--force", "--like", "memory", "--canary", "3", "--jobs", "2",
        "--engine", "slurm",
    )  # fmt: skip
