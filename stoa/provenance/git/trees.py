"""What differs between two commits, told without reading any content."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
from dulwich.objects import Blob

from stoa.provenance.git.plumbing import run_git
from stoa.provenance.git.repository import Repository
from stoa.provenance.git.snapshot import MAX_RECORD

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
FILE = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000
SUBMODULE = 0o160000


_ENTRY = re.compile(r"(?:^|\0)\0+(?=[0-9a-f]{40}\0)")  # no path below a folder is forty digits


class TreeChange(msgspec.Struct, frozen=True):
    """A path that differs; a mode of 0 stands for "not there"."""

    path: str  # bytes that are not UTF-8 as lone surrogates
    old_mode: int
    new_mode: int
    old_oid: str
    new_oid: str


def tree_changes(repository: Repository, old: str, new: str, *pathspecs: str) -> list[TreeChange]:
    """Paths that differ between two commits; "" for `old` stands for an empty one."""
    _, output = run_git(
        repository.top, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old or EMPTY_TREE, new,
        "--", *pathspecs,
    )  # fmt: skip
    fields = output.split(b"\0")
    return [_change(facts, path) for facts, path in zip(fields[:-1:2], fields[1::2], strict=True)]


def _change(facts: bytes, path: bytes) -> TreeChange:
    old_mode, new_mode, old_oid, new_oid, _ = facts.decode("ascii").removeprefix(":").split(" ")
    return TreeChange(path.decode("utf-8", "surrogateescape"), int(old_mode, 8), int(new_mode, 8), old_oid, new_oid)


def holders(repository: Repository, commit: str, file: str) -> list[str]:
    """Folders of a commit that hold a file of some name (which may be a path), the topmost first; "" is the root."""
    changes = tree_changes(repository, "", commit, f":(glob)**/{file}")
    return sorted((change.path.removesuffix(file).rstrip("/") for change in changes), key=len)


def uncommitted(repository: Repository, paths: Iterable[Path]) -> list[str]:
    """Those of some files, and of all below some folders, that differ from the commit that is checked out.

    What git ignores is not among them.
    """
    top = repository.top
    named = [path.relative_to(top).as_posix() for path in paths if path.is_relative_to(top)]
    if not named:
        return []
    words = ("--no-optional-locks", "--literal-pathspecs", "status", "--porcelain", "-z", "--no-renames")
    _, output = run_git(top, *words, "--untracked-files=all", "--", *named)
    return [entry[3:] for entry in output.decode("utf-8", "surrogateescape").split("\0") if entry]


def work_tree_ids(repository: Repository, paths: Iterable[str]) -> dict[str, str]:
    """Object ids that git would give to files as they are in the work tree; others than plain files are left out."""
    found = {}
    for path in paths:
        file = repository.top / path
        with suppress(OSError):
            if stat.S_ISREG((facts := file.lstat()).st_mode) and facts.st_size <= MAX_RECORD:
                found[path] = Blob.from_string(file.read_bytes()).id.decode()
    return found


def staged(repository: Repository, paths: Iterable[str]) -> dict[str, str]:
    """Object ids that the index has of some files; "several" for one in conflict."""
    _, output = run_git(repository.top, "--literal-pathspecs", "ls-files", "-s", "-z", "--", *paths)
    entries = (entry.partition("\t") for entry in output.decode("utf-8", "surrogateescape").split("\0") if entry)
    found: dict[str, str] = {}
    for facts, _, path in entries:
        found[path] = "several" if path in found else facts.split(" ")[1]
    return found


def last_change(repository: Repository, old: str, new: str, path: str) -> str:
    """Who changed a path between two commits, and where: ``Anna Jansky in 1a2b3c4``; "" when no one did."""
    span = f"{old}..{new}" if old else new
    words = ("log", "-1", "--no-show-signature", "--format=%an in %h", span, "--", f":(literal){path}")
    _, output = run_git(repository.top, *words, allow=(0, 128))  # a path that is not UTF-8 finds nothing
    return output.decode("utf-8", "replace").strip()


def added_in(repository: Repository, path: str) -> str:
    """The first commit of the checked-out history that has a path; "" if there is none."""
    words = ("log", "--no-show-signature", "--no-renames", "--diff-filter=A", "--format=%H", "--", f":(literal){path}")
    _, output = run_git(repository.top, *words, allow=(0, 128))  # a path that is not UTF-8 finds nothing
    return next(reversed(output.decode("ascii", "replace").split()), "")


class Commit(msgspec.Struct, frozen=True):
    """A commit in a list."""

    id: str
    author: str
    time: str  # ISO 8601, of the author
    subject: str


def commits(repository: Repository, trailer: str = "", most: int = 200) -> list[Commit]:
    """The latest commits of the checked-out history, the newest first.

    Parameters
    ----------
    trailer
        Only commits with this line in their message, such as ``Stoa-Run: ID``.
    """
    words = ["log", "--no-show-signature", f"--max-count={most}", "-z", "--format=%H%n%an%n%aI%n%s"]
    if trailer:
        words += ["--fixed-strings", f"--grep={trailer}"]
    _, output = run_git(repository.top, *words, allow=(0, 128))  # 128: nothing is committed yet
    texts = output.decode("utf-8", "replace").split("\0")
    return [Commit(*parts) for text in texts if len(parts := text.split("\n", 3)) == 4]


class Removal(msgspec.Struct, frozen=True):
    """A commit that removed files."""

    commit: str
    author: str
    on_purpose: bool  # its message says so
    paths: tuple[str, ...]


REMOVED = "Stoa-Removed"
"""Trailer of commits that remove records on purpose."""


def removals(repository: Repository, old: str, new: str, *pathspecs: str) -> list[Removal]:
    """Commits that removed files, the newest first; "" for `old` stands for the begin of the history.

    A merge counts with what it removed of each side.
    """
    span = f"{old}..{new}" if old else new
    form = f"--format=%x00%H%x00%an%x00%(trailers:key={REMOVED},valueonly,separator=%x20)"
    words = ("log", "-m", "--full-history", "--no-show-signature", "--no-renames", "--diff-filter=D", "--name-only")
    _, output = run_git(repository.top, *words, "-z", form, span, "--", *pathspecs)
    found = []
    for entry in _ENTRY.split(output.decode("utf-8", "surrogateescape"))[1:]:
        commit, author, purpose, *paths = entry.split("\0")
        names = tuple(path for text in paths if (path := text.lstrip("\n")))
        found.append(Removal(commit, author, bool(purpose.strip()), names))
    return [removal for removal in found if removal.paths]


def contains(repository: Repository, descendant: str, ancestor: str) -> bool:
    """Whether one commit is another one or in its history."""
    if descendant == ancestor:
        return True
    code, _ = run_git(repository.top, "merge-base", "--is-ancestor", ancestor, descendant, allow=(0, 1, 128))
    return code == 0


class Written(msgspec.Struct, frozen=True):
    """A commit that added or changed files; no merge."""

    commit: str
    author: str
    email: str
    runs: tuple[str, ...]  # that its message names as its own
    files: dict[str, tuple[str, str]]  # path -> ``A`` for added or another letter, object id


_RAW = re.compile(r":\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) ([A-Z])")


def written(repository: Repository, revisions: Iterable[str], *pathspecs: str) -> list[Written] | None:
    """Commits that added or changed files, the newest first; None where git does not have all of that history.

    Parameters
    ----------
    revisions
        As `git log` takes them.
    """
    form = "--format=%x00%H%x00%an%x00%ae%x00%(trailers:key=Stoa-Run,valueonly,separator=%x20)"
    words = (
        "log",
        "--full-history",
        "--no-show-signature",
        "--no-renames",
        "--diff-filter=AMT",
        "--raw",
        "--no-abbrev",
    )
    code, output = run_git(repository.top, *words, "-r", "-z", form, *revisions, "--", *pathspecs, allow=(0, 128))
    return None if code else [_written(entry) for entry in _ENTRY.split(output.decode("utf-8", "surrogateescape"))[1:]]


def _written(entry: str) -> Written:
    commit, author, email, runs, *words = entry.split("\0")
    texts = [text for word in words if (text := word.lstrip("\n"))]
    facts = (_RAW.fullmatch(text) for text in texts[::2])
    files = {path: (fact[3], fact[2]) for fact, path in zip(facts, texts[1::2], strict=True) if fact}
    return Written(commit, author, email, tuple(runs.split()), files)


def is_on_a_branch(repository: Repository, commit: str) -> bool:
    """Whether a commit is in the history of any branch of this clone."""
    words = ("for-each-ref", "--count=1", "--format=x", f"--contains={commit}", "refs/heads")
    return bool(run_git(repository.top, *words)[1].strip())


def count_commits(repository: Repository, new: str, *without: str) -> int:
    """Commits in the history of `new` and not in that of the others; "" stands for none."""
    excluded = [f"^{commit}" for commit in without if commit]
    return int(run_git(repository.top, "rev-list", "--count", new, *excluded, "--")[1]) if new else 0
