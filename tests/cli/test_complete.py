"""Completion as the shells ask for it: by a process with variables, without loading a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from survey import REPOSITORY

from stoa.cli.complete import SOURCES, completions, rejoined
from stoa.cli.spelled import COMMANDS
from stoa.exec.engines import ENGINES


def values(before: str, current: str = "") -> list[str]:
    return [value for value, _ in completions(before.split(), current)]


@pytest.fixture
def at(survey, monkeypatch):
    """A project that has run once, as the working directory."""
    survey("run", "measure")
    survey.ok("params", "new", "measure@deep", "--set", "snr=4")
    survey.ok("env", "add", "mine")
    survey.ok("status")
    monkeypatch.chdir(survey.top / "data")
    return survey


def test_commands_and_options(at):
    assert values("", "re") == ["rerun", "reproduce", "results", "report", "review", "reviews"]
    assert values("catalogue", "") == ["stack", "quality", "match", "limits", "export", "plot"]
    assert values("run", "--fo") == ["--force"]
    assert values("--quiet run", "--fo") == ["--force"]


@pytest.mark.parametrize(
    ("before", "current", "expected"),
    [
        ("show", "", ["a", "b", "c", "last"]),
        ("log", "b", ["b"]),
        ("flag a", "", ["a", "b", "c"]),
        ("why measure", "", ["a", "b", "c"]),
        ("run measure --target", "", ["a", "b", "c"]),
        ("run", "", ["measure"]),
        ("run", "measure@", ["measure@deep", "measure@default"]),
        ("run measure --params", "d", ["deep", "default"]),
        ("run measure", "--params=de", ["--params=deep", "--params=default"]),
        ("run measure --env", "", ["host", "mine"]),
        ("flag a --reason", "cal", ["calibration"]),
        ("process new x --from y --over", "", ["target", "image"]),
        ("target add", "", ["products", "data"]),
        ("params show", "measure@de", ["measure@deep", "measure@default"]),
        ("log a --run", "measure@def", ["measure@default"]),
        ("why measure a", "", []),
        ("init", "", []),
    ],
)
def test_values(at, before, current, expected):
    found = values(before, current)
    runs = set(at.runs())
    assert sorted(value for value in found if (value not in runs and "@" not in value) or "@" in current) == sorted(
        expected
    )


def test_engines_are_those_that_there_are(at):
    assert set(values("run measure --engine", "")) == set(ENGINES)


def test_runs_by_their_ids(at):
    (run,) = at.runs()
    assert values("show", run[:6]) == [run]
    assert values("stop", "la") == ["last"]


def test_targets_of_another_folder(at, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert values("log", "") == []
    assert values(f"-C {at.top} log", "") == ["a", "b", "c"]


def test_without_an_index_there_are_the_names_in_files(at):
    shutil.rmtree(at.top / ".stoa/cache")
    assert values("log", "") == ["a", "b", "c"]
    assert values("show", "2") == []


def test_every_placeholder_of_a_name_is_known():
    wanted = {kind for _, options, arguments in COMMANDS.values()
              for each in [*arguments, *(metavar for metavar, _ in options.values() if metavar)]
              for kind in each.removesuffix("...").split("|")}  # fmt: skip
    free = {"FILE", "FOLDER", "N", "SQL", "TEXT", "NAME", "NAME=VALUE", "NAMES", "NUMBER", "ANGLE", "CONDITION", "URL",
            "ADDRESS", "COMMENT", "COMMIT", "DATE", "IMAGE", "GLOB", "COLUMN", "COLUMN@FREQUENCY",
             "OUTPUT", "PATTERN", "PERSON", "POSITION", "QUERY", "VERB", "PROGRAM", "TIME"}  # fmt: skip
    assert {kind for kind in wanted if not kind.islower()} - free <= SOURCES.keys()


@pytest.mark.parametrize(
    ("before", "current", "expected"),
    [
        (["run", "sep", "@"], "de", (["run"], "sep@de", 4)),
        (["run", "sep"], "@", (["run"], "sep@", 4)),
        (["run", "--params", "="], "de", (["run"], "--params=de", 9)),
        (["run", "sep"], "de", (["run", "sep"], "de", 0)),
    ],
)
def test_what_bash_cuts_is_put_together(before, current, expected):
    assert rejoined(before, current) == expected


def asked(folder, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stoa"], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | variables,
    )  # fmt: skip


def test_shells_are_answered_in_their_own_ways(at):
    bash = asked(at.top, _STOA_COMPLETE="complete_bash", COMP_WORDS="stoa\nflag\n", COMP_CWORD="2")
    assert bash.stdout == "a\nb\nc\n"
    zsh = asked(at.top, _STOA_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="stoa stop")
    assert zsh.stdout == '_arguments \'*: :(("stop":"Stop a live run."))\'\n'
    fish = {"_STOA_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": "stoa log "}
    assert asked(at.top, _TYPER_COMPLETE_FISH_ACTION="get-args", **fish).stdout == "a\nb\nc\n"
    assert asked(at.top, _TYPER_COMPLETE_FISH_ACTION="is-args", **fish).returncode == 0


def test_a_shell_that_asks_loads_no_command(at):
    done = asked(at.top, _STOA_COMPLETE="complete_bash", COMP_WORDS="stoa\nshow\n", COMP_CWORD="2")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "stoa.cli.spelled" in loaded
    assert not loaded & {"typer", "msgspec", "yaml", "stoa.cli.main", "stoa.workspace.open"}


def test_bash_completes_a_pair_after_the_at_sign(at, tmp_path):
    command = tmp_path / "bin/stoa"
    command.parent.mkdir()
    python = f"import sys; sys.argv[0] = '{command}'; from stoa.__main__ import main; main()"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{python}" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    script = """
    eval "$(stoa --show-completion bash)"
    COMP_WORDS=(stoa run measure @ de); COMP_CWORD=4
    _stoa_completion stoa; printf '%s\\n' "${COMPREPLY[@]}"
    """
    environ = {"PYTHONPATH": str(REPOSITORY), "PATH": f"{command.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [shutil.which("bash"), "--norc", "-c", script], cwd=at.top, capture_output=True, text=True, check=False,
        env=os.environ | environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["deep", "default"], done.stderr
