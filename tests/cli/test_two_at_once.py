"""Commands that change definitions at the same moment: what each says it did is there afterwards."""

from __future__ import annotations

import pytest
from survey import Survey

TIMES = 8


@pytest.fixture
def ready(survey) -> Survey:
    for number in range(TIMES):
        (survey.top / f"data/new{number}").mkdir()
        (survey.top / f"script{number}.py").write_text("print(1)\n", encoding="utf-8")
    return survey


def all_at_once(survey: Survey, *commands: tuple[str, ...]) -> None:
    started = [survey.start(*words) for words in commands]
    ends = [(process.communicate(timeout=300)[1], process.returncode) for process in started]
    assert [code for _, code in ends] == [0] * len(commands), [err for err, code in ends if code]


def names(survey: Survey, *words: str) -> set[str]:
    return {row["name"] for row in survey.json(*words)}


def test_targets_that_are_added_at_once_are_all_there(ready):
    all_at_once(ready, *(("target", "add", "data", f"new{number}") for number in range(TIMES)))
    assert names(ready, "target", "list") == {"a", "b", "c", *(f"new{number}" for number in range(TIMES))}
    assert ready.git("status", "--porcelain", ".stoa") == ""


def test_different_definitions_that_are_made_at_once_are_all_there(ready):
    all_at_once(
        ready,
        ("target", "add", "data", "new0"),
        ("root", "add", "one", "data/new1"),
        ("root", "add", "two", "data/new2"),
        ("process", "new", "first", "--from", "script1.py"),
        ("process", "new", "second", "--from", "script2.py"),
        ("params", "new", "deep", "--process", "measure", "--set", "snr=4"),
        ("target", "add", "data", "new3"),
        ("flag", "a", "--reason", "check"),
    )
    assert {"new0", "new3"} <= names(ready, "target", "list")
    assert {"one", "two", "data"} <= names(ready, "root", "list")
    assert {"first", "second"} <= names(ready, "process", "list")
    for name in ("one", "two"):
        assert f"  {name}:" in ready.committed(".stoa/config.yaml")
    assert "deep" in ready.git("ls-tree", "-r", "--name-only", "HEAD", ".stoa/params")


def test_of_two_definitions_of_one_name_at_once_one_is_made_and_the_other_refused(ready):
    words = ("params", "new", "deep", "--process", "measure", "--set")
    first, second = (ready.start(*words, f"snr={snr}") for snr in (4, 6))
    ends = [process.communicate(timeout=300)[1] for process in (first, second)]
    assert sorted((first.returncode, second.returncode)) == [0, 1], ends
