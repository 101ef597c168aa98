"""How long until what N people did reaches the hub, when all of them sync at the same moment, and one after the other.

Each has a clone with one flag that the others lack. At the same moment is the worst case: of those who push, one is
first, and the others fetch, merge and try again. All of them share this machine's processors, which N people with
machines of their own would not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import synthetic
from run_overhead import wall_s
from sync import git

STOA = (sys.executable, "-m", "stoa")


@dataclass(frozen=True)
class Row:
    """One number of people."""

    people: int
    in_turn_s: float
    at_once_s: float
    lost: int  # flags that did not reach the hub


def measure(top: Path, people: int) -> Row:
    """Both ways, each on a hub and clones of its own."""
    seconds, lost = [], 0
    for kind, share in (("turn", in_turn), ("once", at_once)):
        hub, clones = make(top / f"{kind}{people}", people)
        seconds.append(wall_s(lambda: share(clones)))  # noqa: B023
        names = subprocess.check_output(["git", "ls-tree", "-r", "--name-only", "HEAD"], cwd=hub, text=True)
        lost += people - sum(name.startswith(".stoa/reviews/") for name in names.splitlines())
    return Row(people, *seconds, lost)


def make(top: Path, people: int) -> tuple[Path, list[Path]]:
    """A hub, and clones with a flag each."""
    with closing(synthetic.make_project(top / "a", 100)):
        pass
    git(top, "clone", "--quiet", "--bare", "a", "hub.git")
    clones = [top / f"person{number}" for number in range(people)]
    for number, clone in enumerate(clones):
        git(top, "clone", "--quiet", "hub.git", clone.name)
        git(clone, "config", "user.name", f"Bench {number}")
        git(clone, "config", "user.email", f"bench{number}@example.org")
        words = (*STOA, "flag", synthetic.target(number % 100).name, "--reason", "check")
        subprocess.run(words, cwd=clone, check=True, capture_output=True)
    return top / "hub.git", clones


def in_turn(clones: list[Path]) -> None:
    """One sync after the other."""
    for clone in clones:
        subprocess.run((*STOA, "sync"), cwd=clone, check=True, capture_output=True)


def at_once(clones: list[Path]) -> None:
    """All of them together."""
    started = [
        subprocess.Popen((*STOA, "sync"), cwd=clone, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for clone in clones
    ]
    for one in started:
        _, said = one.communicate()
        if one.returncode:
            sys.exit(f"a sync failed: {said}")


def columns(row: Row) -> dict[str, str]:
    """One number of people in words."""
    return {
        "people": f"{row.people}",
        "in turn, s": f"{row.in_turn_s:.1f}",
        "s each": f"{row.in_turn_s / row.people:.2f}",
        "at once, s": f"{row.at_once_s:.1f}",
        "times as long": f"{row.at_once_s / row.in_turn_s:.1f}",
        "lost": f"{row.lost}",
    }


def main(words: list[str]) -> None:
    """Measure each number, print, and remove what was made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[2, 8, 32], metavar="N", help="(2 8 32)")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    options = parser.parse_args(words)
    rows = []
    for people in options.people:
        with tempfile.TemporaryDirectory(prefix="stoa-bench-") as top:
            rows.append(measure(Path(top), people))
    text = f"{synthetic.where()}\n\n{synthetic.table([columns(row) for row in rows])}"
    print(json.dumps([asdict(row) for row in rows]) if options.json else text)


if __name__ == "__main__":
    main(sys.argv[1:])
