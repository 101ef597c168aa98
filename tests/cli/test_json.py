"""--json: one document on standard output and nothing else, with keys that stay; further ones may come."""

from __future__ import annotations

import json

import pytest

RUN_REPORT = {
    "run", "commit", "commits", "process", "params", "targets", "jobs", "counts", "up_to_date", "causes", "duration_s",
    "stopped",
}  # fmt: skip
MADE = {"name", "files", "commit"}
REVIEWED = {"id", "kind", "targets", "commit"}

KEYS = [
    (("root", "add", "more", "data"), {"name", "path", "exists", "doc"}),
    (("root", "list"), {"name", "path", "exists", "doc"}),
    (("target", "add", "data", "*"), {"added", "known", "refused", "commit"}),
    (("target", "list"), {"name", "root", "path", "flags", "metadata"}),
    (("target", "show", "a"), {"name", "root", "path", "flags", "metadata"}),
    (("meta", "build"), {"targets", "changed", "vanished", "files", "commit"}),
    (("meta", "check"), {"target", "problems"}),
    (("process", "add", "sep"), MADE),
    (("process", "new", "other", "--from", "measure.sh"), MADE),
    (("process", "list"), {"name", "doc", "problem"}),
    (("process", "check"), {"checked", "problems"}),
    (("params", "new", "deep", "--process", "measure", "--set", "snr=4"), {"made", "values"}),
    (("params", "list"), {"process", "set", "values", "problem"}),
    (("params", "show", "default", "--process", "measure"), {"process", "name", "values", "doc"}),
    (("env", "add", "mine"), MADE),
    (("env", "list"), {"name", "doc", "problem"}),
    (("env", "show", "host"), {"environment", "facts"}),
    (("plan", "measure"), {"process", "params", "jobs", "to_run"}),
    (("run", "measure", "--force", "--dry-run"), {"process", "params", "jobs", "to_run"}),
    (("rerun", "--dry-run"), {"process", "params", "jobs", "to_run"}),
    (("why", "measure", "a"), {"target", "group", "state", "reason", "runs", "missing", "inputs", "meta"}),
    (("run", "measure", "--force"), RUN_REPORT),
    (("run", "measure"), RUN_REPORT),
    (("run", "measure", "--set", "snr=3,4"), RUN_REPORT),
    (("rerun",), RUN_REPORT),
    (("log", "b"), {"target", "group", "run", "status", "whole", "text"}),
    (("flag", "a", "b"), REVIEWED),
    (("comment", "a", "-m", "x"), REVIEWED),
    (("reviews", "--flags"), {"id", "target", "run", "group", "reason", "text", "author", "email", "time", "open"}),
    (("status",), {"project", "branch", "commit", "targets", "described", "pairs", "live", "flagged", "unreadable",
                   "healed"}),
    (("runs",), {"run", "process", "params", "environment", "author", "started", "state", "jobs", "counts",
                 "duration_s"}),
    (("show", "a"), {"target", "folder", "folder_exists", "metadata", "latest", "reviews", "open_flags"}),
    (("show", "last"), {"run", "summary", "commit_hint"}),
    (("process", "show", "measure"), {"name", "command", "script", "over", "inputs", "params", "outputs", "results",
                                      "environment", "timeout_s", "memory_mb", "doc"}),
    (("diff", "last", "last"), {"a", "b", "run_a", "run_b", "definitions", "script_diff", "mixtures", "transitions",
                                "same_status", "results", "changes", "causes"}),
    (("reviews",), {"id", "kind", "target", "author", "time"}),
    (("unflag", "a"), REVIEWED),
    (("meta", "show", "a"), {"groups", "others"}),
]  # fmt: skip


@pytest.fixture
def told(survey):
    """A project in which one target failed, with a flag and documents."""
    survey.does("b", "echo oh; exit 1")
    survey("run", "measure")
    survey.ok("flag", "a")
    survey.ok("meta", "build", "a")
    return survey


def document(survey, words: tuple[str, ...]):
    """The whole document, its schema first."""
    result = survey(*words, "--json")
    assert result.stderr == ""
    said = json.loads(result.stdout)
    assert next(iter(said.items())) == ("schema", 1)
    return said


@pytest.mark.parametrize(("words", "keys"), KEYS, ids=[" ".join(words) for words, _ in KEYS])
def test_a_verb_says_all_in_one_document(told, words, keys):
    said = document(told, words)
    lists = [value for value in said.values() if isinstance(value, list)]
    entries = lists[0] if len(said) == 2 and lists else [said]
    assert entries
    for entry in entries:
        assert keys <= set(entry)


def test_sets_that_are_equal_differ_in_nothing(told):
    assert document(told, ("params", "diff", "default", "default", "--process", "measure"))["differences"] == []


def test_an_error_is_a_document_too_and_stands_in_words_on_standard_error(told):
    result = told("show", "nosuch", "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, list(said)) == (1, ["schema", "error"])
    assert "'nosuch'" in said["error"]["message"]
    assert result.stderr.startswith(f"error: {said['error']['message']}")
    assert result.stderr.endswith(f"hint: {said['error']['hint']}\n")


def test_wrong_usage_is_a_document_too(told):
    result = told("show", "--row", "x", "a", "--json")
    assert (result.exit_code, list(json.loads(result.stdout)["error"])) == (2, ["message", "hint"])
    assert "--row" in result.stderr


def test_json_may_stand_before_the_verb(told):
    assert json.loads(told.ok("--json", "runs")) == json.loads(told.ok("runs", "--json"))


def test_the_exit_code_is_that_of_the_text(told):
    assert told("meta", "check", "--json").exit_code == 1
    assert told("run", "measure", "--force", "--json").exit_code == 3
    assert told("run", "measure", "--json").exit_code == 0


def test_lists_of_outcomes_in_a_plan_are_all_jobs(told):
    plan = document(told, ("plan", "measure"))
    assert [(job["target"], job["state"], job["runs"]) for job in plan["jobs"]] == [
        ("a", "ok", False), ("b", "failed", False), ("c", "ok", False),
    ]  # fmt: skip
