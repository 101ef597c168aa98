"""Jobs that wait until they are told to go, and signals for the command that runs them."""

from __future__ import annotations

import os
import signal
import subprocess

from survey import Survey, wait_for

SLOW = """\
echo $$ > "$1/started"
while [ ! -e "$1/go" ]; do sleep 0.02; done
"""


def kill_group(group: int) -> None:
    if group:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return


def wait_until_running(survey: Survey, target: str) -> None:
    file = survey.top / "data" / target / "started"
    wait_for(lambda: file.exists() and file.read_text().endswith("\n"), f"the job of {target}", 60)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Ctrl-C; returns what was said until it was heeded."""
    process.send_signal(signal.SIGINT)
    said = [""]
    while "no further job" not in said[-1]:
        said.append(process.stderr.readline())
        assert said[-1], "".join(said)
    return "".join(said)


def go(survey: Survey, *targets: str) -> None:
    for target in targets:
        (survey.top / "data" / target / "go").touch()


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error, when it has ended."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def killed(waiting: Survey, process: subprocess.Popen[str]) -> None:
    """SIGKILL for STOA and, as a machine that goes down does, for the job that runs."""
    process.kill()
    process.communicate()
    for file in waiting.top.glob("data/*/started"):
        kill_group(int(file.read_text()))
