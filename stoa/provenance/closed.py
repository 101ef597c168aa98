"""Whether the records in a run's folder are the run's own: its folder is closed to all others.

A file is the run's own if a commit has written it, as it is, that names the run (the trailer `Stoa-Run`) and has the
run's author. Git proves no author without signatures: who pretends to be the author of the run is not found out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from stoa.errors import StoaError
from stoa.provenance.git import Repository, Written, written
from stoa.provenance.records import read_run

_MOST_FOLDERS = 100
"""Of more runs the whole history of all of them is read, rather than that of each folder."""


@dataclass(frozen=True)
class Stranger:
    """Who has put a file into the folder of a run of someone else."""

    path: str  # of the repository
    who: str  # ``Ben Cook in 1a2b3c4``, "" where a merge did
    is_new: bool  # or it was there, and was another one

    def __str__(self) -> str:
        return f"was {'added' if self.is_new else 'changed'} by {self.who or 'a merge'}"


class _History:
    """Who wrote which files of runs, in a part of the history."""

    def __init__(self, commits: Iterable[Written]) -> None:
        self._by_path: dict[str, list[tuple[Written, str, str]]] = defaultdict(list)  # the newest first
        for commit in commits:
            for path, (kind, oid) in commit.files.items():
                self._by_path[path].append((commit, kind, oid))

    def is_own(self, path: str, oid: str, run: str, email: str) -> bool:
        """Whether the run has written a file as it is, "" for the object id standing for any content."""
        return any(
            run in commit.runs and commit.email == email and oid in ("", other)
            for commit, _, other in self._by_path.get(path, ())
        )

    def stranger(self, path: str, oid: str) -> Stranger:
        made = [(commit, kind) for commit, kind, other in self._by_path.get(path, ()) if oid in ("", other)]
        if not made:
            return Stranger(path, "", is_new=True)
        commit, kind = made[0]
        return Stranger(path, f"{commit.author} in {commit.commit[:7]}", is_new=kind == "A")


@dataclass(frozen=True)
class ClosedRuns:
    """Tells which files in the folders of runs are not the runs' own.

    Parameters
    ----------
    prefix
        Path of `.stoa` in the repository.
    """

    repository: Repository
    prefix: str

    def strangers(
        self, span: tuple[str, str], files: Mapping[str, str], authors: Mapping[str, str], *, squashed: bool = False
    ) -> list[Stranger]:
        """Files of a commit that belong to no run.

        Left out are runs whose own head no commit of theirs has written: a history that was squashed tells nothing.

        Parameters
        ----------
        span
            The commit after which the files were written, as far as is known ("" for all of the history), and the one
            that has them.
        files
            Path of the repository -> object id, "" for any content.
        authors
            Address of the author of each run that is known.
        squashed
            Judge runs of a squashed history too, whose files were there before the first commit of the span.
        """
        wanted = {path: run for path in files if (run := run_of(path, self.prefix)) in authors}

        def left(history: _History, paths: Iterable[str]) -> list[str]:
            return [p for p in paths if not history.is_own(p, files[p], wanted[p], authors[wanted[p]])]

        doubtful: list[str] = list(wanted)
        history = _History(())
        for revisions in ([f"{span[0]}..{span[1]}"] if span[0] else [], [span[1]], ["--all", span[1]]):
            if not doubtful or not revisions:
                continue
            runs = {wanted[path] for path in doubtful}
            commits = written(self.repository, revisions, *self._folders(runs))
            if commits is None and revisions == [span[1]]:
                return []  # a part of the history is not here
            if commits is None:
                continue
            history = _History(commits)
            doubtful = left(history, doubtful)
            if revisions == [span[1]] and not squashed:
                told = {run for run in runs if history.is_own(self._head(run), "", run, authors[run])}
                doubtful = [path for path in doubtful if wanted[path] in told]
        return [history.stranger(path, files[path]) for path in doubtful]

    def authors(self, runs: Iterable[str], read: Callable[[str], bytes | None]) -> dict[str, str]:
        """Address of the author of each run whose head can be read; `read` gives a file of the repository."""
        found = {}
        for run in runs:
            try:
                data = read(self._head(run))
                if data is not None:
                    found[run] = read_run(data, f"runs/{run}/run.yaml").author.email
            except StoaError:
                continue
        return found

    def _head(self, run: str) -> str:
        return f"{self.prefix}/runs/{run}/run.yaml"

    def _folders(self, runs: set[str]) -> list[str]:
        if len(runs) > _MOST_FOLDERS:
            return [f":(literal){self.prefix}/runs"]
        return sorted(f":(literal){self.prefix}/runs/{run}" for run in runs)


def run_of(path: str, prefix: str) -> str:
    """The run in whose folder a path of the repository is, "" for other paths."""
    start = f"{prefix}/runs/"
    return path.removeprefix(start).partition("/")[0] if path.startswith(start) else ""
