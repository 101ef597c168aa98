"""How long the tab key takes in a project of 10 000 targets, beside `python -c pass`: wall clock and processor time."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import synthetic
from run_overhead import machine, wall_s

JOBS = 1000
ASKED = {
    "a verb": "stoa\nre", "an option": "stoa\nrun\n--f", "a target, all": "stoa\nshow\n",
    "a target, of a start": "stoa\nlog\n{target}", "a run": "stoa\nshow\n2", "a pair": "stoa\nrun\nfind@d",
}  # fmt: skip


def asked(project: Path, words: str) -> list[str]:
    """What a shell gets for the words that were typed."""
    place = str(words.count("\n"))
    environ = os.environ | {"_STOA_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}
    done = subprocess.run(
        [sys.executable, "-m", "stoa"], cwd=project, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def show(name: str, work: Callable[[], object], rounds: int) -> None:
    """Print medians of wall clock and of the processor time of children."""
    wall, cpu = [], []
    for _ in range(rounds):
        before = os.times()
        wall.append(wall_s(work))
        after = os.times()
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
    print(f"{name:32} {statistics.median(wall):.3f} s  {statistics.median(cpu):.3f} s processor")


def main() -> None:
    """Print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        with closing(synthetic.make_project(project, given.targets)) as workspace:
            synthetic.add_runs(workspace, range(given.runs), given.targets, JOBS)
            target = next(iter(workspace.targets))
        subprocess.run([sys.executable, "-m", "stoa", "status"], cwd=project, capture_output=True, check=True)
        print(f"{given.targets} targets, {given.runs} runs; {machine()}")
        show("python -c pass", lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), given.rounds)
        for name, words in ASKED.items():
            typed = words.format(target=target[:-1])
            found = asked(project, typed)
            show(f"{name} ({len(found)})", lambda typed=typed: asked(project, typed), given.rounds)


if __name__ == "__main__":
    main()
