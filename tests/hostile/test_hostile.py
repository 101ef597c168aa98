"""Every verb over every clone that means harm: nothing is executed, nothing outside is read, nothing takes long.

Seconds are those of the processor, so that a busy machine does not count; memory is that of one process that
types all the commands.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from found_sources import LOOK, table
from hostile import MEMBERS, Trap, looks, looks_at, runs
from survey import REPOSITORY, Survey
from terminal import Terminal

WORKER = Path(__file__).resolve().parents[1] / "support" / "hostile_worker.py"
MOST_S = 10.0
MOST_MB = 500.0


@pytest.fixture(scope="session")
def bait(survey_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project in which much has been done, and the id of its run of `find`."""
    from stoa.cli.main import app

    top = tmp_path_factory.mktemp("bait") / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    survey = Survey(top, Terminal(app))
    (top / "find.sh").write_text('cp "$1/table" sources.csv\n', encoding="utf-8")
    (top / ".stoa/processes/find.yaml").write_text(LOOK, encoding="utf-8")
    (top / "data/a/table").write_text(table((10.0, -30.0, 20.0), (10.01, -30.0, 6.0)), encoding="utf-8")
    (top / "data/b/table").write_text(table((11.0, -31.0, 9.0)), encoding="utf-8")
    (top / "table.csv").write_text("name,ra,dec\nQ1,10.0,-30.0003\n", encoding="utf-8")
    survey("run", "find")
    survey.ok("run", "measure", "--target", "a")
    survey.ok("flag", "b", "--reason", "check")
    (top / ".gitignore").write_text("")
    save_all(survey)
    return top, survey.runs()[0]


def save_all(survey: Survey) -> None:
    """Commit everything, data and products too, but for what belongs to one machine."""
    survey.git("add", "--all", "--force", ".", ":!.stoa/cache", ":!.stoa/local.yaml")
    survey.git("commit", "--quiet", "--message", "nothing to see")


@pytest.fixture
def asked() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine: its port, and what it was asked for."""
    found: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1], found
    server.shutdown()
    thread.join()
    server.server_close()


def typed(top: Path, commands: list[list[str]], trace: Path | None) -> list[list]:
    """How each command ended: words, seconds, exit code, problem, megabytes, the end of what it printed."""
    words = [sys.executable, str(WORKER), str(top)]
    if trace and shutil.which("strace"):
        words = [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-y",
            "-qq",
            "-e",
            "trace=open,openat",
            "-e",
            "signal=none",
            "-o",
            str(trace),
            *words,
        ]
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY), "DOCKER_HOST": "unix:///nowhere"}
    done = subprocess.run(words, env=environ, input=json.dumps(commands), capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(commands), f"stoa {' '.join(commands[len(answers)])}: {done.stderr[-3000:]}"
    return answers


@pytest.mark.timeout(600)
@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.__name__)
def test_every_verb_over_every_hostile_clone(
    bait: tuple[Path, str], asked: tuple[int, list[str]], tmp_path: Path, member: Callable[[Trap], None]
):
    pristine, run = bait
    evil, top = (shutil.copytree(pristine, tmp_path / name, symlinks=True) for name in ("evil", "clone"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("ra_deg,dec_deg\n1,2\n")
    trap = Trap(top=evil, clone=top, run=run, sentinel=tmp_path / "executed", outside=outside, port=asked[0])
    member(trap)
    save_all(Survey(evil, None))
    Survey(top, None).git("pull", "--quiet", "--ff-only", str(evil), "main")  # plain git lets everything in
    os.utime(outside / "secret", (1, 2))  # read later than written: any reading changes it under relatime
    trace = tmp_path / "trace"
    for words, seconds, _code, problem, megabytes, said in typed(top, [*looks(run), *looks_at(top)], trace):
        command = f"stoa {' '.join(words)}"
        assert not problem, f"{command}: {problem}"
        assert seconds < MOST_S, f"{command} took {seconds:.1f} s: {said}"
        assert megabytes < MOST_MB, f"{command} has {megabytes:.0f} MB"
    assert not trap.sentinel.exists()
    assert asked[1] == []
    if trace.exists():
        forbidden = rf"{re.escape(str(outside))}/[^>]*|/dev/zero|/etc/passwd"
        assert re.findall(rf".*= \d+<(?:{forbidden})>.*", trace.read_text(errors="replace")) == []
    assert (outside / "secret").stat().st_atime == 1
    for words, _seconds, _code, problem, _megabytes, _said in typed(top, runs(run), None):
        assert not problem, f"stoa {' '.join(words)}: {problem}"
