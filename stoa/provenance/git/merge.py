"""Joining the history of another clone with that of this one, without touching what the user has not committed.

The merge itself is made from objects. Only when it has succeeded are work tree, index and
branch brought to it, together; a marker in git's own folder lets the next command finish that
after a kill.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from dulwich.objects import Blob

from stoa.durable import sync_file, sync_folder
from stoa.errors import StoaError
from stoa.provenance.git.locks import Locked
from stoa.provenance.git.plumbing import GitError, git_version, run_git, writable
from stoa.provenance.git.repository import Repository
from stoa.provenance.git.snapshot import object_sizes
from stoa.provenance.git.trees import EMPTY_TREE, EXECUTABLE, FILE, TreeChange, contains, tree_changes

MARKER = "stoa-merge.json"
NOTHING = "0" * 40
INDEX_WAIT_S = 10.0
SYNC_EACH = 100
"""Up to this many files are synced one by one, more of them with all that the machine has to write."""


class Guard(Protocol):
    """Says what may come in and what may not be lost, for which it raises `StoaError`, and what joins both sides.

    `old` and `new` are commits, "" for an empty one; `label` names the side that changed.
    """

    def admit(self, old: str, new: str, label: str) -> None:
        """Refuse a tree that holds what it must not hold and `old` does not."""

    def keep(self, old: str, new: str, label: str) -> None:
        """Refuse a tree in which records of `old` are other ones or gone."""

    def alone(self) -> AbstractContextManager[None]:
        """While this is held, no command reads, changes and commits a file that a merge may change."""

    @property
    def joined(self) -> tuple[str, ...]:
        """Pathspecs of files that `settle` decides also where git finds no conflict."""

    def settle(self, path: str, base: bytes | None, ours: bytes, theirs: bytes) -> bytes | None:
        """What a file is to be that both sides changed in the same lines; None where a person has to say."""


class ConflictError(StoaError):
    """Both sides changed the same places; nothing was merged."""

    def __init__(self, paths: list[str], base: str, ours: str, theirs: str, label: str) -> None:
        listed = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
        super().__init__(
            f"you and {label} both changed {listed}; nothing was merged",
            f"`git merge {label}`, settle these files, `git commit`, then `stoa sync` again",
        )
        self.paths = paths
        self.base = base
        self.ours = ours
        self.theirs = theirs
        self.label = label


class UntrackedError(GitError):
    """A file of the user that git does not track, where another one is to be."""

    def __init__(self, mine: str, path: str) -> None:
        super().__init__(f"{mine} is in the way of {path}")
        self.mine = mine
        self.path = path


def join(repository: Repository, branch: str, theirs: str, label: str, guard: Guard) -> bool:
    """Bring the branch to a commit that holds both sides; True when they had to be merged.

    Parameters
    ----------
    branch
        Full name; it has to be checked out.

    Raises
    ------
    ConflictError
        If both sides changed the same lines of a file, and the guard does not know what it is to be.
    GitError
        If the histories have nothing in common, uncommitted changes of the user are in the way,
        or another branch was checked out meanwhile.
    """
    while True:
        ours = repository.tip(branch)
        if contains(repository, ours, theirs):
            return False
        base = _base(repository, ours, theirs, label)
        forward = base == ours
        guard.admit(base, theirs, label)
        new = theirs if forward else _merge(repository, base, ours, theirs, label, guard)
        if not forward:
            guard.admit(ours, new, label)
        guard.keep(ours, new, label)
        with guard.alone():
            if _advance(repository, branch, ours, new, label):
                return not forward


def resume(repository: Repository, guard: Guard) -> None:
    """Finish a merge whose command was killed between work tree and branch."""
    marker = repository.control / MARKER
    if not marker.exists():
        return
    said = json.loads(marker.read_text(encoding="utf-8"))
    if repository.knows(said["commit"]) and said["branch"] == repository.branch():
        join(repository, said["branch"], said["commit"], said["label"], guard)
    marker.unlink(missing_ok=True)


def _base(repository: Repository, ours: str, theirs: str, label: str) -> str:
    if not ours:
        return ""
    base = run_git(repository.top, "merge-base", ours, theirs, allow=(0, 1))[1].decode().strip()
    if base:
        return base
    refuse_shallow(repository, label)
    raise GitError(f"{label} and this branch have no common history", hint="is this the right remote? `git remote -v`")


def refuse_shallow(repository: Repository, label: str) -> None:
    """Raise `GitError` in a clone of the last commits alone, in which two histories need not be seen to meet."""
    if repository.is_shallow:
        raise GitError(
            f"this clone is shallow and does not reach back to where it and {label} part",
            hint="`git fetch --unshallow`, then `stoa sync` again",
        )


def _merge(repository: Repository, base: str, ours: str, theirs: str, label: str, guard: Guard) -> str:
    """A commit that joins both sides; the branch does not move."""
    words = ("merge-tree", "--write-tree", "--name-only", "-z", ours, theirs)
    code, output = run_git(repository.top, "-c", "merge.directoryRenames=false", *words, allow=(0, 1, 129))
    if code == 129:
        raise GitError(f"git {git_version()} cannot merge without a work tree", hint="`stoa sync` needs git 2.38")
    tree, *rest = output.decode("utf-8", "surrogateescape").split("\0")
    paths = set(rest[: rest.index("")] if "" in rest else rest) if code == 1 else set()
    mine, others = (
        {change.path for change in tree_changes(repository, base, side, *guard.joined) if change.new_mode}
        for side in (ours, theirs)
    )
    paths |= mine & others
    settled = _settled(repository, sorted(paths), (base, ours, theirs), guard)
    if len(settled) < len(paths):
        raise ConflictError(sorted(paths - settled.keys()), base, ours, theirs, label)
    message = f"Merge {writable(label)}: outcomes, flags and definitions of both sides\n"
    return repository.merge_commit(tree, [ours, theirs], message, repository.author(), settled)


def _settled(repository: Repository, paths: list[str], commits: tuple[str, str, str], guard: Guard) -> dict[str, bytes]:
    """Those of the files in conflict whose right content is known, with their content."""
    before, mine, others = map(repository.snapshot, commits)
    found = {}
    for path in paths:
        base, ours, theirs = (side.read(path) for side in (before, mine, others))
        content = guard.settle(path, base, ours, theirs) if ours is not None and theirs is not None else None
        if content is not None:
            found[path] = content
    return found


def _advance(repository: Repository, branch: str, old: str, new: str, label: str) -> bool:
    """Move branch, work tree and index from one commit to a later one; False when the branch moved meanwhile."""
    author = repository.author()
    marker = repository.control / MARKER
    with repository.lock():
        if repository.branch() != branch:
            raise GitError(f"another branch was checked out meanwhile; {label} was not merged")
        if repository.tip(branch) != old:
            return False
        if marker.exists():
            _remove_halves(repository, old, new)
        _write_marker(repository, {"branch": branch, "commit": new, "label": label})
        try:
            _patient(lambda: _update(repository, old, new))
        except UntrackedError as problem:
            marker.unlink()
            raise GitError(
                f"{label} brings {problem.path}, where you have {problem.mine}, which git does not track;"
                " nothing was merged",
                hint="move it out of the way, then `stoa sync` again",
            ) from None
        except GitError as problem:
            marker.unlink()
            raise _in_the_way(problem, label) from None
        except Locked:
            marker.unlink()
            raise GitError(
                f"another git command holds the index, so nothing of {label} was merged",
                hint="`stoa sync` again when it is done; `stoa doctor` says if a killed git left its lock",
            ) from None
        _sync(repository, old, new)
        moved = repository.move(branch, old, new, f"sync with {label}", author)
        if moved:
            marker.unlink()
    return moved


def _write_marker(repository: Repository, said: dict[str, str]) -> None:
    part = repository.control / f"{MARKER}.part"
    part.write_text(json.dumps(said), encoding="utf-8")
    sync_file(part)
    part.replace(repository.control / MARKER)
    sync_folder(repository.control)


def _sync(repository: Repository, old: str, new: str) -> None:
    """Make durable what git has written into the work tree, which it does not do itself."""
    paths = [change.path for change in tree_changes(repository, old, new) if change.new_mode in (FILE, EXECUTABLE)]
    if len(paths) > SYNC_EACH:
        os.sync()
        return
    for path in paths:
        with suppress(OSError):  # left out of the work tree, by a sparse checkout for example
            sync_file(repository.top / path)
            sync_folder((repository.top / path).parent)


def _remove_halves(repository: Repository, old: str, new: str) -> None:
    """Remove what a killed git had begun to write: files that hold the beginning of their new content and no more."""
    after = repository.snapshot(new)
    for change in tree_changes(repository, old, new):
        file = repository.top / change.path
        if change.new_mode not in (FILE, EXECUTABLE) or file.is_symlink() or not file.is_file():
            continue
        whole = after.read(change.path) or b""
        if file.stat().st_size >= len(whole):
            continue
        half = file.read_bytes()
        if whole.startswith(half) and Blob.from_string(half).id.decode() != change.old_oid:
            file.unlink()


def _update(repository: Repository, old: str, new: str) -> None:
    """Bring work tree and index from one commit to another; git refuses where the user has other content."""
    words = ("read-tree", "-m", "-u", old or EMPTY_TREE, new)
    with repository.copy_of_index() as environ:
        _refuse_untracked(repository, tree_changes(repository, old, new), environ)
        try:
            run_git(repository.top, *words, more_environ=environ)
        except GitError:
            _absorb(repository, old, new, environ)
            run_git(repository.top, "update-index", "-q", "--refresh", allow=(0, 1), more_environ=environ)
            run_git(repository.top, *words, more_environ=environ)


def _refuse_untracked(repository: Repository, changes: list[TreeChange], environ: Mapping[str, str]) -> None:
    """Raise if a new file would take the place of one that git does not track: what it ignores it would overwrite."""
    fresh = [change for change in changes if change.new_mode and not change.old_mode]
    met = {place: change for change in fresh for place in [_in_place(repository, change.path)] if place}
    if not met:
        return
    tracked = _staged(repository, environ)
    sizes = object_sizes(repository.top, (change.new_oid for change in met.values()))
    for place, change in met.items():
        if (repository.top / place).is_dir() and not (repository.top / place).is_symlink():
            below = (file.relative_to(repository.top).as_posix() for file in (repository.top / place).rglob("*"))
            mine = [path for path in below if path not in tracked and not (repository.top / path).is_dir()]
        else:
            there = place == change.path and _is_there(repository, change, sizes.get(change.new_oid, -1))
            mine = [] if place in tracked or there else [place]
        if mine:
            raise UntrackedError(mine[0], change.path)


def _in_place(repository: Repository, path: str) -> str:
    """What is where a file is to be: its path, or that of a file where it needs a folder; "" where nothing is."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        above = "/".join(parts[:depth])
        if not os.path.lexists(repository.top / above):
            return ""
        if not (repository.top / above).is_dir():
            return above
    return path if os.path.lexists(repository.top / path) else ""


