"""Whether what a job reads is what it was when the job was made: its inputs, and the run's copy of its script."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator

from stoa.exec.job.files import open_regular
from stoa.model import Job, Watched

_CHANGED = "changed while it ran: "


def cause_of_changes(job: Job) -> str:
    """The cause of an ok outcome whose job's inputs or scripts are not, or may not be, what they were; "" for none.

    A file with the same size and time is taken to be the same, one that was only touched is read.
    """
    words = ", ".join(_changes(job))
    return f"{_CHANGED}{words}" if words else ""


def changed_input(cause: str, name: str) -> bool:
    """Whether a cause says that an input changed."""
    return cause.startswith(_CHANGED) and f"input {name}" in cause.removeprefix(_CHANGED).split(", ")


def _changes(job: Job) -> Iterator[str]:
    for name, seen in job.watched.items():
        if changed([seen]) and not _is_only_touched(seen, job.inputs[name].sha256):
            yield f"input {name}"
    yield from (f"script {os.path.basename(path)}" for path in changed(job.scripts))


def changed(files: Iterable[Watched]) -> list[str]:
    """Paths of the files that are gone, or have another size or time."""
    return [seen.path for seen in files if _stamp(seen.path) != (seen.size, seen.mtime_ns)]


def watch(path: str) -> Watched:
    """A file as it is now.

    Raises
    ------
    OSError
        If it is not there.
    """
    state = os.stat(path)
    return Watched(path, state.st_size, state.st_mtime_ns)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns


def _is_only_touched(seen: Watched, sha256: str) -> bool:
    try:
        with open_regular(seen.path, follow_links=True) as file:
            same_size = os.fstat(file.fileno()).st_size == seen.size
            return same_size and hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
