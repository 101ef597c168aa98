"""A small project on disk, driven from the command line, whose repository is asked with git itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from terminal import Terminal
from typer.testing import Result

REPOSITORY = Path(__file__).resolve().parents[2]

SCRIPT = """\
#!/bin/sh
# Does what the target's folder says, if it says anything.
if [ -f "$1/job.sh" ]; then . "$1/job.sh"; fi
echo "{\\"snr\\": $2}" > stoa-result.json
echo "snr $2" > table.txt
"""

PROCESS = """\
schema: 1
name: measure
doc: measures what there is
script: measure.sh
command: [sh, "{script}", "{target}", "{params.snr}"]
params:
  snr: {type: float, default: 5, min: 1, max: 100, doc: seed clip in sigma}
  mode: {type: str, default: fast, choices: [fast, slow]}
  deep: {type: bool, default: false}
  n: {type: int, default: 3}
outputs:
  table: {path: table.txt}
results:
  snr: {type: float, tolerance: 5%}
"""


class Survey:
    """A project below `top`: root `data` with targets a, b and c, and the process `measure`.

    Parameters
    ----------
    terminal
        Where its commands are typed.
    """

    def __init__(self, top: Path, terminal: Terminal) -> None:
        self.top = top
        self.terminal = terminal

    # Typing.

    def __call__(self, *words: str | Path, stdin: str | None = None) -> Result:
        return self.terminal(*words, cwd=self.top, stdin=stdin)

    def ok(self, *words: str | Path, stdin: str | None = None) -> str:
        """Standard output of a command that has to succeed."""
        return self.terminal.ok(*words, cwd=self.top, stdin=stdin)

    def json(self, *words: str | Path) -> Any:
        """What a command says with --json; its exit code is not looked at."""
        return self.terminal.json(*words, cwd=self.top)

    def error(self, *words: str | Path, stdin: str | None = None) -> list[str]:
        """Lines of standard error of a command that has to fail with exit code 1 and print no data."""
        result = self(*words, stdin=stdin)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        return result.stderr.splitlines()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "stoa", *words],
            cwd=self.top,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # Changing.

    def does(self, target: str, lines: str) -> None:
        """Let the script do something for one target, before it reports."""
        (self.top / "data" / target / "job.sh").write_text(lines + "\n", encoding="utf-8")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a piece of a file of the project."""
        path = self.top / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    # Asking git.

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.top, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def subjects(self, since: str = "") -> list[str]:
        """Subjects of the commits, the newest first."""
        return self.git("log", "--format=%s", f"{since}..HEAD" if since else "HEAD").splitlines()

    def changed(self, since: str) -> list[str]:
        """Files that differ between a commit and HEAD."""
        return self.git("-c", "core.quotePath=false", "diff", "--name-only", since, "HEAD").splitlines()

    def committed(self, path: str) -> str:
        return self.git("show", f"HEAD:{path}")

    def runs(self) -> list[str]:
        """Ids of the runs in git, in their order."""
        return self.git("ls-tree", "--name-only", "HEAD:.stoa/runs").split() if self._has_runs() else []

    def _has_runs(self) -> bool:
        return "runs" in self.git("ls-tree", "--name-only", "HEAD:.stoa").split()

    def outcomes(self, run: str = "") -> dict[str, dict[str, Any]]:
        """Outcomes of a run in git by target, by default of the latest; read as lines of JSON."""
        folder = f".stoa/runs/{run or self.runs()[-1]}"
        names = [name for name in self.git("ls-tree", "--name-only", f"HEAD:{folder}").split() if "outcomes-" in name]
        lines = [line for name in names for line in self.committed(f"{folder}/{name}").splitlines()]
        found = [json.loads(line.removeprefix("- ")) for line in lines]
        keys = [(o["target"], o.get("group", ""), o.get("attempt", 1)) for o in found]
        assert len(set(keys)) == len(keys), f"an outcome is given twice: {keys}"
        return {" ".join(filter(None, (o["target"], o.get("group", "")))): o for o in found}

    def statuses(self, run: str = "") -> dict[str, str]:
        return {name: outcome["status"] for name, outcome in self.outcomes(run).items()}


def wait_for(there: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """The first true value; fails when there is none for a long time."""
    deadline = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def make_survey(top: Path, terminal: Terminal) -> Survey:
    """Make the project in a new repository."""
    for name in ("a", "b", "c"):
        (top / "data" / name).mkdir(parents=True)
    survey = Survey(top, terminal)
    survey.git("init", "--quiet")
    (top / "measure.sh").write_text(SCRIPT, encoding="utf-8")
    (top / ".gitignore").write_text("/data/\n", encoding="utf-8")
    survey.ok("init")
    survey.ok("root", "add", "data", "data")
    survey.ok("target", "add", "data", "*")
    (top / ".stoa/processes/measure.yaml").write_text(PROCESS, encoding="utf-8")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "the process")
    return survey
