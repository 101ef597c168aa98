"""What was made before is taken over where a run would make the same again."""

from __future__ import annotations

import shutil

import pytest
from plans import verdicts

NEW, OLD = "looks $2", "snr $2"


@pytest.fixture
def reverted(survey):
    """A script that was run, edited, run, and edited back; each job of each run leaves a mark."""
    survey.edit("measure.sh", "#!/bin/sh\n", f"#!/bin/sh\necho >> {survey.top / 'data'}/marks\n")
    survey.ok("run", "measure")
    survey.edit("measure.sh", OLD, NEW)
    survey.ok("run", "measure")
    survey.edit("measure.sh", NEW, OLD)
    return survey


def jobs_run(survey) -> int:
    return len((survey.top / "data/marks").read_text().splitlines())


def test_an_edit_and_its_revert_run_nothing(reverted):
    first = reverted.runs()[0]
    assert "restored from " + first in reverted.ok("plan", "measure")
    report = reverted.json("run", "measure")
    assert (report["counts"], report["restored"], jobs_run(reverted)) == ({"ok": 3}, 3, 6)
    before, now = reverted.outcomes(first)["a"], reverted.outcomes()["a"]
    assert now["restored"] == first
    assert [now[name] for name in ("outputs", "results", "place")] == [
        before[name] for name in ("outputs", "results", "place")
    ]
    assert f"restored from {first}" in reverted.ok("show", "a")
    assert reverted.json("run", "measure")["up_to_date"] == {"up to date": 3}
    assert reverted.ok("fsck")


def test_a_folder_that_is_gone_is_blocked_and_not_restored(reverted):
    shutil.move(reverted.top / "data/a", reverted.top / "data/elsewhere")
    lines = reverted.ok("plan", "measure").splitlines()
    assert [line.split() for line in lines if line.startswith("a ")] == [
        ["a", "stale", "block", "the", "folder", "data:a", "is", "not", "there"]
    ]
    report = reverted.json("run", "measure")
    assert (report["counts"], report["restored"]) == ({"ok": 2, "blocked": 1}, 2)


def test_what_was_restored_is_restored_from_the_run_that_made_it(reverted):
    first = reverted.runs()[0]
    reverted.ok("run", "measure")
    reverted.ok("params", "new", "same", "--process", "measure")
    reverted.ok("run", "measure@same")
    assert {outcome["restored"] for outcome in reverted.outcomes().values()} == {first}


def test_the_name_of_the_set_plays_no_part(survey):
    survey.ok("run", "measure")
    survey.ok("params", "new", "same", "--process", "measure")
    assert survey.json("run", "measure@same")["restored"] == 3
    assert survey.json("status")["pairs"][1]["counts"] == {"ok": 3}


@pytest.mark.parametrize("words", [("run", "measure", "--force"), ("rerun",)])
def test_who_asks_for_jobs_gets_them(reverted, words):
    report = reverted.json(*words)
    assert (report["restored"], jobs_run(reverted)) == (0, 9)


def test_products_that_are_gone_or_changed_are_made_again(reverted):
    first = reverted.outcomes(reverted.runs()[0])
    shutil.rmtree(reverted.top / first["a"]["place"].replace(":", "/", 1))
    (reverted.top / first["b"]["outputs"]["table"]["path"].replace(":", "/", 1)).write_text("snr 6\n")
    report = reverted.json("run", "measure")
    assert (report["counts"], report["restored"], jobs_run(reverted)) == ({"ok": 3}, 1, 8)


def test_a_failure_is_never_restored(survey):
    survey.does("a", "exit 1")
    survey("run", "measure")
    survey.ok("params", "new", "same", "--process", "measure")
    assert verdicts(survey.json("plan", "measure@same"))["a"] == (True, "no outcome yet")
    assert survey.json("run", "measure@same")["counts"] == {"ok": 2, "failed": 1}
