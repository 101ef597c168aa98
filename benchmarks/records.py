"""Outcomes into git: STOA beside `git add` and `git commit` of the same records, and how a repository grows."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import synthetic
from index import packed
from run_overhead import machine, wall_s

from stoa.model import Outcome
from stoa.project import Project
from stoa.provenance.records import write_outcomes
from stoa.workspace.open import Workspace

DURABLE = ("-c", "core.fsync=committed,reference")


@dataclass(frozen=True)
class Commit:
    """So many outcomes committed in four ways, one after the other in each round."""

    outcomes: int
    stoa_s: list[float]  # one commit, records written as text included
    batches_s: list[float]  # as a run does it: a commit each 1000
    git_chunks_s: list[float]  # git add and commit of the same files of 1000 lines
    git_files_s: list[float]  # and of a file an outcome; both as durable as STOA's
    record_bytes: float  # an outcome as text
    stoa_bytes: float  # an outcome in the repository
    git_files_bytes: float

    def ratio(self, other: list[float]) -> float:
        return statistics.median(b / a for a, b in zip(self.stoa_s, other, strict=True))


@dataclass(frozen=True)
class Growth:
    """A repository after many runs."""

    runs: int
    jobs: int
    git_mb: float
    bytes_each: float
    packs: int
    status_s: float  # `git status`
    commit_s: float  # of one run more
    clone_s: float  # of the whole, with a work tree
    fetch_s: float  # of one run more into that clone


def measure_commits(top: Path, outcomes: int, rounds: int) -> Commit:
    """Commit the same outcomes in every way, each round with others."""
    times: dict[str, list[float]] = {name: [] for name in ("stoa", "batches", "chunks", "files")}
    with closing(synthetic.make_project(top / "stoa", outcomes)) as workspace:
        plain = [make_repository(top / name) for name in ("chunks", "files")]
        workspace.store.commit(dict(records(0, list(some(0, 100)))), "so that nothing is new", author=synthetic.AUTHOR)
        sizes = [packed(top / "stoa"), packed(plain[1])]
        for number in range(1, rounds + 1):
            ended = list(some(number, outcomes))
            times["stoa"].append(wall_s(lambda: commit_at_once(workspace, number, ended)))  # noqa: B023 -- called now
            write_chunks(plain[0], number, ended)
            times["chunks"].append(wall_s(lambda: add_and_commit(plain[0])))
            write_files(plain[1], number, ended)
            times["files"].append(wall_s(lambda: add_and_commit(plain[1])))
        sizes = [packed(top / "stoa") - sizes[0], packed(plain[1]) - sizes[1]]
        for number in range(rounds + 1, 2 * rounds + 1):
            ended = list(some(number, outcomes))
            times["batches"].append(wall_s(lambda: commit_batches(workspace, number, ended)))  # noqa: B023
    return Commit(
        outcomes=outcomes, stoa_s=times["stoa"], batches_s=times["batches"], git_chunks_s=times["chunks"],
        git_files_s=times["files"], record_bytes=len(write_outcomes(ended)) / outcomes,
        stoa_bytes=sizes[0] / rounds / outcomes, git_files_bytes=sizes[1] / rounds / outcomes,
    )  # fmt: skip


def some(number: int, outcomes: int) -> list[Outcome]:
    """The outcomes of a run over so many targets."""
    return list(synthetic.outcomes(synthetic.run_id(number), "sep", range(outcomes)))


def records(number: int, ended: list[Outcome]) -> dict[str, bytes]:
    """Their files."""
    return synthetic.records(synthetic.head(synthetic.run_id(number), "sep", "default", len(ended)), ended)


def commit_at_once(workspace: Workspace, number: int, ended: list[Outcome]) -> None:
    """Write the records and put them into one commit."""
    workspace.store.commit(dict(records(number, ended)), "a run", author=synthetic.AUTHOR)


def commit_batches(workspace: Workspace, number: int, ended: list[Outcome]) -> None:
    """As a long run does it: a file and a commit each 1000 outcomes, the summary last."""
    run = synthetic.run_id(number)
    for first in range(0, len(ended), synthetic.BATCH):
        data = write_outcomes(ended[first : first + synthetic.BATCH])
        name = Project.outcomes_record(run, first // synthetic.BATCH)
        workspace.store.commit({name: data}, f"{first} so far", author=synthetic.AUTHOR)


def make_repository(top: Path) -> Path:
    """An empty repository for plain git."""
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    return top


def write_chunks(top: Path, number: int, ended: list[Outcome]) -> None:
    """The files that STOA commits, in the work tree."""
    for path, data in records(number, ended).items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data)


def write_files(top: Path, number: int, ended: list[Outcome]) -> None:
    """A file an outcome, in 256 folders."""
    for place, outcome in enumerate(ended):
        folder = top / "runs" / synthetic.run_id(number) / f"{place % 256:02x}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{outcome.target}.yaml").write_bytes(write_outcomes([outcome]))


def add_and_commit(top: Path) -> None:
    """What a person types, with git's objects synced to disk as STOA's are."""
    subprocess.run(["git", *DURABLE, "add", "--all"], cwd=top, check=True)
    subprocess.run(["git", *DURABLE, "commit", "--quiet", "--message", "records"], cwd=top, check=True)


def measure_growth(top: Path, runs: int, jobs: int) -> Growth:
    """A commit a run, as people would have made them, then git's own commands on the whole."""
    project, clone = top / "grown", top / "clone"
    with closing(synthetic.make_project(project, jobs)) as workspace:
        before = packed(project)
        for number in range(runs):
            workspace.store.commit(
                dict(synthetic.one_run(number, jobs, jobs)), f"run {number}", author=synthetic.AUTHOR
            )
        size = packed(project) - before
        packs = len(list((project / ".git" / "objects" / "pack").glob("*.pack")))
        status_s = statistics.median(wall_s(git(project, "status", "--short")) for _ in range(3))
        clone_s = wall_s(git(top, "clone", "--quiet", project.as_uri(), str(clone)))
        one_more = synthetic.one_run(runs, jobs, jobs)
        commit_s = wall_s(lambda: workspace.store.commit(dict(one_more), "one more", author=synthetic.AUTHOR))
        fetch_s = wall_s(git(clone, "pull", "--quiet"))
    return Growth(
        runs=runs, jobs=jobs, git_mb=size / 1e6, bytes_each=size / runs / jobs, packs=packs, status_s=status_s,
        commit_s=commit_s, clone_s=clone_s, fetch_s=fetch_s,
    )  # fmt: skip


