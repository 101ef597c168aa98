"""Scripts and logs with marks and colours: the cause of a failure is the error, and nothing around it."""

from __future__ import annotations

import subprocess

import pytest

MARK = b"\xef\xbb\xbf"


def write(survey, script: bytes, command: str) -> None:
    (survey.top / "odd.sh").write_bytes(script)
    (survey.top / "odd.sh").chmod(0o755)
    text = f"schema: 1\nname: odd\nscript: odd.sh\ncommand: {command}\n"
    (survey.top / ".stoa/processes/odd.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", ['["{script}"]', '[bash, "{script}"]'])
def test_a_shell_script_with_a_byte_order_mark_is_refused_before_anything_runs(survey, command):
    write(survey, MARK + b"#!/bin/sh\necho fine\n", command)
    said = survey.error("run", "odd")
    assert said[0] == (
        "error: the script odd.sh of process 'odd' begins with a byte order mark (UTF-8 BOM), with which it cannot run"
    )
    assert not survey.runs()
    assert survey("process", "check", "odd").exit_code == 1


def test_the_hint_takes_the_mark_away(survey):
    write(survey, MARK + b"#!/bin/sh\necho fine\n", '["{script}"]')
    hint = survey.error("run", "odd")[1].split("`")[1]
    subprocess.run(hint, shell=True, cwd=survey.top, check=True)
    survey.ok("run", "odd")


def test_a_python_script_with_a_byte_order_mark_runs(survey):
    write(survey, MARK + b"print('fine')\n", '[python, "{script}"]')
    survey.ok("run", "odd")


def test_a_script_in_utf_16_is_refused(survey):
    write(survey, "print('fine')\n".encode("utf-16"), '[python, "{script}"]')
    assert (
        survey.error("run", "odd")[0] == "error: the script odd.sh of process 'odd' is text in UTF-16, which cannot run"
    )


def test_colours_and_marks_are_no_part_of_a_cause(survey):
    lines = r"printf '\033[1;31mERROR: no beam\033[0m\n\357\273\277'; echo cleaning up; exit 1"
    survey.does("a", lines)
    survey("run", "measure", "--target", "a")
    outcome = survey.outcomes()["a"]
    assert (outcome["cause"], "\\x1b" in outcome["log"]) == ("ERROR: no beam", False)
