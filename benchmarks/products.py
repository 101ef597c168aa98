"""Small products in git: what they add to a commit of outcomes and to the repository, beside a file for each product.

The products are tables of sources like those of the shipped finders: FITS, ten to twenty kilobytes, mostly headers.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
import synthetic
from astropy.table import Table
from index import packed
from run_overhead import machine
from synthetic import BATCH

from stoa.model import FileRef, Outcome, OutputSpec, Process
from stoa.project import Project
from stoa.provenance.packed import Archive, product_archives
from stoa.provenance.records import write_outcomes
from stoa.workspace.open import Workspace

PROCESS = Process(name="sep", command=("true",), outputs={"sources": OutputSpec(path="sources.fits", share="git")})
COLUMNS = 40
ROWS = 3


def tables(count: int) -> list[bytes]:
    """So many tables of sources, all different."""
    chance = np.random.default_rng(1)
    found = []
    for number in range(count):
        table = Table({f"column_{name:02d}": chance.normal(size=ROWS) for name in range(COLUMNS)})
        table.meta["OBJECT"] = f"target {number}"
        stream = io.BytesIO()
        table.write(stream, format="fits")
        found.append(stream.getvalue())
    return found


def outcomes(top: Path, run: str, contents: list[bytes]) -> list[Outcome]:
    """Outcomes of a run whose products lie on this disk."""
    made = []
    for outcome, content in zip(synthetic.outcomes(run, "sep", range(len(contents))), contents, strict=True):
        place = f"sep/{run}/{outcome.target}/sources.fits"
        (top / "products" / place).parent.mkdir(parents=True, exist_ok=True)
        (top / "products" / place).write_bytes(content)
        ref = FileRef(path=f"products:{place}", size=len(content), sha256=hashlib.sha256(content).hexdigest())
        made.append(msgspec.structs.replace(outcome, outputs={"sources": ref}))
    return made


def commit(workspace: Workspace, run: str, ended: list[Outcome], how: str) -> None:
    """Commit outcomes as a run does, a thousand at a time: alone, with archives, or with a file for each product."""
    project = workspace.project
    for number, first in enumerate(range(0, len(ended), BATCH)):
        part = ended[first : first + BATCH]
        files = {Project.outcomes_record(run, number): write_outcomes(part)}
        if how == "archives":
            found = product_archives(project, PROCESS, part, number)
            files |= {Project.run_record(run, name): data for name, data in found.items()}
        elif how == "files":
            files |= {Project.run_record(run, name): data for name, data in _single(project, part)}
        workspace.store.commit(files, f"{first} so far", author=synthetic.AUTHOR)


def _single(project: Project, part: Iterable[Outcome]) -> Iterable[tuple[str, bytes]]:
    for outcome in part:
        yield f"products/{outcome.target}.fits", project.file(outcome.outputs["sources"]).read_bytes()


def measure(top: Path, count: int, rounds: int) -> str:
    """All ways in turn, each in a repository of its own; medians."""
    contents = tables(count)
    ways = ("none", "archives", "files")
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    sizes: dict[str, float] = {}
    status: dict[str, float] = {}
    places = {way: synthetic.make_project(top / way, count) for way in ways}
    start = {way: packed(top / way) for way in ways}
    for number in range(1, rounds + 1):
        for way, workspace in places.items():
            run = synthetic.run_id(number)
            ended = outcomes(top / way, run, contents)
            began = perf_counter()
            commit(workspace, run, ended, way)
            seconds[way].append(perf_counter() - began)
    for way, workspace in places.items():
        with closing(workspace):
            began = perf_counter()
            subprocess.run(["git", "status", "--short", "-uno"], cwd=top / way, check=True, capture_output=True)
            status[way] = perf_counter() - began
            sizes[way] = (packed(top / way) - start[way]) / rounds / count
    read_s = _reading(top / "archives", synthetic.run_id(rounds), ended)
    rows = [
        {
            "products": way, "commit, s": f"{statistics.median(seconds[way]):.2f}",
            "x without": f"{statistics.median(a / b for a, b in zip(seconds[way], seconds['none'], strict=True)):.2f}",
            "bytes an outcome": f"{sizes[way]:.0f}", "git status, s": f"{status[way]:.3f}",
        }
        for way in ways
    ]  # fmt: skip
    each = statistics.mean(map(len, contents))
    words = f"{count} outcomes, {rounds} rounds; a table has {each:.0f} bytes; all tables read from git: {read_s:.2f} s"
    return f"{words}\n\n{synthetic.table(rows)}"


def _reading(top: Path, run: str, ended: list[Outcome]) -> float:
    """How long it takes to read every product of a run from its archives, checksums compared."""
    began = perf_counter()
    names = sorted((top / ".stoa" / "runs" / run).glob("products-*.tar.gz"))
    listed = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=top, capture_output=True, check=True,
        input="".join(f"HEAD:{name.relative_to(top)}\n" for name in names).encode(),
    ).stdout  # fmt: skip
    archives = []
    while listed:
        head, _, listed = listed.partition(b"\n")
        size = int(head.split()[-1])
        archives.append(Archive(listed[:size]))
        listed = listed[size + 1 :]
    for number, outcome in enumerate(ended):
        ref = outcome.outputs["sources"]
        likely = archives[min(number // BATCH, len(archives) - 1)]
        if likely.content(ref) is None and not any(archive.content(ref) for archive in archives):
            sys.exit(f"the product of {outcome.target} is not in git")
    return perf_counter() - began


def main(words: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=5000, metavar="N", help="(5000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured (3)")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="stoa-products-") as folder:
        print(", ".join(f"{name} {value}" for name, value in machine().items()))
        print(measure(Path(folder), given.outcomes, given.rounds))


if __name__ == "__main__":
    main(sys.argv[1:])
