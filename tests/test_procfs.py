"""What `/proc` tells about processes that live, that have ended, and that wait to be reaped."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stoa import procfs


@pytest.fixture
def sleeper(tmp_path):
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path, env={"STOA_RUN": "x=1", "EMPTY": ""}) as child:
        yield child
        child.kill()


def test_a_process_is_described(sleeper, tmp_path):
    assert procfs.lives(sleeper.pid)
    assert sleeper.pid in procfs.processes()
    assert sleeper.pid in procfs.children()
    assert sleeper.pid in procfs.descendants(os.getpid())
    assert procfs.command_name(sleeper.pid) == "sleep"
    assert procfs.working_directory(sleeper.pid) == str(tmp_path)
    assert procfs.environ_of(sleeper.pid) == {"STOA_RUN": "x=1", "EMPTY": ""}
    assert procfs.start_ticks(sleeper.pid) >= procfs.start_ticks(os.getpid())


def test_one_that_waits_to_be_reaped_does_not_live(sleeper):
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not procfs.lives(sleeper.pid)
    assert procfs.start_ticks(sleeper.pid) is None


def test_one_that_has_ended_gives_nothing(sleeper):
    sleeper.kill()
    sleeper.wait()
    assert not procfs.lives(sleeper.pid)
    assert procfs.environ_of(sleeper.pid) == {}
    assert procfs.working_directory(sleeper.pid) == ""
    assert list(procfs.open_files(sleeper.pid)) == []
    assert procfs.threads(sleeper.pid) == []


def test_grandchildren_are_found():
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        below = int(child.stdout.readline())
        try:
            assert procfs.descendants(child.pid) == [below]
        finally:
            os.kill(below, 9)
            child.stdin.close()


def test_open_files_are_named(tmp_path):
    with (tmp_path / "held").open("w"):
        assert str(tmp_path / "held") in procfs.open_files(os.getpid())
