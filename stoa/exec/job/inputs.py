"""Whether what a job reads is what it was when the job was made: its inputs, and the run's copy of its script."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable

from msgspec import Struct

from stoa import trees
from stoa.model import Job, Watched
from stoa.opening import open_regular

_CHANGED = "changed while it ran: "


class Changes(Struct, frozen=True):
    """What is not what it was when the job was made."""

    inputs: tuple[str, ...] = ()  # names
    scripts: tuple[str, ...] = ()  # file names

    @property
    def cause(self) -> str:
        """The cause of an ok outcome that these make doubtful; "" if nothing changed."""
        words = [*(f"input {name}" for name in self.inputs), *(f"script {name}" for name in self.scripts)]
        return _CHANGED + ", ".join(words) if words else ""


def changes_of(job: Job) -> Changes:
    """Which inputs and scripts of a job that has ended are not, or may not be, what they were.

    A file with the same size and time is taken to be the same, one that was only touched is read.
    """
    inputs = (
        name
        for name, seen in job.watched.items()
        if changed([seen]) and not _is_only_touched(seen, job.inputs[name].sha256)
    )
    return Changes(tuple(inputs), tuple(os.path.basename(path) for path in changed(job.scripts)))


def changed_inputs(field: tuple[str, ...], cause: str) -> tuple[str, ...]:
    """Names of the inputs that changed while the job of an outcome ran.

    Parameters
    ----------
    field
        `changed_inputs` of the outcome. Records of 0.1 lack it, and name the inputs in the cause alone.
    """
    if field or not cause.startswith(_CHANGED):
        return field
    words = cause.removeprefix(_CHANGED).split(", ")
    return tuple(word.removeprefix("input ") for word in words if word.startswith("input "))


def changed(files: Iterable[Watched]) -> list[str]:
    """Paths of the files that are gone, or have another size or time."""
    return [seen.path for seen in files if _stamp(seen.path) != (seen.size, seen.mtime_ns)]


def watch(path: str) -> Watched:
    """A file or folder as it is now.

    Raises
    ------
    OSError
        If it is not there.
    """
    return Watched(path, *_seen(path))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        return _seen(path)
    except OSError:
        return None


def _seen(path: str) -> tuple[int, int]:
    """Size and time of a file; of a folder those of all its files and of the newest."""
    state = os.stat(path)
    if stat.S_ISDIR(state.st_mode):
        tree = trees.look(path)
        return tree.size, tree.mtime_ns
    return state.st_size, state.st_mtime_ns


def _is_only_touched(seen: Watched, sha256: str) -> bool:
    try:
        if os.path.isdir(seen.path):
            return trees.digest(seen.path)[1] == sha256
        with open_regular(seen.path, follow_links=True) as file:
            same_size = os.fstat(file.fileno()).st_size == seen.size
            return same_size and hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
