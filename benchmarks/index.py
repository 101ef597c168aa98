"""The index of up to a million outcomes: made from nothing, brought up to date after a run, asked for the status."""

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
from nothing_to_do import timed_command
from run_overhead import machine, wall_s

JOBS = 1000  # of a run
TARGETS = 10_000


@dataclass(frozen=True)
class Row:
    """One size of history."""

    outcomes: int
    targets: int
    cold_s: list[float]  # whole processes, as all the times
    read_s: list[float]  # `git cat-file --batch` of the same files, which keeps nothing
    update_s: list[float]  # after one run more
    current_s: list[float]  # with nothing to read
    status_s: list[float]
    status_json_s: list[float]
    size_mb: float
    git_mb: float
    memory_mb: float  # of the process that made it from nothing


def measure(top: Path, outcomes: int, rounds: int) -> Row:
    """Make a history and measure what it costs to ask about it."""
    targets = max(JOBS, min(TARGETS, outcomes // 10))
    runs = outcomes // JOBS
    project = top / "project"
    with closing(synthetic.make_project(project, targets)) as workspace:
        synthetic.add_runs(workspace, range(runs), targets, JOBS)
        file = workspace.project.index_file
        cold, read = [], []
        for _ in range(rounds):
            file.unlink(missing_ok=True)
            cold.append(ask(project, outcomes))
            read.append(wall_s(lambda: read_with_git(project)))
        update = []
        for number in range(runs, runs + rounds):
            synthetic.add_runs(workspace, [number], targets, JOBS)
            update.append(ask(project, (number + 1) * JOBS)[0])
    now = outcomes + rounds * JOBS
    return Row(
        outcomes=outcomes, targets=targets, cold_s=[seconds for seconds, _ in cold], read_s=read, update_s=update,
        current_s=[ask(project, now)[0] for _ in range(rounds)],
        status_s=[timed_command(project, "status")[0] for _ in range(rounds)],
        status_json_s=[timed_command(project, "status", "--json")[0] for _ in range(rounds)],
        size_mb=file.stat().st_size / 1e6, git_mb=packed(project) / 1e6, memory_mb=max(memory for _, memory in cold),
    )  # fmt: skip


def ask(project: Path, outcomes: int) -> tuple[float, float]:
    """Seconds and MB of a query, which brings the index up to date first."""
    return timed_command(project, "query", "--csv", "SELECT max(id) FROM outcomes", expect=f"\n{outcomes}\n")


def read_with_git(project: Path) -> None:
    """Every file of outcomes, unpacked by git and thrown away."""
    listed = subprocess.run(["git", "ls-tree", "-r", "HEAD"], cwd=project, capture_output=True, check=True).stdout
    files = [line.split(b"\t")[0].split()[2] for line in listed.splitlines() if b"/outcomes-" in line]
    words = ["git", "cat-file", "--batch"]
    subprocess.run(words, cwd=project, input=b"\n".join(files), stdout=subprocess.DEVNULL, check=True)


def packed(project: Path) -> int:
    """Bytes of the repository's objects."""
    return sum(file.stat().st_size for file in (project / ".git" / "objects").rglob("*") if file.is_file())


def render(rows: list[Row]) -> str:
    """The medians as a table."""
    return f"{synthetic.where()}\n\n{synthetic.table([columns(row) for row in rows])}"


def columns(row: Row) -> dict[str, str]:
    """One size in words."""
    cold, read = statistics.median(row.cold_s), statistics.median(row.read_s)
    return {
        "outcomes": f"{row.outcomes}",
        "targets": f"{row.targets}",
        "cold, s": f"{cold:.2f}",
        "us each": f"{cold / row.outcomes * 1e6:.0f}",
        "x git's read": f"{cold / read:.1f}",
        "update, s": f"{statistics.median(row.update_s):.2f}",
        "nothing new, s": f"{statistics.median(row.current_s):.2f}",
        "status, s": f"{statistics.median(row.status_s):.2f}",
        "--json, s": f"{statistics.median(row.status_json_s):.2f}",
        "index, MB": f"{row.size_mb:.0f}",
        "git, MB": f"{row.git_mb:.0f}",
        "memory, MB": f"{row.memory_mb:.0f}",
    }


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [1000, 10_000, 100_000]
    parser.add_argument("--outcomes", type=int, nargs="+", default=sizes, metavar="N", help="(1000 10000 100000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Measure each size, print, and remove what was made."""
    options = parse(words)
    rows = []
    for outcomes in options.outcomes:
        with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as top:
            rows.append(measure(Path(top), outcomes, options.rounds))
    print(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}) if options.json else render(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
