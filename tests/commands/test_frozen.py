"""What ran is what is recorded, also when its files change while it runs."""

from __future__ import annotations

import json
import subprocess

import pytest
from survey import SCRIPT, wait_for


@pytest.fixture
def running(survey):
    """A run whose first job waits; what belongs to it is edited meanwhile, then it continues."""
    survey.does("a", 'touch "$1/started"; while [ ! -e "$1/go" ]; do sleep 0.02; done')
    process: subprocess.Popen[str] = survey.start("run", "measure", "-j", "1", "--json")
    wait_for((survey.top / "data/a/started").exists, "the first job")
    yield survey, process
    process.kill()
    process.communicate()


def test_a_script_that_is_edited_while_it_runs_changes_nothing(running):
    survey, process = running
    (survey.top / "measure.sh").write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    survey.edit(".stoa/processes/measure.yaml", "default: 5", "default: 50")
    (survey.top / ".stoa/environments/host.yaml").unlink()
    (survey.top / "data/a/go").touch()
    said = json.loads(process.communicate(timeout=30)[0])
    assert said["counts"] == {"ok": 3}
    assert {outcome["results"]["snr"] for outcome in survey.outcomes().values()} == {5.0}


def test_the_frozen_definitions_are_those_that_ran(running):
    survey, process = running
    definition = survey.committed(".stoa/processes/measure.yaml")
    survey.edit("measure.sh", "snr $2", "SNR $2")
    survey.edit(".stoa/processes/measure.yaml", "default: 5", "default: 50")
    (survey.top / "data/a/go").touch()
    process.communicate(timeout=30)
    frozen = f".stoa/runs/{survey.runs()[0]}/frozen"
    assert survey.committed(f"{frozen}/script/measure.sh") == SCRIPT
    assert survey.committed(f"{frozen}/process.yaml") == definition
    assert "  snr: 5.0\n" in survey.committed(f"{frozen}/params.yaml")
    assert survey.ok("why", "measure", "a") == "a: runs, the script changed; parameter snr: 5 -> 50\n"


def test_equal_definitions_take_no_room_twice(survey):
    survey.ok("run", "measure")
    survey.ok("rerun")
    first, second = (f"HEAD:.stoa/runs/{run}/frozen" for run in survey.runs())
    assert survey.git("rev-parse", first) == survey.git("rev-parse", second)


def test_a_script_that_rewrites_itself_is_recorded_as_it_was_and_not_run_any_more(survey):
    survey.does("a", 'chmod u+w "$0"; echo "exit 3" > "$0"')
    survey("run", "measure", "-j", "1")
    assert survey.committed(f".stoa/runs/{survey.runs()[0]}/frozen/script/measure.sh") == SCRIPT
    assert (survey.top / "measure.sh").read_text(encoding="utf-8") == SCRIPT
    found = survey.outcomes()
    assert {name: outcome["status"] for name, outcome in found.items()} == {"a": "ok", "b": "error", "c": "error"}
    assert found["a"]["cause"] == "changed while it ran: script measure.sh"
    assert found["b"]["cause"].startswith("a job changed the run's copy of the script, which is not run any more: ")
    survey.does("a", "true")
    survey.ok("run", "measure", "--failed")
    assert survey.statuses() == {"b": "ok", "c": "ok"}


def test_the_copy_of_a_script_is_not_to_be_written_to(survey):
    survey.does("a", 'ls -l "$0" > mode.txt')
    survey.ok("run", "measure", "--target", "a")
    assert (survey.top / "products/measure" / survey.runs()[0] / "a/mode.txt").read_text().startswith("-r-xr-xr-x")


def test_a_script_is_told_of_its_job(survey):
    survey.does("a", "cp stoa-job.json job.json; env | grep ^STOA_ | sort > environ.txt")
    survey.ok("run", "measure", "--target", "a", "--set", "deep=true")
    (run,) = survey.runs()
    place = survey.top / "products/measure" / run
    told = json.loads((place / "a/job.json").read_text(encoding="utf-8"))
    assert told == {
        "schema": 1, "run": run, "process": "measure", "target": "a", "group": "", "folder": f"{survey.top}/data/a",
        "meta": f"{survey.top}/.stoa/meta/a.xml", "out": f"{place}/.work/a", "inputs": {},
        "params": {"snr": 5.0, "mode": "fast", "deep": True, "n": 3}, "needs": {}, "attempt": 1, "facts": {},
    }  # fmt: skip
    environ = dict(line.split("=", 1) for line in (place / "a/environ.txt").read_text().splitlines())
    assert (environ["STOA_TARGET"], environ["STOA_PARAM_SNR"], environ["STOA_PARAM_DEEP"]) == ("a", "5.0", "true")
