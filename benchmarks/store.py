"""A store for large products: `stoa push` and `stoa fetch` over a folder, beside `dvc push` and `dvc pull`, and `cp`.

    python -m venv peers && peers/bin/pip install dvc
    python benchmarks/store.py --peers peers/bin

All move the same files, of random bytes, into a folder of the same disk and from there into a second clone. STOA and
DVC know the checksums of the files before (from the run, and from `dvc add`), and compare them on the way. `cp -r`
compares nothing.
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
        """Empty stores and no clones, so that the next round moves everything again."""
        for name in ("store", "dvc-store", "copied", "stoa-clone", "dvc-clone", "copied-back"):
            shutil.rmtree(self.top / name, ignore_errors=True)
        os.sync()

    def there(self) -> dict[str, Callable[[], None]]:
        """Each tool's way into the store."""
        ways = {"stoa": lambda: self.stoa(self.project, "push", "-q")}
        if self.dvc:
            ways["dvc"] = lambda: self.do(self.tracked, self.dvc or "", "push", "-q")
        products = self.project / "products"
        return ways | {"cp": lambda: self.do(self.top, "cp", "-r", products, self.top / "copied")}

    def back(self) -> dict[str, Callable[[], None]]:
        """Each tool's way from the store into a second clone, which is there already."""
        self.do(self.top, "git", "clone", "-q", self.project, self.top / "stoa-clone")
        ways = {"stoa": lambda: self.stoa(self.top / "stoa-clone", "fetch", "-q")}
        if self.dvc:
            self.do(self.top, "git", "clone", "-q", self.tracked, self.top / "dvc-clone")
            ways["dvc"] = lambda: self.do(self.top / "dvc-clone", self.dvc or "", "pull", "-q")
        return ways | {"cp": lambda: self.do(self.top, "cp", "-r", self.top / "copied", self.top / "copied-back")}

    def check(self) -> None:
        """Whether every tool has moved all."""
        found = {
            "stoa": len(list((self.top / "stoa-clone" / ".stoa" / "cache" / "products").glob("??/*/product.bin"))),
            "cp": len(list((self.top / "copied-back").rglob("product.bin"))),
        }
        if self.dvc:
            found["dvc"] = len(list((self.top / "dvc-clone" / "products").glob("*.bin")))
        if wrong := {tool: number for tool, number in found.items() if number != self.count}:
            sys.exit(f"not all {self.count} products came: {wrong}")


def measure(top: Path, count: int, size: int, peers: Path | None, rounds: int) -> list[dict[str, str]]:
    """A row for each tool: medians of the seconds there and back, and how they compare with STOA's."""
    site = Site(top, count, size, peers)
    took: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        site.clean()
        there = {tool: wall_s(way) for tool, way in site.there().items()}
        back = {tool: wall_s(way) for tool, way in site.back().items()}
        site.check()
        for tool, there_s in there.items():
            took.setdefault(tool, []).append((there_s, back[tool]))
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
