"""Records that a branch had and has no more, although no one removed them on purpose; they are put back.

Git by hand can take records from a branch without a word: a `git commit -a` whose editor was open while STOA committed,
and that is typed again after git has refused it, has a tree without them; so has a branch that was reset. For each
branch the reference `refs/stoa/last/BRANCH` names the commit up to which nothing is missing, and keeps `git gc` from
what it holds. When the branch has moved since then, other than by STOA, two trees are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec

from stoa.errors import StoaError
from stoa.provenance.closed import ClosedRuns, run_of
from stoa.provenance.git import (
    REMOVED,
    GitError,
    Removal,
    Repository,
    TreeChange,
    check_ready,
    contains,
    is_on_a_branch,
    removals,
    staged,
    tree_changes,
    work_tree_ids,
    writable,
)

RECORDS = ("runs", "reviews", "views", "selections", "samples")
FOR_GOOD = f"`git rm -r PATH` and `git commit -m WHY -m '{REMOVED}: yes'` remove records for good"
_FILE = 0o100644
_ROUNDS = 5


class Returned(msgspec.Struct, frozen=True):
    """Files that were put back on a branch."""

    branch: str  # short name
    commit: str
    paths: tuple[str, ...]  # below `.stoa`
    removed_by: tuple[str, ...]  # ``Anna Jansky in 1a2b3c4``; empty where the branch was reset

    @property
    def runs(self) -> frozenset[str]:
        return frozenset(path.split("/")[1] for path in self.paths if path.startswith("runs/"))

    def __str__(self) -> str:
        who = f"left out by {', '.join(self.removed_by)}" if self.removed_by else "gone since the branch was reset"
        return (
            f"put back on {writable(self.branch)}: {named(self.paths)}, {who} (commit {self.commit[:10]}); {FOR_GOOD}"
        )


def bring_back(repository: Repository, prefix: str, branch: str = "") -> Returned | None:
    """Put records back that the branch had and has no more; None where none is missing.

    Parameters
    ----------
    prefix
        Path of `.stoa` in the repository.
    branch
        Full name; by default the branch that is checked out.

    Raises
    ------
    StoaError
        If some are missing and nothing can be committed now.
    """
    place = branch or repository.branch_or_none() or ""
    returned = None
    for _ in range(_ROUNDS):  # the user's git may move the branch meanwhile
        last, tip = repository.last(place) if place else "", repository.tip(place) if place else ""
        if last == tip or not tip:
            return returned
        lost = _missing(repository, prefix, last, tip) if last else {}
        if not lost:
            _remember(repository, place, last, tip)
            return returned
        returned = _put_back(repository, prefix, place, (last, tip), lost)
    return returned


def _remember(repository: Repository, branch: str, last: str, tip: str) -> None:
    with suppress(StoaError, OSError):  # in a repository that is only read, each command looks again
        repository.remember(branch, last, tip)


def _put_back(
    repository: Repository, prefix: str, branch: str, span: tuple[str, str], lost: dict[str, str]
) -> Returned:
    paths = tuple(path.removeprefix(f"{prefix}/") for path in lost)
    short = branch.removeprefix("refs/heads/")
    try:
        if branch == repository.branch_or_none():
            check_ready(repository)
        snapshot = repository.snapshot(span[0])
        snapshot.prepare(lost.values())
        contents = {path: snapshot.blob(oid) for path, oid in lost.items()}
        runs = sorted({path.split("/")[1] for path in paths if path.startswith("runs/")})
        trailers = [f"Stoa-Returned: {len(paths)}\n", *(f"Stoa-Run: {run}\n" for run in runs)]
        message = f"Put back {named(paths)}\n\n{''.join(trailers)}"
        commit = repository.commit(contents, message, repository.author(), branch)
    except (StoaError, OSError) as problem:
        reason = problem.message if isinstance(problem, StoaError) else problem.strerror
        raise StoaError(
            f"{short} had {named(paths)}, which it has no more, and they cannot be put back now: {reason}",
            f"nothing is lost: any `stoa` command puts them back when that is over; {span[0][:10]} has them",
        ) from None
    who = {f"{r.author} in {r.commit[:7]}" for r in removals(repository, *span, *_specs(lost)) if r.paths}
    return Returned(short, commit, paths, tuple(sorted(who)))


def _missing(repository: Repository, prefix: str, last: str, tip: str) -> dict[str, str]:
    """Path -> object id of what a commit has and a later one of the same branch should have."""
    try:
        changes = tree_changes(repository, last, tip, f":(literal){prefix}")
    except GitError:
        if repository.knows(last):
            raise
        return {}
    changes = [change for change in changes if change.old_mode == _FILE]
    gone = {change.path: change.old_oid for change in changes if not change.new_mode and is_record(change.path, prefix)}
    if gone:
        meant = {path for r in removals(repository, last, tip, *_specs(gone)) if r.on_purpose for path in r.paths}
        gone = {path: oid for path, oid in gone.items() if path not in meant}
        strangers = _strangers(repository, prefix, last, gone)
        gone = {path: oid for path, oid in gone.items() if path not in strangers}
    return gone | _left_out(repository, [c for c in changes if not is_record(c.path, prefix)], last, tip)


def _strangers(repository: Repository, prefix: str, commit: str, files: Mapping[str, str]) -> set[str]:
    """Those of some files (path -> object id) that others had put into the folder of a run: they are no records."""
    closed = ClosedRuns(repository, prefix)
    runs = {run for path in files if (run := run_of(path, prefix))}
    authors = closed.authors(runs, repository.snapshot(commit).read_record)
    return {stranger.path for stranger in closed.strangers(("", commit), files, authors)}


def _left_out(repository: Repository, changes: list[TreeChange], last: str, tip: str) -> dict[str, str]:
    """Other files for which the user's commit has the earlier content, while the work tree has what STOA committed.

    So it is when a commit was made from an index that was read before STOA's commit.
    """
    if not changes:
        return {}
    here = work_tree_ids(repository, (change.path for change in changes))
    same = {change.path: change for change in changes if here.get(change.path) == change.old_oid}
    if not same or not contains(repository, tip, last):
        return {}
    index = staged(repository, same)
    return {path: c.old_oid for path, c in same.items() if index.get(path, "") == (c.new_oid if c.new_mode else "")}


def is_record(path: str, prefix: str) -> bool:
    """Whether a path of the repository is that of a run's or a review's record, which are never edited."""
    return path.startswith(tuple(f"{prefix}/{folder}/" for folder in RECORDS))


def _specs(paths: Iterable[str]) -> list[str]:
    """Pathspecs of few words: the folders that hold the paths."""
    return sorted({f":(literal){path.rpartition('/')[0]}" for path in paths})


def named(paths: Iterable[str]) -> str:
    """``2 runs (20261122T103000-k3f9q2, ...) and 3 reviews``; paths are below `.stoa`."""
    found = list(paths)
    runs = sorted({path.split("/")[1] for path in found if path.startswith("runs/")})
    reviews = sum(path.startswith("reviews/") for path in found)
    others = [path for path in found if not path.startswith(("runs/", "reviews/"))]
    words = []
    if runs:
        more = ", ..." if len(runs) > 3 else ""
        words.append(f"records of {len(runs)} run{'s' * (len(runs) > 1)} ({', '.join(runs[:3])}{more})")
    if reviews:
        words.append(f"{reviews} review{'s' * (reviews > 1)}")
    if others:
        words.append(", ".join(others[:3]) + (", ..." if len(others) > 3 else ""))
    return " and ".join(words)


def removed_records(repository: Repository, prefix: str) -> Counter[tuple[str, Removal]]:
    """Records that the history has and the present commit has not, without a commit that says so on purpose.

    Returns
    -------
    removed
        (folder below `.stoa`, what removed it) -> number of files.
    """
    head = repository.head()
    found = removals(repository, "", head, *(f":(literal){prefix}/{folder}" for folder in RECORDS)) if head else []
    meant = {path for removal in found if removal.on_purpose for path in removal.paths}
    gone = {path: removal for removal in reversed(found) for path in removal.paths if path not in meant}
    snapshot = repository.snapshot()
    lost = {path: by for path, by in sorted(gone.items()) if not snapshot.holds(path)}
    strangers = _strangers(repository, prefix, head, dict.fromkeys(lost, ""))
    missing = {path.removeprefix(f"{prefix}/"): by for path, by in lost.items() if path not in strangers}
    return Counter(("/".join(path.split("/")[:2]), by) for path, by in missing.items())


def lost_branches(repository: Repository, prefix: str) -> list[tuple[str, str, int]]:
    """Branches that are gone, with their last commit and the number of runs that were on them and are nowhere else."""
    here = {name for name, _ in repository.snapshot().folders(f"{prefix}/runs")}
    found = []
    for branch, commit in repository.lasts().items():
        if repository.tip(branch) or not repository.knows(commit) or is_on_a_branch(repository, commit):
            continue
        runs = {name for name, _ in repository.snapshot(commit).folders(f"{prefix}/runs")} - here
        if runs:
            found.append((branch.removeprefix("refs/heads/"), commit, len(runs)))
    return found
