"""CASA as an environment: real casatasks where they are installed, and a fake program for `casa -c`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stoa.exec.environments import EnvironmentProblem, Setting, prepare
from stoa.exec.job.cause import last_fault
from stoa.model import Environment, Status

PYTHON = os.environ.get("CASATASKS_PYTHON", "")
"""An interpreter with casatasks, casadata and six: a gigabyte that is not installed for the tests alone."""

real = pytest.mark.skipif(not PYTHON, reason="CASATASKS_PYTHON names no interpreter with casatasks")


def leap(words: str) -> str:
    return f"2026-11-24 04:00:00\tSEVERE\tMeasTable::dUTC(Double)\t{words}"


def test_a_severe_message_is_a_cause_and_that_about_leap_seconds_is_not():
    severe = "2026-11-24 04:00:01\tSEVERE\ttclean::::casa\tvis 'x.ms' does not exist"
    noise = leap("Leap second table TAI_UTC seems out-of-date.")
    assert last_fault(f"{noise}\n{severe}\n{noise}\n").startswith("SEVERE\ttclean")
    assert last_fault(f"{noise}\nfine\n") == ""


def test_a_fake_casa_program_is_started_headless_with_its_log_in_the_directory_of_the_job(tmp_path):
    program = tmp_path / "casa"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo CASA 6.7.0 && exit\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    environment = Environment(name="casa", kind="casa", executable=str(program))
    prepared = prepare(environment, Setting(caller={"PATH": os.environ["PATH"]}, cache=tmp_path))
    assert prepared.facts["casa"] == "CASA 6.7.0"
    argv = prepared.argv(("python", "clean.py", "x.ms"))
    said = subprocess.run(argv, env=prepared.environ, capture_output=True, text=True, check=True).stdout.split()
    options = ["--nologger", "--nogui", "--agg", "--logfile", "casa.log", "--cachedir", ".casa"]
    assert said == [*options, "-c", "clean.py", "x.ms"]
    assert prepared.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(EnvironmentProblem, match="CASA '/nowhere/casa' of environment 'casa' is not there"):
        prepare(Environment(name="casa", kind="casa", executable="/nowhere/casa"), Setting(caller={}))


def test_a_python_without_casatasks_is_told(tmp_path):
    with pytest.raises(EnvironmentProblem, match="casatasks of environment 'casa' cannot be imported") as caught:
        prepare(Environment(name="casa", kind="casa"), Setting(caller=dict(os.environ), cache=tmp_path))
    assert "pip install casatasks" in str(caught.value.hint)


NO_MEASURES = """\
Traceback (most recent call last):
  File "lib/python3.11/site-packages/casatools/__init__.py", line 259, in <module>
    raise ImportError('measures data is not available, visit https://casadocs.readthedocs.io/ for more information')
ImportError: measures data is not available, visit https://casadocs.readthedocs.io/ for more information
"""
"""What `import casatasks` of CASA 6.7 ends with; recorded."""


def test_missing_measures_data_are_told_with_where_they_come_from(tmp_path):
    (tmp_path / "casatasks.py").write_text(f"import sys\nsys.stderr.write({NO_MEASURES!r})\nsys.exit(1)\n")
    environment = Environment(name="casa", kind="casa", environ={"PYTHONPATH": str(tmp_path)})
    with pytest.raises(EnvironmentProblem, match="measures data of environment 'casa' are missing") as caught:
        prepare(environment, Setting(caller=dict(os.environ), cache=tmp_path))
    assert "`pip install casadata`" in str(caught.value.hint)


@real
@pytest.mark.slow
def test_real_casa_without_measures_data_is_told_so_and_fetches_nothing(tmp_path):
    home = tmp_path / "home"
    (home / ".casa").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (home / ".casa/config.py").write_text(f"measurespath = {str(tmp_path / 'empty')!r}\ndatapath = [measurespath]\n")
    environment = Environment(name="casa", kind="casa", python=PYTHON)
    with pytest.raises(EnvironmentProblem, match="measures data of environment 'casa' are missing"):
        prepare(environment, Setting(caller=os.environ | {"HOME": str(home)}, cache=tmp_path))
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.fixture
def casa(make_place, monkeypatch, tmp_path):
    """CASA for a user whose own settings name a cache that all share, and have data fetched."""
    (tmp_path / ".casa").mkdir()
    (tmp_path / ".casa/config.py").write_text(
        'cachedir, logfile = "~/.casa/cache", "~/.casa/casa.log"\nmeasures_auto_update = data_auto_update = True\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    return make_place("casa", python=PYTHON)


def script(place, text: str) -> Path:
    file = place.data / "script.py"
    file.write_text(text)
    return file


@real
@pytest.mark.slow
def test_a_script_uses_the_tasks_sees_its_arguments_and_shares_neither_log_nor_cache(casa, tmp_path):
    text = (
        "import os, sys\nfrom casaconfig import config\nfrom casatasks import casalog, importfits, imhead\n"
        "from casatools import ctsys\nprint('arguments', sys.argv[1:])\ncasalog.post('hello from the script')\n"
        "print('cache', os.path.relpath(ctsys.getcachedir()), config.measures_auto_update, config.data_auto_update)\n"
    )
    argv = casa.prepared.argv(("python", str(script(casa, text)), "--snr", "5"))
    outcome = casa.run(argv=argv)
    assert outcome.status is Status.OK, outcome.log
    assert "arguments ['--snr', '5']\ncache .casa False False\n" in outcome.log
    assert [path.name for path in (tmp_path / ".casa").iterdir()] == ["config.py"]
    folder = casa.work.parent / "A001"
    assert "hello from the script" in (folder / "casa.log").read_text()
    assert [path.name for path in folder.glob("casa-*.log")] == []
    assert casa.prepared.facts["casa"].startswith("6.")
    assert b"casatasks==" in casa.prepared.files["packages.txt"]


@real
@pytest.mark.slow
def test_a_task_that_fails_is_the_cause_and_severe_messages_are_where_there_is_no_exception(casa):
    failing = "from casatasks import imstat\nimstat('no.image')\n"
    outcome = casa.run(argv=casa.prepared.argv(("python", str(script(casa, failing)))))
    assert outcome.status is Status.FAILED
    assert "no.image" in outcome.cause or "Error" in outcome.cause, outcome.cause
    quiet = "import sys\nfrom casatasks import casalog\ncasalog.post('weights are zero', 'SEVERE')\nsys.exit(1)\n"
    outcome = casa.run(argv=casa.prepared.argv(("python", str(script(casa, quiet)))))
    assert (outcome.status, outcome.cause) == (Status.FAILED, "SEVERE ::casa weights are zero"), outcome.log


@real
@pytest.mark.slow
def test_a_script_that_reaches_its_memory_limit_ends(casa):
    argv = casa.prepared.argv(("python", str(script(casa, "x = bytearray(10**9)\n"))))
    outcome = casa.run(argv=argv, memory_mb=700, timeout_s=60.0)
    assert (outcome.status, outcome.limit) == (Status.KILLED, "memory"), outcome.log
