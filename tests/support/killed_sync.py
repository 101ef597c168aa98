"""A `stoa sync` that kills itself at a named point: `killed_sync.py FOLDER POINT`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stoa.commands.sync import sync
from stoa.provenance.git import merge, remote
from stoa.provenance.git.repository import Repository
from stoa.workspace.open import Workspace


def die(*_words: object, **_options: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half_written(repository: Repository, old: str, new: str) -> None:
    """The work tree has what is new, the index has not: git was killed between the two."""
    environ = os.environ | {"GIT_INDEX_FILE": str(repository.control / "aside")}
    paths = subprocess.check_output(["git", "diff", "--name-only", "-z", old, new], cwd=repository.top)
    for words, stdin in ((["read-tree", new], b""), (["checkout-index", "-z", "--stdin", "-f"], paths)):
        subprocess.run(["git", *words], cwd=repository.top, env=environ, input=stdin, check=True)
    die()


def torn(share: float) -> Callable[[Repository, str, str], None]:
    """Git was killed while it wrote: every new or changed file holds this share of its new content."""

    def write(repository: Repository, old: str, new: str) -> None:
        words = ["git", "diff", "--name-only", "--diff-filter=d", "-z", old, new]
        for path in filter(None, subprocess.check_output(words, cwd=repository.top, text=True).split("\0")):
            content = subprocess.check_output(["git", "show", f"{new}:{path}"], cwd=repository.top)
            (repository.top / path).parent.mkdir(parents=True, exist_ok=True)
            (repository.top / path).write_bytes(content[: int(len(content) * share)])
        die()

    return write


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: Any, **options: Any) -> Any:
        function(*words, **options)
        die()

    return call


POINTS: dict[str, tuple[Any, str, Any]] = {
    "after the fetch": (remote, "join", die),
    "before the merge is written": (Repository, "merge_commit", die),
    "after the merge is written": (Repository, "merge_commit", after(Repository.merge_commit)),
    "before the work tree": (merge, "_update", die),
    "in the work tree": (merge, "_update", half_written),
    "between work tree and branch": (merge, "_update", after(merge._update)),
    "between branch and marker": (Repository, "move", after(Repository.move)),
    "before the push": (remote._Exchange, "_push", die),
    "after the push": (remote._Exchange, "_push", after(remote._Exchange._push)),
}
TORN: dict[str, tuple[Any, str, Any]] = {
    "with empty files": (merge, "_update", torn(0)),
    "with halves of files": (merge, "_update", torn(0.5)),
}
"""Points at which no person can go on before the next command has mended the files."""

if __name__ == "__main__":
    holder, name, killer = (POINTS | TORN)[sys.argv[2]]
    setattr(holder, name, killer)
    sync(Workspace(Path(sys.argv[1])))
