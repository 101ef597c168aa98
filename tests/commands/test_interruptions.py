"""An interruption says nothing about a target, and hides nothing that is known of it."""

from __future__ import annotations

import signal

import pytest
from survey import wait_for


def interrupt(survey, *words: str, number: int = signal.SIGTERM) -> str:
    """Start a run whose job of target b does not end, and stop it; standard output of the run."""
    survey.does("b", 'touch "$1/begun"; sleep 60')
    process = survey.start("run", "measure", "-j", "1", *words)
    wait_for((survey.top / "data/b/begun").exists, "job b")
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    if number == signal.SIGKILL:
        survey("stop", "--now")  # the job that continues
    (survey.top / "data/b/job.sh").unlink()
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_result_stays_current_when_a_later_run_is_cut_short(survey, number):
    survey.ok("run", "measure")
    interrupt(survey, "--force", number=number)
    report = survey.json("status")
    assert report["pairs"][0]["counts"] == {"ok": 3}
    assert report["pairs"][0]["interrupted_since"] == 1
    target = report["targets"][1]
    assert (target["states"], target["interrupted_since"]) == (
        {"measure@default": "ok"}, {"measure@default": survey.runs()[-1]}
    )  # fmt: skip
    assert "interrupted since, in run" in survey.ok("show", "b")
    assert survey.json("run", "measure")["up_to_date"] == {"up to date": 3}


def test_a_run_that_comes_to_an_end_takes_the_place_of_both(survey):
    survey.ok("run", "measure")
    interrupt(survey, "--force")
    survey.ok("run", "measure", "--force")
    assert survey.json("status")["pairs"][0]["interrupted_since"] == 0


def test_a_failure_stays_a_failure_when_its_rerun_is_cut_short(survey):
    survey.does("b", "exit 1")
    survey("run", "measure")
    interrupt(survey, "--failed")
    assert survey.json("status")["pairs"][0]["counts"] == {"ok": 2, "failed": 1}
    assert survey.json("run", "measure", "--failed")["counts"] == {"ok": 1}


def test_jobs_that_never_began_have_no_outcome_and_are_counted(survey):
    said = interrupt(survey)
    assert "processed 3 targets: 1 ok, 1 interrupted, 1 untouched" in said
    assert survey.statuses() == {"a": "ok", "b": "interrupted"}
    assert survey.json("show", "last")["summary"]["untouched"] == 1
    pair = survey.json("status")["pairs"][0]
    assert (pair["counts"], pair["new"]) == ({"ok": 1, "interrupted": 1}, 1)


def test_what_was_only_ever_interrupted_runs_by_default(survey):
    interrupt(survey)
    report = survey.json("run", "measure")
    assert (report["counts"], report["untouched"]) == ({"ok": 2}, 0)