def _absorb(repository: Repository, old: str, new: str, environ: Mapping[str, str]) -> None:
    """Put into the index what the work tree has in its new form already, and the index not yet.

    That is how a killed command leaves it; git would take such files for the user's own.
    """
    met = [change for change in tree_changes(repository, old, new) if change.new_mode in (FILE, EXECUTABLE)]
    met = [change for change in met if os.path.lexists(repository.top / change.path)]
    sizes = object_sizes(repository.top, (change.new_oid for change in met))
    there = [change for change in met if _is_there(repository, change, sizes.get(change.new_oid, -1))]
    if not there:
        return
    staged = _staged(repository, environ)
    fresh = [change for change in there if staged.get(change.path, NOTHING) == change.old_oid]
    lines = "".join(f"{change.new_mode:o} {change.new_oid}\t{change.path}\0" for change in fresh)
    data = lines.encode("utf-8", "surrogateescape")
    run_git(repository.top, "update-index", "-z", "--index-info", stdin=data, more_environ=environ)


def _is_there(repository: Repository, change: TreeChange, size: int) -> bool:
    """Whether the work tree has a file in its new form."""
    file = repository.top / change.path
    try:
        facts = file.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size != size:
            return False
        return Blob.from_string(file.read_bytes()).id.decode() == change.new_oid
    except OSError:
        return False


def _staged(repository: Repository, environ: Mapping[str, str]) -> dict[str, str]:
    """Object id of every path in the index."""
    _, output = run_git(repository.top, "ls-files", "-s", "-z", more_environ=environ)
    pairs = (entry.partition("\t") for entry in output.decode("utf-8", "surrogateescape").split("\0") if entry)
    return {path: facts.split(" ")[1] for facts, _, path in pairs}


def _patient(work: Callable[[], None]) -> None:
    """Do work on the index, again while another git command holds it."""
    deadline = time.monotonic() + INDEX_WAIT_S
    while True:
        try:
            return work()
        except Locked:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _in_the_way(problem: GitError, label: str) -> GitError:
    names = list(dict.fromkeys(re.findall(r"'([^'\n]+)'", problem.said)))
    if not names or not re.search(r"not uptodate|overwritten|removed", problem.said):
        return GitError(
            f"the work tree cannot be brought to {label}: {problem.message}",
            problem.said,
            "`git status` shows the state; `stoa sync` again when that is mended",
        )
    return GitError(
        f"{label} changed {', '.join(names[:5])}, where you have changes that are not committed; nothing was merged",
        problem.said,
        "commit them or put them aside (`git stash -u`), then `stoa sync` again",
    )
