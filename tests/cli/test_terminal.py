"""On a real terminal: colours, tables that fit, a progress bar, and nothing that the terminal would obey."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest
from survey import REPOSITORY, Survey

NO_ROOM = "not enough room for: state, outcomes, took, jobs, by (--json has everything)"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(
    survey: Survey, *words: str, columns: int = 100, seconds: float = 30.0, **variables: str
) -> tuple[int, str]:
    """Exit code and everything that a command wrote to its terminal."""
    master, slave = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "stoa", *words],
        cwd=survey.top,
        env=environ | {"PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color", "COLUMNS": str(columns)} | variables,
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    said = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                said += os.read(master, 65536)
            except OSError:  # the terminal's other end is closed
                break
    os.close(master)
    return process.wait(), said.decode()


def plain(text: str) -> str:
    return ESCAPE.sub("", text).replace("\r\n", "\n")


def test_a_run_shows_a_progress_bar_and_then_the_report(survey):
    survey.does("b", "exit 1")
    code, said = on_a_terminal(survey, "run", "measure")
    assert code == 3
    lines = re.split(r"[\r\n]+", plain(said))
    assert re.fullmatch(r"run \S+: measure @ default, 3 jobs", lines[0])
    bar = [line for line in lines if "3/3" in line]
    assert bar
    assert "2 ok, 1 failed" in bar[-1]
    assert "to go 0:00:00" in bar[-1]
    assert any(line.startswith("processed 3 targets: 2 ok, 1 failed") for line in lines)


def test_the_cursor_is_back_when_the_bar_is_gone(survey):
    _, said = on_a_terminal(survey, "run", "measure")
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h")


def test_statuses_have_colours(survey):
    survey.does("b", "exit 1")
    survey("run", "measure")
    _, said = on_a_terminal(survey, "status", "--targets")
    assert "\x1b[32mok" in said
    assert "\x1b[31mfailed" in said


@pytest.mark.parametrize("columns", [80, 60])
def test_a_table_fits_a_narrow_terminal_and_breaks_no_name(survey, columns):
    name = "uid___A001_X1296_X9d6_and_thirty_two"
    (survey.top / "data" / name).mkdir()
    survey.ok("target", "add", "data", "uid*")
    survey.ok("comment", name, "-m", "a long comment about it that does not fit beside the rest")
    survey("run", "measure")
    (run,) = survey.runs()
    for words, whole in ((("reviews",), name), (("runs",), run), (("plan", "measure"), name), (("doctor",), "ok")):
        _, said = on_a_terminal(survey, *words, columns=columns)
        assert max(len(line) for line in plain(said).split("\n")) <= max(columns, len(NO_ROOM))
        assert whole in plain(said).split()


def test_a_pipe_gets_every_column_and_full_lines(survey):
    text = "a long comment about it that does not fit beside the rest " * 5
    survey.ok("comment", "a", "-m", text.strip())
    assert text.strip() in survey.ok("reviews")


def test_columns_without_room_are_named(survey):
    survey("run", "measure")
    _, said = on_a_terminal(survey, "runs", columns=60)
    assert "by" not in plain(said).split("\n")[0].split()
    assert "not enough room for: " in plain(said)


def test_counts_of_a_run_have_colours_beside_the_words(survey):
    survey.does("b", "exit 1")
    _, said = on_a_terminal(survey, "run", "measure")
    assert "\x1b[32m2 ok\x1b[0m, \x1b[31m1 failed\x1b[0m" in said


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colours_gets_none(survey, variable):
    survey("run", "measure")
    _, said = on_a_terminal(survey, "status", "--targets", **variable)
    assert "3 ok" in said
    assert "\x1b[" not in said


def test_a_hostile_comment_cannot_drive_the_terminal(survey):
    survey.ok("comment", "a", "-m", "\x1b]0;pwned\x07\x1b[2J\x9b31m")
    for words in (("reviews",), ("show", "a")):
        _, said = on_a_terminal(survey, *words)
        assert "\x1b]" not in said
        assert "\x1b[2J" not in said
        assert "\x9b" not in said
        assert "\\x1b]0;pwned\\x07" in plain(said).replace("\n", "")


def test_output_that_nobody_reads_any_more_is_no_traceback(survey):
    command = f"{sys.executable} -m stoa status --json | head -n 1"
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        ["sh", "-c", command], cwd=survey.top, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_a_terminal_without_the_letters_of_a_name_shows_it_all_the_same(survey):
    (survey.top / "data/ünï").mkdir()
    survey.ok("target", "add", "data", "ünï")
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "stoa", "target", "list"]
    done = subprocess.run(command, cwd=survey.top, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1].split() == ["uni", "data:\\xfcn\\xef"]


@pytest.mark.parametrize(("there", "made"), [("", "."), ("x", "stoa-demo")])
def test_the_demo_stays_in_the_folder_that_is_named(cli, tmp_path, there, made):
    place = tmp_path / "here"
    place.mkdir()
    if there:
        (place / there).touch()
    cli.ok("demo", ".", "--data-only", cwd=place)
    assert [folder.name for folder in tmp_path.iterdir()] == ["here"]
    assert (place / made / "quasars.csv").is_file()
    cli.ok("demo", ".", "--data-only", cwd=place)
    assert len(list(tmp_path.rglob("quasars.csv"))) == 2
