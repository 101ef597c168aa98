"""Environments in the life of a project: added, built, recorded, seen by staleness, chosen by rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from local_package import make_wheel

import stoa

USES = """\
schema: 1
name: uses
command: [python, -c, "import os, skymap; print(skymap.__version__, os.environ.get('PLACE', ''))"]
environment: sky
"""


@pytest.fixture
def project(survey):
    """A survey with a process in a virtual environment."""
    make_wheel(survey.top / "wheels")
    (survey.top / "sky.txt").write_text("--no-index\n--find-links wheels\nskymap\n")
    survey.ok("env", "add", "sky", "--requirements", "sky.txt", "--doc", "maps of the sky")
    (survey.top / ".stoa/processes/uses.yaml").write_text(USES)
    return survey


def run_record(project, run: str):
    return yaml.safe_load(project.committed(f".stoa/runs/{run}/run.yaml"))


def test_the_first_run_builds_it_and_the_record_has_the_lock(project):
    report = project.json("run", "uses", "-j", "1")
    assert report["counts"] == {"ok": 3}
    frozen = f".stoa/runs/{report['run']}/frozen"
    assert project.committed(f"{frozen}/environments/sky/sky.txt").endswith("skymap\n")
    assert project.committed(f"{frozen}/environments/sky/requirements.lock") == "skymap==1.0\n"
    said = run_record(project, report["run"])
    assert said["environment_facts"]["kind"] == "venv"
    assert said["digests"]["content of sky"] == said["environment_facts"]["lock"]
    assert project.ok("fsck")


def test_an_environment_that_is_built_anew_with_other_packages_makes_outcomes_stale(project):
    project.ok("run", "uses")
    assert project.json("run", "uses")["run"] == ""
    make_wheel(project.top / "wheels", version="2.0")
    project.ok("env", "build", "sky")
    assert project.json("run", "uses")["run"] == "", "it was built already"
    project.ok("env", "build", "sky", "--again")
    assert "the environment 'sky' was built again or its image changed" in project.ok("why", "uses", "a")
    assert project.json("run", "uses")["counts"] == {"ok": 3}


def test_changed_requirements_make_outcomes_stale(project):
    project.ok("run", "uses")
    (project.top / "sky.txt").write_text("--no-index\n--find-links wheels\nskymap == 1.0\n")
    assert "the environment 'sky' changed" in project.ok("why", "uses", "a")


def test_on_a_machine_where_it_is_not_built_nothing_is_stale(project):
    project.ok("run", "uses")
    shutil.rmtree(project.top / ".stoa/cache/environments")
    assert project.json("run", "uses")["run"] == ""


def test_what_is_not_built_is_shown_as_such_and_checks(project):
    assert "is not built on this machine yet" in project.ok("env", "show", "sky")
    assert "0 problems" in project.ok("process", "check")
    assert "lock" in project.json("env", "build", "sky")["facts"]
    assert "lock" in project.ok("env", "show", "sky")


def test_a_requirement_that_cannot_be_had_ends_the_run_before_it_begins(project):
    (project.top / "sky.txt").write_text("--no-index\nnothing-of-that-name\n")
    errors = project.error("run", "uses")
    assert errors[0].startswith("error: environment 'sky' cannot be built: pip: ERROR: Could not find a version")
    assert project.runs() == []


def test_a_tool_says_its_version_for_the_record(survey):
    survey.edit(".stoa/environments/host.yaml", "kind: host", "kind: host\nversions: {shell: [sh, -c, echo 9.9]}")
    run = survey.json("run", "measure")["run"]
    assert run_record(survey, run)["environment_facts"]["shell"] == "9.9"


RULES = """\
schema: 1
name: by-name
kind: host
rules:
  - {where: "name = 'b'", environment: other, doc: b is special}
  - {where: "n_files >= 0", environment: host}
