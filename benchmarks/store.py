"""A store for large products: `stoa push` and `stoa fetch` over a folder, beside `dvc`, `rclone copy` and `cp`.

    python -m venv peers && peers/bin/pip install dvc
    python benchmarks/store.py --peers peers/bin

All move the same files, of random bytes, into a folder of the same disk and from there into a second clone. STOA and
DVC know the checksums of the files before (from the run, and from `dvc add`), and compare them on the way. `rclone` (a
program of the system; left out without it) compares source and copy, `cp -r` nothing. What a tool has written is
removed before the next one begins, so that 100 files of 50 MB need some 30 GB at once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import synthetic
from run_overhead import quiet_environ, wall_s

SCRIPT = '#!/bin/sh\nhead -c "$(cat "$1/size")" /dev/urandom > product.bin\n'
PROCESS = """\
schema: 1
name: make
script: make.sh
command: [sh, "{script}", "{target}"]
outputs: {product: {path: product.bin, share: remote}}
"""


class Site:
    """A project of STOA whose run has made the products, and a repository of DVC with the same files."""

    def __init__(self, top: Path, count: int, size: int, peers: Path | None) -> None:
        self.top = top
        self.count = count
        self.environ = quiet_environ(os.environ, top) | {"DVC_NO_ANALYTICS": "1"}
        self.dvc = peers / "dvc" if peers else None
        self.project, self.tracked = top / "project", top / "tracked"
        for number in range(count):
            folder = top / "data" / f"t{number:05d}"
            folder.mkdir(parents=True)
            (folder / "size").write_text(f"{size}\n", encoding="utf-8")
        self._make_project()
        self.products = sorted(self.project.glob("products/**/product.bin"))
        if self.dvc:
            self._track()

    def do(self, folder: Path, *words: str | Path) -> None:
        """Run a command in a folder; the benchmark ends where it fails."""
        done = subprocess.run(words, cwd=folder, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")

    def stoa(self, folder: Path, *words: str | Path) -> None:
        self.do(folder, sys.executable, "-m", "stoa", *words)

    def _make_project(self) -> None:
        self.project.mkdir()
        self.do(self.project, "git", "init", "-q")
        self.stoa(self.project, "init")
        config = self.project / ".stoa" / "config.yaml"
        config.write_text(f"{config.read_text(encoding='utf-8')}store: {self.top / 'store'}\n", encoding="utf-8")
        (self.project / "make.sh").write_text(SCRIPT, encoding="utf-8")
        (self.project / ".stoa" / "processes" / "make.yaml").write_text(PROCESS, encoding="utf-8")
        self.do(self.project, "git", "add", ".")
        self.do(self.project, "git", "commit", "-qm", "a process and a store")
        self.stoa(self.project, "root", "add", "data", self.top / "data")
        self.stoa(self.project, "target", "add", "data", "*")
        self.stoa(self.project, "run", "make")

    def _track(self) -> None:
        self.tracked.mkdir()
        self.do(self.tracked, "git", "init", "-q")
        self.do(self.tracked, self.dvc or "", "init", "-q")
        self.do(self.tracked, self.dvc or "", "remote", "add", "-d", "store", self.top / "dvc-store")
        for number, product in enumerate(self.products):
            place = self.tracked / "products" / f"{number:05d}.bin"
            place.parent.mkdir(exist_ok=True)
            os.link(product, place)
        self.do(self.tracked, self.dvc or "", "add", "-q", "products")
        self.do(self.tracked, "git", "add", ".")
        self.do(self.tracked, "git", "commit", "-qm", "products")

    def clean(self) -> None:
        """Empty stores and no clones; what was written is on the disk, so that no tool waits for that of another."""
        for name in ("store", "dvc-store", "copied", "stoa-clone", "dvc-clone", "copied-back"):
            shutil.rmtree(self.top / name, ignore_errors=True)
        os.sync()

    def tools(self) -> dict[str, Callable[[], tuple[float, float]]]:
        """By name: move everything into a store and from there into a second clone; gives the seconds of both."""
        found: dict[str, Callable[[], tuple[float, float]]] = {"stoa": self._by_stoa}
        if self.dvc:
            found["dvc"] = self._by_dvc
        if rclone := shutil.which("rclone"):
            found["rclone"] = lambda: self._by_copies(rclone, "copy", "-q", "--config", "")
        return found | {"cp": lambda: self._by_copies("cp", "-r")}

    def _by_stoa(self) -> tuple[float, float]:
        there = wall_s(lambda: self.stoa(self.project, "push", "-q"))
        clone = self.top / "stoa-clone"
        self.do(self.top, "git", "clone", "-q", self.project, clone)
        back = wall_s(lambda: self.stoa(clone, "fetch", "-q"))
        self._check(clone / ".stoa" / "cache" / "products", "??/*/product.bin")
        return there, back

    def _by_dvc(self) -> tuple[float, float]:
        dvc = self.dvc or ""
        there = wall_s(lambda: self.do(self.tracked, dvc, "push", "-q"))
        clone = self.top / "dvc-clone"
        self.do(self.top, "git", "clone", "-q", self.tracked, clone)
        back = wall_s(lambda: self.do(clone, dvc, "pull", "-q"))
        self._check(clone / "products", "*.bin")
        return there, back

    def _by_copies(self, *words: str) -> tuple[float, float]:
        products, copied, copied_back = self.project / "products", self.top / "copied", self.top / "copied-back"
        there = wall_s(lambda: self.do(self.top, *words, products, copied))
        back = wall_s(lambda: self.do(self.top, *words, copied, copied_back))
        self._check(copied_back, "**/product.bin")
        return there, back

    def _check(self, folder: Path, names: str) -> None:
        found = sum(1 for file in folder.glob(names) if "latest" not in file.parts)
        if found != self.count:
            sys.exit(f"{found} of {self.count} products came into {folder}")


def measure(top: Path, count: int, size: int, peers: Path | None, rounds: int) -> list[dict[str, str]]:
    """A row for each tool: medians of the seconds there and back, and how they compare with STOA's."""
    site = Site(top, count, size, peers)
    took: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds):
        tools = list(site.tools().items())
        for tool, move in tools[number % len(tools) :] + tools[: number % len(tools)]:
            site.clean()
            took.setdefault(tool, []).append(move())
    site.clean()
    rows = []
    for tool, times in took.items():
        row = {"products": f"{count} of {size / 1e6:g} MB", "tool": tool}
        for number, name in enumerate(("there", "back")):
            row[f"{name}, s"] = f"{statistics.median(each[number] for each in times):.2f}"
            ratios = (each[number] / ours[number] for each, ours in zip(times, took["stoa"], strict=True))
            row[f"{name}, times STOA's"] = f"{statistics.median(ratios):.2f}"
        rows.append(row)
    return rows


def main(words: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="folder with the program dvc (none: STOA and cp alone)")
    parser.add_argument("--small", type=int, default=10_000, metavar="N", help="products of 4 kB (10000)")
    parser.add_argument("--large", type=int, default=100, metavar="N", help="products of 50 MB (100)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    given = parser.parse_args(words)
    print(synthetic.where())
    for count, size in ((given.small, 4096), (given.large, 50_000_000)):
        if count:
            with tempfile.TemporaryDirectory(prefix="stoa-store-", dir=given.folder) as folder:
                peers = given.peers.absolute() if given.peers else None
                print(synthetic.table(measure(Path(folder), count, size, peers, given.rounds)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
