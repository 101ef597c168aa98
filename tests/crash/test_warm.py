"""A run with warm interpreters whose STOA is killed: jobs are found, interpreters go, and the next command heals."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from survey import wait_for

from stoa import procfs

SCRIPT = """\
import os, pathlib, sys, time
pathlib.Path("up").touch()
while not os.path.exists(sys.argv[1] + "/go"):
    time.sleep(0.05)
print("xml.dom.minidom" in sys.modules)
"""
DEFINITION = """\
schema: 1
name: look
script: look.py
command: [python, "{script}", "{target}"]
warm: [xml.dom.minidom]
"""


@pytest.fixture
def look(survey):
    (survey.top / "look.py").write_text(SCRIPT)
    (survey.top / ".stoa/processes/look.yaml").write_text(DEFINITION)
    yield survey
    for name in ("a", "b", "c"):
        (survey.top / "data" / name / "go").touch()


def up(survey) -> list[Path]:
    return sorted((survey.top / "products").rglob("up"))


def interpreters(survey) -> list[int]:
    """Warm interpreters of commands in this project, by the folder of the script."""
    folder = f'"{survey.top}"'.encode()
    found = []
    for pid in procfs.processes():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"warm/interpreter.py" in words and folder in words:
            found.append(pid)
    return found


def test_a_killed_stoa_leaves_its_jobs_findable_and_no_interpreter(look):
    process = look.start("run", "look", "-j", "2")
    wait_for(lambda: len(up(look)) == 2, "two jobs")
    jobs = {pid for pid in interpreters(look) if procfs.environ_of(pid).get("STOA_TARGET")}
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: set(interpreters(look)) == jobs, "the end of the interpreters")
    assert len(jobs) == 2
    (row,) = look.json("runs")
    assert (row["state"], row["still_running"]) == ("orphaned", 2)
    look.ok("stop", row["run"])
    wait_for(lambda: not interpreters(look), "the end of the jobs")
    assert look.statuses() == dict.fromkeys("ab", "interrupted")  # the third had not begun


def test_the_run_after_it_is_warm_again(look):
    for name in ("a", "b", "c"):
        (look.top / "data" / name / "go").touch()
    look.ok("run", "look")
    assert {outcome["log"] for outcome in look.outcomes().values()} == {"True\n"}


def test_ctrl_c_ends_jobs_and_interpreters(look):
    process = look.start("run", "look", "-j", "2")
    wait_for(lambda: len(up(look)) == 2, "two jobs")
    for _ in range(2):
        os.kill(process.pid, signal.SIGINT)
        time.sleep(1.0)  # else the two are one
    process.communicate(timeout=60)
    assert interpreters(look) == []
    assert set(look.statuses().values()) <= {"interrupted"}
