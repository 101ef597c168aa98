"""stoa env: what processes run in."""

from __future__ import annotations

import sys


def test_an_environment_is_made_shown_and_used(survey):
    survey.ok("env", "add", "mine", "--python", sys.executable, "--environ", "DEPTH=7", "--doc", "with a variable")
    assert survey.subjects()[0] == "environment mine"
    assert [entry["name"] for entry in survey.json("env", "list")] == ["host", "mine"]
    shown = survey.json("env", "show", "mine")
    assert shown["environment"]["environ"] == {"DEPTH": "7"}
    assert shown["facts"]["python"] == ".".join(map(str, sys.version_info[:3]))
    survey.does("a", "echo depth $DEPTH")
    survey.ok("run", "measure", "--env", "mine", "--target", "a")
    assert survey.ok("log", "a") == "depth 7\n"


def test_an_environment_is_shown_in_words(survey):
    lines = survey.ok("env", "show", "host").splitlines()
    assert lines[0] == "host: host"
    assert "interpreter               the one that STOA runs in" in lines
    assert "variable OMP_NUM_THREADS  1" in lines
