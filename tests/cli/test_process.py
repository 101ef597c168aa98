"""stoa process: shipped ones, new ones, and checks before anything runs."""

from __future__ import annotations

import pytest


def test_a_shipped_process_is_copied_with_its_script(survey):
    before = survey.head()
    said = survey.ok("process", "add", "sep")
    assert said.startswith(
        "wrote .stoa/processes/sep.yaml, scripts/find_sep.py, scripts/finding.py, scripts/searched.py,"
    )
    assert " and scripts/fitsunits.py (commit " in said
    assert survey.subjects(before) == ["process sep, as shipped"]
    scripts = [
        "find_sep.py", "finding.py", "fitsaxes.py", "fitsimage.py", "fitsunits.py", "fitting.py", "gaussians.py",
        "injecting.py", "local_noise.py", "measuring.py", "programs.py", "rows.py", "searched.py",
    ]  # fmt: skip
    assert survey.changed(before) == [".stoa/processes/sep.yaml", *(f"scripts/{name}" for name in scripts)]
    assert survey.ok("process", "check", "sep") == "1 process checked, 0 problems\n"


def test_what_shipped_processes_share_is_copied_once(survey):
    survey.ok("process", "add", "sep")
    before = survey.head()
    survey.ok("process", "add", "sextractor")
    names = ["find_sextractor.py", "sextractor.conv", "sextractor.param", "sextractor.sex"]
    assert survey.changed(before) == [".stoa/processes/sextractor.yaml", *(f"scripts/{name}" for name in names)]


def test_a_shared_file_that_was_changed_is_not_overwritten(survey):
    survey.ok("process", "add", "sep")
    (survey.top / "scripts/finding.py").write_text("# mine\n", encoding="utf-8")
    assert survey.error("process", "add", "aegean")[0] == (
        "error: there is a file 'scripts/finding.py' already (scripts/finding.py)"
    )


def test_a_process_is_made_from_a_script_and_runs_as_it_is(survey):
    (survey.top / "list files.py").write_text("import sys; print(sys.argv[1])\n", encoding="utf-8")
    result = survey("process", "new", "files", "--from", "list files.py")
    assert result.stderr.splitlines()[-1] == (
        "next: `stoa run files` when .stoa/processes/files.yaml is complete; with --canary 3 it tries only a few jobs"
    )
    assert survey.changed("HEAD~1") == [".stoa/processes/files.yaml"]
    survey.ok("run", "files", "--target", "a")
    assert survey.ok("log", "a") == f"{survey.top}/data/a\n"


def test_a_new_process_can_be_over_images(survey):
    survey.ok("process", "new", "look", "--from", "measure.sh", "--over", "image")
    assert survey.json("process", "show", "look")["over"] == "image"


def test_processes_are_listed_with_what_is_wrong(survey):
    (survey.top / ".stoa/processes/bad.yaml").write_text("nmae: bad\n", encoding="utf-8")
    lines = survey.ok("process", "list").splitlines()
    assert [line.split(maxsplit=1) for line in lines[1:]] == [
        ["bad", "broken: unknown field 'nmae'; did you mean 'name'? (.stoa/processes/bad.yaml, line 1)"],
        ["measure", "measures what there is"],
    ]


def test_a_process_is_shown_with_its_limits(survey):
    assert survey.ok("process", "show", "measure").splitlines() == [
        "measure: measures what there is",
        "command: sh {script} {target} {params.snr}",
        "script: measure.sh   over: target   environment: host",
        "timeout: none   memory: no limit   exit codes for skipped: 77",
        "parameter  type   default  min  max  choices     what",
        "snr        float  5        1    100              seed clip in sigma",
        "mode       str    fast               fast, slow",
        "deep       bool   false",
        "n          int    3",
        "output table: table.txt (file)",
        "result snr: float, tolerance 5 %",
    ]


def test_every_definition_is_checked_before_anything_runs(survey):
    survey.edit(".stoa/processes/measure.yaml", "measure.sh", "measured.sh")
    (survey.top / ".stoa/environments/casa.yaml").write_text("name: casa\nkind: hots\n", encoding="utf-8")
    result = survey("process", "check")
    assert result.stdout == "1 process checked, 2 problems\n"
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert errors == [
        "error: the script measured.sh of process 'measure' does not exist",
        (
            "error: kind must be one of host, venv, docker, casa, got 'hots'; did you mean 'host'?"
            " (.stoa/environments/casa.yaml, line 2)"
        ),
    ]
    assert result.exit_code == 1


@pytest.mark.parametrize("command", ['[sh, "{script}"]', '["{script}"]', '["/usr/bin/env bash {script}"]\nshell: true'])
def test_a_script_to_which_git_gave_line_ends_of_windows_is_named_until_that_is_mended(survey, command):
    survey.edit(".stoa/processes/measure.yaml", '[sh, "{script}", "{target}", "{params.snr}"]', command)
    script = survey.top / "measure.sh"
    script.chmod(0o755)
    survey.git("commit", "--quiet", "--all", "--message", "another command")
    survey.git("config", "core.autocrlf", "true")
    script.unlink()
    survey.git("checkout", "--", "measure.sh")
    result = survey("process", "check")
    assert "error: the script measure.sh of process 'measure' has line ends of Windows (CRLF)" in result.stderr
    assert "`measure.sh text eol=lf` in .gitattributes" in result.stderr
    assert "has line ends of Windows" in survey("doctor").output
    (survey.top / ".gitattributes").write_text("measure.sh text eol=lf\n", encoding="utf-8")
    survey.git("add", "--renormalize", "measure.sh")
    script.unlink()
    survey.git("checkout", "--", "measure.sh")
    assert survey.ok("process", "check") == "1 process checked, 0 problems\n"
    assert "has line ends of Windows" not in survey("doctor").output


def test_a_script_that_runs_with_any_line_ends_may_have_those_of_windows(survey):
    survey.edit(".stoa/processes/measure.yaml", "[sh,", "[python,")
    (survey.top / "measure.sh").write_bytes(b"#!/usr/bin/env python\r\nprint(1)\r\n")
    assert survey.ok("process", "check") == "1 process checked, 0 problems\n"
