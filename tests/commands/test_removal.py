"""Removing targets, roots and definitions: what refers to them is said, and what was recorded stays."""

from __future__ import annotations

import pytest


def fsck(survey) -> str:
    return survey.ok("fsck")


def test_a_removed_target_leaves_its_records_and_a_content_fsck(survey):
    survey.ok("meta", "build")
    survey.ok("run", "measure")
    survey.ok("flag", "a", "--reason", "check")
    result = survey("target", "remove", "a")
    assert result.stdout.startswith("removed target a (commit ")
    assert result.stderr == "1 outcome, 1 flag or comment still name it; these records stay as they are\n"
    assert [row["name"] for row in survey.json("target", "list")] == ["b", "c"]
    fsck(survey)
    assert "a" not in {row["target"] for row in survey.json("results", "measure")["rows"]}
    assert "nothing to do" in survey.ok("run", "measure")
    assert survey.json("query", "SELECT count(*) FROM outcomes WHERE target = 'a'")["rows"] == [[1]]


def test_a_removed_target_comes_back_with_its_name_and_history(survey):
    survey.ok("run", "measure")
    survey.ok("target", "remove", "a", "b")
    survey.ok("target", "add", "data", "a")
    assert [row["name"] for row in survey.json("target", "list")] == ["a", "c"]
    assert survey.ok("why", "measure", "a").endswith(", up to date\n")


def test_the_name_of_a_removed_target_is_not_given_to_another_folder(survey):
    survey.ok("run", "measure")
    survey.ok("target", "remove", "a")
    (survey.top / "data/x/a").mkdir(parents=True)
    survey.ok("target", "add", "data", "x/a")
    assert "x_a" in {row["name"] for row in survey.json("target", "list")}


def test_a_removed_process_leaves_what_ran(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    survey.ok("run", "measure")
    assert survey("process", "remove", "measure").stderr.startswith("1 run, 3 outcomes still name it")
    assert not (survey.top / ".stoa/params/measure/deep.yaml").exists()
    assert (survey.top / "measure.sh").exists()
    fsck(survey)
    assert survey.json("show", "a")["target"]
    assert "3 ok" in survey.ok("status")
    assert survey.error("run", "measure")[0].startswith("error: ")


def test_a_parameter_set_and_an_environment_are_removed(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    survey.ok("env", "add", "other")
    survey.ok("run", "measure@deep", "--env", "other")
    assert survey("params", "remove", "deep", "--process", "measure").stderr.startswith("1 run, 3 outcomes")
    assert survey("env", "remove", "other").stderr.startswith("1 run, 3 outcomes")
    fsck(survey)
    assert len(survey.json("results", "measure@deep+other")["rows"]) == 3
    survey.ok("status")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["root", "remove", "data"], "error: root 'data' is still named by target 'a', target 'b', target 'c'"),
        (["env", "remove", "host"], "error: environment 'host' is still named by process 'measure'"),
        (["target", "remove", "z"], "error: no target named 'z'"),
        (["process", "remove", "measur"], "error: no process named 'measur'"),
        (["params", "remove", "default", "--process", "measure"], "error: the parameter set 'default' of measure has"),
        (["root", "remove", "dat"], "error: no root named 'dat'"),
    ],
)
def test_what_is_in_use_or_unknown_is_not_removed(survey, words, message):
    before = survey.head()
    assert survey.error(*words)[0].startswith(message)
    assert survey.head() == before


def test_a_process_that_another_one_needs_is_not_removed(survey):
    text = "schema: 1\nname: after\ncommand: [ls]\nneeds: [measure]\n"
    (survey.top / ".stoa/processes/after.yaml").write_text(text, encoding="utf-8")
    assert "still named by process 'after'" in survey.error("process", "remove", "measure")[0]


def test_a_root_without_targets_is_removed_and_the_folder_stays(survey):
    survey.ok("target", "remove", "*")
    assert survey("root", "remove", "data").stderr.startswith("3 removed targets still name it")
    assert (survey.top / "data/a").is_dir()
    assert "data" not in {row["name"] for row in survey.json("root", "list")}
    fsck(survey)
    survey.ok("root", "add", "data", "data")
    survey.ok("target", "add", "data", "a")
