"""Processes that run over what others made, and inputs whose absence says that a process is not for a target."""

from __future__ import annotations

import shutil

import pytest
from survey import Survey
from terminal import Terminal

from stoa.cli.main import app

SECOND = """\
schema: 1
name: second
command: [sh, -c, 'cat "$1" > lines.txt', sh, "{table}"]
inputs:
  table: {pattern: table.txt}
outputs:
  lines: {path: lines.txt}
over_products_of: [measure]
"""

PICKY = """\
schema: 1
name: picky
command: [ls, "{vis}"]
inputs:
  vis: {pattern: "**/*.ms", missing: skip}
"""


@pytest.fixture
def chain(survey: Survey) -> Survey:
    (survey.top / ".stoa/processes/second.yaml").write_text(SECOND)
    survey.does("b", "exit 1")
    return survey


@pytest.fixture(scope="module")
def ran(survey_template, tmp_path_factory) -> Survey:
    """A project where everything ran once; b failed in the first process."""
    top = tmp_path_factory.mktemp("over") / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    survey = Survey(top, Terminal(app))
    (top / ".stoa/processes/second.yaml").write_text(SECOND)
    survey.does("b", "exit 1")
    done = survey("run", "--all")
    assert done.exit_code == 3, done.output
    return survey


def test_one_command_makes_the_products_and_runs_over_them(ran):
    first, second = ran.runs()
    assert ran.statuses(first) == {"a": "ok", "b": "failed", "c": "ok"}
    assert ran.statuses(second) == {"a_measure": "ok", "c_measure": "ok"}
    places = {target["name"]: target["path"] for target in ran.json("target", "list")}
    assert places["a_measure"] == "measure/latest/default/a"


def test_a_second_time_nothing_runs_and_the_maker_leaves_its_products_alone(ran):
    again = ran("run", "--all")
    assert again.exit_code == 0, again.output
    assert len(ran.runs()) == 2
    assert "2 up to date, 1 failed before" in again.output


def test_the_status_says_where_its_targets_come_from_and_which_have_none(ran):
    said = ran.ok("status", "second").splitlines()
    assert "  runs over the products of measure (2 of 2 targets)" in said
    assert "  none of 1 target (measure failed): b" in said
    status = ran.json("status")
    assert {pair["process"]: pair["new"] for pair in status["pairs"]} == {"measure": 0, "second": 0}
    states = {target["name"]: target["states"] for target in status["targets"]}
    assert states["a_measure"] == {"measure@default": "", "second@default": "ok"}
    assert states["b"] == {"measure@default": "failed", "second@default": ""}


def test_a_product_that_is_made_again_with_other_content_is_run_over_again(chain):
    chain("run", "--all")
    chain.edit("measure.sh", 'echo "snr $2"', 'echo "signal $2"')
    chain.ok("run", "--all", "--target", "a")
    assert chain.statuses() == {"a_measure": "ok"}
    lines = chain.top / "products/second/latest/default/a_measure/lines.txt"
    assert lines.read_text() == "signal 5.0\n"


def test_without_products_it_says_what_makes_them(chain):
    message, hint = chain.error("run", "second")
    assert "runs over the products of measure, and there are none" in message
    assert "stoa run --all second" in hint
    chain.does("a", "exit 1")
    chain.does("c", "exit 1")
    assert chain("run", "--all", "second").exit_code == 3
    assert "0 new targets" in chain.ok("update", "second", "--no-sync")


def test_an_update_takes_what_was_made_since(chain):
    chain("run", "measure", "--target", "a")
    chain.ok("update", "second", "--no-sync", "--settled", "0s")
    assert chain.statuses() == {"a_measure": "ok"}


def test_a_name_that_is_wrong_is_named(chain):
    chain.edit(".stoa/processes/second.yaml", "[measure]", "[measures]")
    problem = chain.error("run", "--all")
    assert "measures" in problem[0]


def test_what_it_runs_over_cannot_be_removed(chain):
    assert "second" in chain.error("process", "remove", "measure")[0]


def test_a_target_without_the_input_is_skipped_and_runs_once_it_is_there(survey):
    (survey.top / ".stoa/processes/picky.yaml").write_text(PICKY)
    (survey.top / "data/a/x.ms").mkdir()
    (survey.top / "data/a/x.ms/table.dat").write_text("1")
    for name in ("b/x.ms", "b/y.ms"):
        (survey.top / "data" / name).write_text("1")
    assert "c       new    skip   input vis: no file or folder matches" in survey.ok("plan", "picky")
    survey("run", "picky")
    assert survey.statuses() == {"a": "ok", "b": "blocked", "c": "skipped"}
    assert survey.outcomes()["c"]["cause"] == "input vis: no file or folder matches '**/*.ms'"
    (survey.top / "data/c/z.ms").write_text("1")
    survey("run", "picky")
    assert survey.statuses() == {"c": "ok"}


@pytest.mark.parametrize("words", ["role: image, missing: skip", "pattern: x, optional: true, missing: skip"])
def test_missing_is_for_what_is_looked_for_by_name_and_needed(survey, words):
    (survey.top / ".stoa/processes/picky.yaml").write_text(PICKY.replace('pattern: "**/*.ms", missing: skip', words))
    assert "inputs.vis.missing" in survey.error("process", "show", "picky")[0]


def test_products_that_were_added_by_hand_are_not_chosen_by_what_they_were_made_of(survey):
    survey.ok("run", "measure", "--target", "a")
    survey.ok("target", "add", "products", "measure/latest/default/*")
    survey.ok("run", "measure", "--target", "a", "--force")
    assert survey.statuses() == {"a": "ok"}
