"""Whether files of the work tree were written in this clone, or came from someone else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from stoa.opening import read_bounded
from stoa.provenance.git.plumbing import run_git
from stoa.provenance.git.repository import Repository

_COMMITTED_HERE = re.compile(r"commit(?: \((?:initial|merge)\))?: |stoa: (?:process|environment|params) ")
"""How entries of the reflog begin whose commit was written here; pulls, rebases, picks and mails begin otherwise."""


def made_here(repository: Repository, paths: Iterable[str]) -> bool:
    """Whether the last change of each file was committed in this clone, or is not committed yet.

    Git's log of the moves of HEAD tells it, which no push reaches. Where git keeps no such log, or has forgotten it,
    the answer is no.

    Parameters
    ----------
    paths
        Of the repository.
    """
    if (repository.control / "MERGE_HEAD").exists():
        return False
    here: set[str] | None = None
    for path in paths:
        words = ("log", "-1", "--no-show-signature", "--format=%H", "HEAD", "--", f":(literal){path}")
        commit = run_git(repository.top, *words, allow=(0, 128))[1].decode("ascii", "replace").strip()
        if commit:
            here = _committed(repository) if here is None else here
            if commit not in here:
                return False
    return True


def importable_files(repository: Repository, folder: str) -> list[str]:
    """Paths of the repository below a folder that Python could import, as far as git tracks them."""
    specs = [f":(glob){_quoted(folder)}**/*.{end}" for end in ("py", "pyc", "so")]
    output = run_git(repository.top, "ls-files", "-z", "--", *specs)[1]
    return [os.fsdecode(path) for path in output.split(b"\0") if path]


def _quoted(folder: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in folder + "/") if folder not in ("", ".") else ""


def _committed(repository: Repository) -> set[str]:
    """Commits that were written in this work tree."""
    try:
        lines = read_bounded(repository.control / "logs" / "HEAD").decode("utf-8", "replace").splitlines()
    except OSError:
        return set()
    entries = (line.partition("\t") for line in lines)
    return {words.split(" ")[1] for words, _, what in entries if _COMMITTED_HERE.match(what) and " " in words}
