"""The memory that STOA holds during a run, from a thousand targets to a hundred thousand."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import synthetic
from nothing_to_do import apart, make, timed_command

DEFINITION = """\
schema: 1
name: nothing
command: ["true"]
"""


@dataclass(frozen=True)
class Row:
    """A run over so many targets that have never run, and a second one over all of them."""

    targets: int
    seconds: float
    memory_mb: float
    again_mb: float


def measure(top: Path, targets: int, *, inputs: bool) -> Row:
    """Run `true` over every target, twice."""
    process = "find" if inputs else "nothing"
    apart(make_described if inputs else make_bare, top, targets)
    words = ("run", process, "-j", "2", "--quiet", "--force")
    seconds, first = timed_command(top / "project", *words)
    _, again = timed_command(top / "project", *words)
    return Row(targets, seconds, first, again)


def make_bare(top: Path, targets: int) -> None:
    """Targets that are empty folders."""
    with closing(synthetic.make_project(top / "project", targets, top / "data")) as workspace:
        workspace.project.process_file("nothing").write_text(DEFINITION, encoding="utf-8")
    for number in range(targets):
        (top / "data" / synthetic.target(number).path).mkdir(parents=True)


def make_described(top: Path, targets: int) -> None:
    """Targets with a metadata document and two input files, which have run once."""
    make(top, targets, files=True)


def columns(row: Row) -> dict[str, str]:
    """One size in words."""
    return {
        "targets": f"{row.targets}",
        "run, s": f"{row.seconds:.1f}",
        "ms a target": f"{row.seconds / row.targets * 1e3:.2f}",
        "memory, MB": f"{row.memory_mb:.0f}",
        "of a run again, MB": f"{row.again_mb:.0f}",
    }


def main(words: list[str]) -> None:
    """Measure each size, print, and remove what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, nargs="+", default=[1000, 5000], metavar="N", help="(1000 5000)")
    parser.add_argument("--inputs", action="store_true", help="with metadata documents and input files")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    options = parser.parse_args(words)
    rows = []
    for targets in options.targets:
        with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as top:
            rows.append(measure(Path(top), targets, inputs=options.inputs))
    text = f"{synthetic.where()}\n\n{synthetic.table([columns(row) for row in rows])}"
    print(json.dumps([asdict(row) for row in rows]) if options.json else text)


if __name__ == "__main__":
    main(sys.argv[1:])
