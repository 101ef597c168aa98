"""What `stoa run` takes when every target is up to date, from a thousand targets to a hundred thousand."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import synthetic
from run_overhead import machine

from stoa.model import SCHEMA, FileRef, Outcome, Status
from stoa.runs.definitions import resolve
from stoa.workspace.open import Workspace

DEFINITION = """\
schema: 1
name: find
command: ["true", "{image}", "{beam}"]
inputs:
  image: {role: correctedImage}
  beam: {role: primaryBeam, optional: true}
"""
FILES = {"image": "pbcor", "beam": "pb"}  # input -> suffix
CONTENT = b"SIMPLE  =                    T".ljust(2880)


@dataclass(frozen=True)
class Row:
    """One size of project."""

    targets: int
    first_s: float  # with neither index nor checksums: what happens once in a new clone
    seconds: list[float]  # of `stoa run`, whole processes
    memory_mb: float  # the largest of them
    status_s: float

    @property
    def median_s(self) -> float:
        return statistics.median(self.seconds)


def measure(top: Path, targets: int, rounds: int, *, files: bool) -> Row:
    """Make a project whose targets have all run, and ask for another run of the same."""
    apart(make, top, targets, files=files)
    project = top / "project"
    first, _ = run(project, targets)
    timed = [run(project, targets) for _ in range(rounds)]
    status_s, _ = timed_command(project, "status")
    return Row(targets, first, [seconds for seconds, _ in timed], max(memory for _, memory in timed), status_s)


def apart(work: Callable[..., None], *words: object, **named: object) -> None:
    """Do it in a process of its own: a child's peak memory is at least what its parent held when it was started."""
    child = multiprocessing.get_context("fork").Process(target=work, args=words, kwargs=named)
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(f"{work.__name__} failed")


def make(top: Path, targets: int, *, files: bool) -> None:
    """The project, with a run in which every target succeeded."""
    project = top / "project"
    with closing(synthetic.make_project(project, targets, top / "data")) as workspace:
        if files:
            write_data(top / "data", targets)
        synthetic.add_documents(workspace, targets)
        workspace.project.process_file("find").write_text(DEFINITION, encoding="utf-8")
        workspace.store.commit(up_to_date(workspace, targets), "as if it had run", author=synthetic.AUTHOR)


def write_data(data: Path, targets: int) -> None:
    """Small files for the inputs, so that looking at them is part of the time."""
    for number in range(targets):
        one = synthetic.target(number)
        folder = data / one.path
        folder.mkdir(parents=True)
        for suffix in FILES.values():
            (folder / synthetic.image(one.name, suffix)).write_bytes(CONTENT)


def up_to_date(workspace: Workspace, targets: int) -> dict[str, bytes]:
    """Records of a run of the present definitions that succeeded everywhere."""
    definitions = resolve(workspace, "find")
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    run_id = synthetic.run_id(0)
    ended = []
    for number in range(targets):
        one = synthetic.target(number)
        inputs = {
            name: FileRef(
                path=f"{one.root}:{one.path}/{synthetic.image(one.name, suffix)}", size=len(CONTENT), sha256=sha256
            )
            for name, suffix in FILES.items()
        }
        ended.append(Outcome(schema=SCHEMA, run=run_id, target=one.name, status=Status.OK, exit_code=0, inputs=inputs))
    started = synthetic.head(run_id, "find", "default", targets, definitions.digests)
    return synthetic.records(msgspec.structs.replace(started, params=definitions.params), ended)


def run(project: Path, targets: int) -> tuple[float, float]:
    """Seconds and MB of a `stoa run` that has nothing to do."""
    seconds, memory = timed_command(project, "run", "find", "--json", expect=f'"up to date": {targets}')
    return seconds, memory


def timed_command(project: Path, *words: str, expect: str = "") -> tuple[float, float]:
    """Wall time of a whole process, and the most memory that it held."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "stoa", *words], cwd=project, stdout=said)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if child.returncode or expect not in text:
        sys.exit(f"stoa {' '.join(words)} in {project}: exit code {child.returncode}\n{text[-2000:]}")
    return seconds, usage.ru_maxrss / 1024


def render(rows: list[Row]) -> str:
    """The figures as a table."""
    return f"{synthetic.where()}\n\n{synthetic.table([columns(row) for row in rows])}"


def columns(row: Row) -> dict[str, str]:
    """One size in words."""
    return {
        "targets": f"{row.targets}",
        "run, s": f"{row.median_s:.2f}",
        "spread": f"{min(row.seconds):.2f}..{max(row.seconds):.2f}",
        "us a target": f"{row.median_s / row.targets * 1e6:.0f}",
        "memory, MB": f"{row.memory_mb:.0f}",
        "status, s": f"{row.status_s:.2f}",
        "first time, s": f"{row.first_s:.2f}",
    }


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, nargs="+", default=[1000, 10_000], metavar="N", help="(1000 10000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (5)")
    parser.add_argument("--without-files", action="store_true", help="the data are not on this machine")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Measure each size, print, and remove what was made."""
    options = parse(words)
    rows = []
    for targets in options.targets:
        with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as top:
            rows.append(measure(Path(top), targets, options.rounds, files=not options.without_files))
    print(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}) if options.json else render(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
