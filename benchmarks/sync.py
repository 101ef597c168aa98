"""Two clones with as many outcomes each, and what it takes until both have all: STOA beside plain git."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import synthetic
from run_overhead import machine, wall_s

from stoa.workspace.open import Workspace


@dataclass(frozen=True)
class Row:
    """One number of outcomes."""

    outcomes: int  # of each clone
    stoa_s: list[float]  # the second `stoa sync`, which fetches, merges and pushes; a whole process
    both_s: list[float]  # three of them: the first pushes, the second merges, the first fetches
    git_s: list[float]  # `git pull --no-rebase` and `git push` of the same, without a look at what comes
    git_both_s: list[float]
    lost: int  # outcomes that one of the clones lacks at the end


def measure(top: Path, outcomes: int, rounds: int) -> Row:
    """Sync and plain git in turn, each on a hub and clones of its own."""
    times: dict[str, list[list[float]]] = {"stoa": [], "git": []}
    lost = 0
    for number in range(rounds):
        for kind, taken in times.items():
            folder = top / f"{kind}{number}"
            clones = make_clones(folder, outcomes)
            steps = [(clones[0], "push"), (clones[1], "merge"), (clones[0], "fetch")]
            taken.append([wall_s(lambda: share(kind, clone, step)) for clone, step in steps])  # noqa: B023
            lost += sum(2 * outcomes - count(clone) for clone in clones)
    return Row(
        outcomes=outcomes,
        stoa_s=[taken[1] for taken in times["stoa"]], both_s=[sum(taken) for taken in times["stoa"]],
        git_s=[taken[1] for taken in times["git"]], git_both_s=[sum(taken) for taken in times["git"]], lost=lost,
    )  # fmt: skip


def make_clones(top: Path, outcomes: int) -> tuple[Path, Path]:
    """A hub and two clones of it, each with a run of its own that the other lacks."""
    with closing(synthetic.make_project(top / "a", outcomes)):
        pass
    git(top, "clone", "--quiet", "--bare", "a", "hub.git")
    git(top / "a", "remote", "add", "origin", "../hub.git")
    git(top / "a", "fetch", "--quiet")
    git(top / "a", "branch", "--quiet", "--set-upstream-to", f"origin/{branch(top / 'a')}")
    git(top, "clone", "--quiet", "hub.git", "b")
    clones = (top / "a", top / "b")
    for number, clone in enumerate(clones):
        git(clone, "config", "user.name", "Bench")
        git(clone, "config", "user.email", "bench@example.org")
        with closing(Workspace(clone)) as workspace:
            run = dict(synthetic.one_run(number, outcomes, outcomes))
            workspace.store.commit(run, f"run {number}", author=synthetic.AUTHOR)
    return clones


def share(kind: str, clone: Path, step: str) -> None:
    """One person's turn."""
    if kind == "stoa":
        command = [sys.executable, "-m", "stoa", "sync"]
        subprocess.run(command, cwd=clone, check=True, capture_output=True)
        return
    if step != "push":
        git(clone, "pull", "--quiet", "--no-rebase", "--no-edit")
    if step != "fetch":
        git(clone, "push", "--quiet")


def count(clone: Path) -> int:
    """Outcomes in git."""
    listed = git(clone, "grep", "-c", "^- ", "HEAD", "--", ":(glob).stoa/runs/*/outcomes-*.yaml", check=False)
    return sum(int(line.rpartition(":")[2]) for line in listed.splitlines())


def branch(clone: Path) -> str:
    """The one that is checked out."""
    return git(clone, "rev-parse", "--abbrev-ref", "HEAD").strip()


def git(folder: Path, *words: str, check: bool = True) -> str:
    """What a git command prints."""
    done = subprocess.run(["git", *words], cwd=folder, check=check, capture_output=True, text=True)
    return done.stdout


def columns(row: Row) -> dict[str, str]:
    """One size in words."""
    stoa, plain = statistics.median(row.stoa_s), statistics.median(row.git_s)
    return {
        "outcomes each": f"{row.outcomes}",
        "sync that merges, s": f"{stoa:.2f}",
        "git pull and push, s": f"{plain:.2f}",
        "sync / git": f"{statistics.median(a / b for a, b in zip(row.stoa_s, row.git_s, strict=True)):.1f}",
        "until both have all, s": f"{statistics.median(row.both_s):.2f}",
        "with git, s": f"{statistics.median(row.git_both_s):.2f}",
        "lost": f"{row.lost}",
    }


def main(words: list[str]) -> None:
    """Measure, print, and remove what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, nargs="+", default=[1000, 10_000], metavar="N", help="(1000 10000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    options = parser.parse_args(words)
    rows = []
    for outcomes in options.outcomes:
        with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder, ignore_cleanup_errors=True) as top:
            rows.append(measure(Path(top), outcomes, options.rounds))
    if options.json:
        print(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}))
    else:
        print(f"{synthetic.where()}\n\n{synthetic.table([columns(row) for row in rows])}")


if __name__ == "__main__":
    main(sys.argv[1:])
