"""stoa rerun: what failed, what is flagged, with other values."""

from __future__ import annotations

import pytest
from plans import verdicts


@pytest.fixture
def mixed(survey):
    """A run in which b failed and c was stopped by its own limit."""
    survey.edit(".stoa/processes/measure.yaml", "outputs:", "timeout: 0.5s\ngrace: 0.1s\noutputs:")
    survey.does("b", "echo 'KeyError: BMAJ'; exit 2")
    survey.does("c", "exec sleep 30")
    survey("run", "measure")
    assert survey.statuses() == {"a": "ok", "b": "failed", "c": "timeout"}
    return survey


def test_a_rerun_is_of_everything_in_the_last_run(mixed):
    mixed.does("b", "true")
    mixed.does("c", "true")
    first = mixed.runs()[-1]
    mixed.ok("rerun")
    assert mixed.statuses() == {"a": "ok", "b": "ok", "c": "ok"}
    assert f"rerun_of: {first}\n" in mixed.committed(f".stoa/runs/{mixed.runs()[-1]}/run.yaml")


def test_a_rerun_of_what_failed(mixed):
    mixed.does("b", "true")
    mixed.does("c", "true")
    mixed.ok("rerun", "--failed")
    assert mixed.statuses() == {"b": "ok", "c": "ok"}


def test_a_rerun_by_a_part_of_the_cause(mixed):
    mixed.does("b", "true")
    mixed.ok("rerun", "--like", "KeyError")
    assert mixed.statuses() == {"b": "ok"}


def test_a_rerun_of_what_is_flagged_with_another_set(mixed):
    mixed.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    mixed.ok("flag", "a")
    mixed.ok("rerun", "--flagged", "--params", "deep")
    assert mixed.statuses() == {"a": "ok"}
    assert mixed.outcomes()["a"]["results"] == {"snr": 4.0}


def test_failed_and_flagged_together(mixed):
    mixed.ok("flag", "a")
    plan = mixed.json("rerun", "--failed", "--flagged", "--dry-run")
    assert verdicts(plan) == {
        "a": (True, "flagged: check"),
        "b": (True, "failed before: KeyError: BMAJ"),
        "c": (True, "timeout before: timeout after 0.5 s"),
    }


def test_failed_and_flagged_are_those_of_the_pair_whatever_ran_last(mixed):
    mixed.ok("flag", "c")
    mixed.ok("run", "measure", "--target", "a", "--force")
    assert {name for name, (runs, _) in verdicts(mixed.json("rerun", "--failed", "--dry-run")).items() if runs} == {
        "b",
        "c",
    }
    assert verdicts(mixed.json("rerun", "--flagged", "--dry-run")) == {"c": (True, "flagged: check")}


def test_of_a_named_run_its_jobs_are_chosen_by_how_they_stand_now(mixed):
    first = mixed.runs()[0]
    mixed.does("b", "true")
    mixed.ok("rerun", "--failed", "--target", "b")
    assert set(verdicts(mixed.json("rerun", first, "--failed", "--dry-run"))) == {"c"}
    assert mixed.json("rerun", mixed.runs()[-1], "--failed", "--dry-run")["jobs"] == []


@pytest.mark.parametrize("verb", [("rerun",), ("run", "measure")])
def test_a_cause_narrows_what_failed(mixed, verb):
    mixed.ok("flag", "a", "c")
    for states in ((), ("--failed",), ("--failed", "--flagged")):
        plan = mixed.json(*verb, *states, "--like", "KeyError", "--dry-run")
        assert {name for name, (runs, _) in verdicts(plan).items() if runs} == {"b"}


def test_flagged_targets_that_cannot_take_part_are_named(survey):
    survey.ok("run", "measure", "--target", "a")
    survey.ok("flag", "a", "b", "c")
    result = survey("rerun", "--flagged")
    assert "2 flagged targets without an outcome: b, c" in result.stderr
    assert survey.statuses() == {"a": "ok"}
    assert survey.json("rerun", "--flagged", "--dry-run")["out_of_reach"] == {"without an outcome": ["b", "c"]}
    lists = next((survey.top / ".stoa/targets").iterdir())
    lists.write_text("".join(line for line in lists.read_text().splitlines(True) if '"c"' not in line))
    survey.git("commit", "--quiet", "--all", "--message", "without c")
    assert "1 flagged target in no list: c" in survey("run", "measure", "--flagged").stderr


def test_a_rerun_of_an_older_run_by_the_start_of_its_name(mixed):
    first = mixed.runs()[0]
    mixed("run", "measure", "--set", "snr=9", "--target", "a")
    assert mixed.json("rerun", first[:-2], "--failed", "--dry-run")["params"] == "default"


def test_a_rerun_of_a_pair_goes_back_to_its_latest_run(mixed):
    mixed("run", "measure", "--target", "c", "--force")
    mixed.does("b", "true")
    mixed("rerun", "measure@default", "--failed")
    assert set(mixed.statuses()) == {"b", "c"}
    assert mixed.json("show", "last")["run"]["rerun_of"] == mixed.runs()[1]
    assert mixed.json("status")["unreadable"] == []


def test_values_from_the_command_line_are_taken_over_by_a_rerun(survey):
    survey.ok("run", "measure", "--set", "snr=9", "--target", "a")
    survey.ok("rerun")
    assert survey.outcomes()["a"]["results"] == {"snr": 9.0}
    survey.ok("rerun", "--set", "n=1")
    assert survey.json("show", "last")["run"]["params"]["name"] == "default+snr=9+n=1"


def test_an_environment_from_the_command_line_is_taken_over_by_a_rerun(survey):
    survey.ok("env", "add", "other", "--environ", "X=1")
    survey.ok("run", "measure", "--env", "other")
    survey.ok("rerun")
    assert survey.json("show", "last")["run"]["environment"] == "other"


def test_several_values_make_one_rerun_each_of_the_same_run(survey):
    survey.does("a", "exit 1")
    survey("run", "measure")
    said = survey.json("rerun", "--failed", "--set", "snr=3,4")
    assert [(report["params"], report["jobs"]) for report in said] == [("default+snr=3", 1), ("default+snr=4", 1)]


def test_a_rerun_of_nothing_says_so(survey):
    survey.ok("run", "measure")
    before = survey.head()
    assert survey.ok("rerun", "--failed") == f"no job of {survey.runs()[0]} is selected\n"
    assert survey.head() == before


def test_stale_and_new_choose_by_state(survey):
    survey.ok("run", "measure", "--target", "a", "--target", "b")
    survey.edit("measure.sh", 'echo "snr $2"', 'echo "SNR $2"')
    survey.ok("run", "measure", "--target", "b")
    stale = survey.ok("rerun", "measure@default", "--stale", "--dry-run")
    assert [line.split()[0] for line in stale.splitlines() if " run " in line] == ["a"]
    new = survey.ok("rerun", "measure@default", "--new", "--dry-run")
    assert [line.split()[0] for line in new.splitlines() if " run " in line] == ["c"]
