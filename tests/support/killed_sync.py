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

if __name__ == "__main__":
    holder, name, killer = POINTS[sys.argv[2]]
    setattr(holder, name, killer)
    sync(Workspace(Path(sys.argv[1])))
