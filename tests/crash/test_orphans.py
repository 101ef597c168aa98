"""Jobs that outlive their STOA are found, never started a second time beside themselves, and can be stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest
from survey import Survey, wait_for

WAITS = """\
echo $$ >> "$1/started"
while [ ! -e "$1/go" ]; do sleep 0.02; done
"""


def started(survey: Survey) -> list[int]:
    """Process numbers of the jobs of target a, in their order."""
    file = survey.top / "data/a/started"
    text = file.read_text() if file.exists() else ""
    return [int(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


@pytest.fixture
def left_alone(survey) -> Iterator[tuple[Survey, str]]:
    """The job of target a runs, and the STOA that started it was killed; with the id of the run."""
    survey.does("a", WAITS)
    process: subprocess.Popen[str] = survey.start("run", "measure", "--target", "a")
    wait_for(lambda: started(survey), "the job", 60)
    process.kill()
    process.communicate()
    yield survey, survey.json("runs")[0]["run"]
    for group in started(survey):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue


def ended(survey: Survey) -> bool:
    return not any(row["state"] == "orphaned" for row in survey.json("runs"))


def test_it_is_shown(left_alone):
    survey, run = left_alone
    (row,) = survey.json("runs")
    assert (row["run"], row["state"], row["still_running"], started(survey)[0] in row["pids"]) == (
        run, "orphaned", 1, True,
    )  # fmt: skip
    assert survey.runs() == []


def test_no_second_one_is_started_beside_it(left_alone):
    survey, _ = left_alone
    survey("run", "measure", "--target", "a")
    survey("run", "measure", "--target", "a", "--force")
    assert len(started(survey)) == 1
    survey.ok("run", "measure", "--target", "b")
    assert survey.statuses()["b"] == "ok"


def test_when_it_has_ended_the_run_is_put_into_git_and_the_target_can_be_run(left_alone):
    survey, run = left_alone
    (survey.top / "data/a/go").touch()
    wait_for(lambda: ended(survey), "its end", 60)
    survey.ok("status")
    assert survey.statuses(run) == {"a": "interrupted"}
    survey.ok("run", "measure", "--target", "a")
    assert survey.statuses() == {"a": "ok"}
    assert len(started(survey)) == 2


@pytest.fixture
def one_of_three(survey) -> Iterator[tuple[Survey, str]]:
    """The jobs of b and c have ended, that of a runs, and the STOA that started them was killed; with the run's id."""
    survey.does("a", WAITS)
    survey.does("c", "exit 3")
    process: subprocess.Popen[str] = survey.start("run", "measure", "-j", "3")
    wait_for(lambda: started(survey), "the job", 60)
    wait_for(lambda: sum(survey.json("runs")[0]["counts"].values()) == 2, "the other jobs", 60)
    process.kill()
    process.communicate()
    yield survey, survey.json("runs")[0]["run"]
    for group in started(survey):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def test_what_had_ended_beside_it_is_put_into_git_by_the_next_command(one_of_three):
    survey, run = one_of_three
    survey.ok("status")
    assert survey.statuses(run) == {"b": "ok", "c": "failed"}
    before = survey.head()
    (row,) = survey.json("status")["live"]
    assert (row["state"], row["still_running"], row["counts"]) == ("orphaned", 1, {"ok": 1, "failed": 1})
    assert "lost its STOA; 1 job still runs (pids " in survey.ok("status")
    assert survey.head() == before


def test_only_the_target_that_still_runs_is_left_to_it(one_of_three):
    survey, run = one_of_three
    states = {job["target"]: (job["state"], job["reason"]) for job in survey.json("plan", "measure")["jobs"]}
    assert states == {
        "a": ("new", f"is running in {run}, whose STOA was killed (`stoa stop` ends its jobs)"),
        "b": ("ok", "up to date"),
        "c": ("failed", "failed: exit code 3"),
    }
    survey("run", "measure", "--force")
    assert survey.statuses() == {"b": "ok", "c": "failed"}
    assert len(started(survey)) == 1


def test_the_run_is_completed_when_its_last_job_has_ended(one_of_three):
    survey, run = one_of_three
    survey.ok("status")
    (survey.top / "data/a/go").touch()
    wait_for(lambda: ended(survey), "its end", 60)
    survey.ok("status")
    assert survey.statuses(run) == {"a": "interrupted", "b": "ok", "c": "failed"}
    assert "summary.yaml" in survey.git("ls-tree", "--name-only", f"HEAD:.stoa/runs/{run}")
    assert survey.json("status")["live"] == []


def test_stop_knows_it_as_the_last_one(left_alone):
    survey, run = left_alone
    assert survey.json("stop", "last")["run"] == run
    assert survey.error("stop", "last") == ["error: no live run", "hint: `stoa runs` lists the runs"]


def test_stop_ends_it_and_puts_the_run_into_git(left_alone):
    survey, run = left_alone
    said = survey.json("stop", run)
    assert said["in_git"]
    assert started(survey)[0] in said["ended"]
    assert survey.statuses(run) == {"a": "interrupted"}