def git(folder: Path, *words: str) -> Callable[[], None]:
    """A git command, to be timed."""

    def run() -> None:
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)

    return run


def render(commits: list[Commit], growth: Growth) -> str:
    """The figures as tables."""
    grown = (
        f"{growth.runs} runs x {growth.jobs} targets: .git {growth.git_mb:.1f} MB in {growth.packs} packs,"
        f" {growth.bytes_each:.0f} bytes an outcome; git status {growth.status_s:.3f} s, clone {growth.clone_s:.2f} s,"
        f" one run more {growth.commit_s:.2f} s, pull of that run {growth.fetch_s:.2f} s"
    )
    return f"{synthetic.where()}\n\n{synthetic.table([columns(row) for row in commits])}\n\n{grown}"


def columns(row: Commit) -> dict[str, str]:
    """One size in words."""
    return {
        "outcomes": f"{row.outcomes}",
        "stoa, s": f"{statistics.median(row.stoa_s):.2f}",
        "in batches, s": f"{statistics.median(row.batches_s):.2f}",
        "git, same files, s": f"{statistics.median(row.git_chunks_s):.2f}",
        "x stoa": f"{row.ratio(row.git_chunks_s):.1f}",
        "git, a file each, s": f"{statistics.median(row.git_files_s):.2f}",
        "x  stoa": f"{row.ratio(row.git_files_s):.1f}",
        "bytes as text": f"{row.record_bytes:.0f}",
        "in stoa": f"{row.stoa_bytes:.0f}",
        "a file each": f"{row.git_files_bytes:.0f}",
    }


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, nargs="+", default=[1000, 10_000], metavar="N", help="(1000 10000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="of the growing repository (100)")
    parser.add_argument("--jobs", type=int, default=1000, metavar="N", help="of each of these runs (1000)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser.parse_args(words)


def scratch(folder: Path | None) -> tempfile.TemporaryDirectory[str]:
    """A folder that goes away, whatever git's housekeeping in the background still writes there."""
    return tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=folder, ignore_cleanup_errors=True)


def main(words: list[str]) -> None:
    """Measure, print, and remove what was made."""
    options = parse(words)
    commits = []
    for outcomes in options.outcomes:
        with scratch(options.folder) as top:
            commits.append(measure_commits(Path(top), outcomes, options.rounds))
    with scratch(options.folder) as top:
        growth = measure_growth(Path(top), options.runs, options.jobs)
    figures = {"machine": machine(), "commits": [asdict(row) for row in commits], "growth": asdict(growth)}
    print(json.dumps(figures) if options.json else render(commits, growth))


if __name__ == "__main__":
    main(sys.argv[1:])