"""


@pytest.fixture
def ruled(survey):
    """A survey whose process names an environment with rules."""
    survey.ok("env", "add", "other", "--environ", "PLACE=other")
    survey.ok("meta", "build")
    (survey.top / ".stoa/environments/by-name.yaml").write_text(RULES)
    (survey.top / ".stoa/processes/where.yaml").write_text(
        "name: where\nenvironment: by-name\ncommand: [sh, -c, 'echo in $PLACE']\n"
    )
    return survey


def outcomes(survey, run: str) -> dict[str, dict]:
    lines = survey.committed(f".stoa/runs/{run}/outcomes-0000.yaml").splitlines()
    return {found["target"]: found for found in (json.loads(line[2:]) for line in lines)}


def test_a_rule_chooses_the_environment_and_the_outcome_says_which_and_why(ruled):
    found = outcomes(ruled, ruled.json("run", "where")["run"])
    assert (found["b"]["environment"], found["b"]["environment_reason"]) == ("other", "b is special")
    assert found["b"]["log"] == "in other\n"
    assert (found["a"]["environment"], found["a"]["environment_reason"]) == ("host", "n_files >= 0")
    assert found["a"]["log"] == "in\n"


def test_a_target_that_fits_no_rule_runs_in_the_environment_itself(ruled):
    ruled.edit(".stoa/environments/by-name.yaml", '"n_files >= 0"', "\"band = 'never'\"")
    found = outcomes(ruled, ruled.json("run", "where")["run"])
    assert "environment" not in found["a"]
    assert found["b"]["environment"] == "other"


def test_only_targets_whose_own_environment_changed_are_stale(ruled):
    ruled.ok("run", "where")
    assert ruled.json("run", "where")["run"] == ""
    ruled.edit(".stoa/environments/other.yaml", "PLACE: other", "PLACE: elsewhere")
    assert ruled.json("run", "where")["counts"] == {"ok": 1}
    ruled.edit(".stoa/environments/by-name.yaml", "name = 'b'", "name = 'c'")
    assert "environment: other -> host" in ruled.ok("why", "where", "b")
    assert "environment: host -> other" in ruled.ok("why", "where", "c")
    assert "up to date" in ruled.ok("why", "where", "a")


def test_a_rule_that_is_no_sql_or_names_no_environment_is_refused(ruled):
    ruled.edit(".stoa/environments/by-name.yaml", "name = 'b'", "frequency > 3")
    errors = ruled.error("run", "where")
    assert errors[0].startswith("error: a rule of environment 'by-name': this SQL cannot be answered: no such column")
    ruled.edit(".stoa/environments/by-name.yaml", "environment: other", "environment: othr")
    assert ruled.error("run", "where")[0] == "error: no environment named 'othr'; did you mean 'other'?"


def test_the_definitions_of_all_that_were_used_are_frozen(ruled):
    run = ruled.json("run", "where")["run"]
    assert "PLACE" in ruled.committed(f".stoa/runs/{run}/frozen/environments/other.yaml")
    assert "rules:" in ruled.committed(f".stoa/runs/{run}/frozen/environment.yaml")
    assert run_record(ruled, run)["environment_facts"]["other: kind"] == "host"


def test_a_script_reports_from_an_interpreter_without_stoa(survey, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    survey.ok("env", "add", "bare", "--python", tmp_path / "bare/bin/python")
    (survey.top / "tell.py").write_text("from stoa import job, report\nreport(n=job()['params']['n'])\n")
    (survey.top / ".stoa/processes/tell.yaml").write_text(
        'schema: 1\nname: tell\nscript: tell.py\ncommand: [python, "{script}"]\nenvironment: bare\n'
        "params: {n: {type: int, default: 7}}\nresults: {n: {type: int}}\n"
    )
    survey.ok("run", "tell", "--target", "a")
    assert survey.outcomes()["a"]["results"] == {"n": 7}


def test_a_script_that_is_tried_by_hand_has_the_defaults_of_its_process(survey):
    (survey.top / "tell.py").write_text("from stoa import job\nprint(job()['params']['n'])\n")
    (survey.top / ".stoa/processes/tell.yaml").write_text(
        'schema: 1\nname: tell\nscript: tell.py\ncommand: [python, "{script}"]\nparams: {n: {type: int, default: 7}}\n'
    )
    environ = os.environ | {"PYTHONPATH": str(Path(stoa.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, survey.top / "tell.py"], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout == "7\n", done.stderr
