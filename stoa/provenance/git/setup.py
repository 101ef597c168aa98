"""Finding a repository and saying why one cannot be written to."""

from __future__ import annotations

import os
from pathlib import Path

from stoa.errors import StoaError
from stoa.provenance.git.plumbing import GitError, asks, run_git
from stoa.provenance.git.repository import Repository

_MARKS = {
    "MERGE_HEAD": ("merge", "`git merge --continue` or `git merge --abort`"),
    "rebase-merge": ("rebase", "`git rebase --continue` or `git rebase --abort`"),
    "rebase-apply": ("rebase", "`git rebase --continue` or `git rebase --abort`"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "`git cherry-pick --continue` or `git cherry-pick --abort`"),
    "REVERT_HEAD": ("revert", "`git revert --continue` or `git revert --abort`"),
}


def find(start: Path) -> Repository:
    """The repository whose work tree holds a folder.

    Raises
    ------
    GitError
        Outside any repository, in a bare one, or in one of a format that STOA cannot write.
    """
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return Repository(folder)
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir():
            raise GitError(
                f"{folder} is a bare git repository: it has no work tree to keep definitions in",
                hint="clone it and work in the clone",
            )
    raise GitError(f"{start} is in no git repository", hint="`git init` makes one here, then `stoa init`")


def check_ready(repository: Repository) -> None:
    """Raise `StoaError` unless records can be committed to the branch that is checked out."""
    for mark, (name, remedy) in _MARKS.items():
        if (repository.control / mark).exists():
            raise StoaError(f"a {name} is under way in {repository.top}", f"finish it first: {remedy}")
    repository.branch()


def way_back(repository: Repository, folder: str, start: Path) -> str:
    """The command that brings a folder of the present commit into the work tree, to be typed in `start`."""
    if asks(repository.top, "core.sparseCheckout"):
        return f"`git sparse-checkout add {os.path.relpath(repository.top / folder, start)}`"
    return f"`git checkout HEAD -- :/{folder}`"


def init_durable(repository: Repository) -> None:
    """Let the user's own git commits survive a power cut as STOA's do."""
    run_git(repository.top, "config", "core.fsync", "committed,reference")
