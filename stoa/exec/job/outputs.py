"""The files and folders that a process promised, checked and named for the record."""

from __future__ import annotations

import os
from collections.abc import Callable

from stoa import trees
from stoa.errors import StoaError
from stoa.hashing import sha256_of
from stoa.model import FileRef, Job, OutputSpec
from stoa.opening import NotRegularError, open_regular

_NEVER_EMPTY = ("catalogue", "image", "folder")


class OutputProblem(StoaError):
    """A declared output that is missing or cannot be taken as it is."""


def collect_outputs(job: Job, stopped: Callable[[], bool] = lambda: False) -> dict[str, FileRef]:
    """Declared outputs by name, with size and checksum, at their final place.

    An optional output that is missing is left out.

    Parameters
    ----------
    stopped
        Asked while a large output is read for its checksum.

    Raises
    ------
    HashingStopped
        If it was to stop.
    OutputProblem
        If an output is missing, is not a readable regular file (or a folder of such) inside the job's
        directory, or is a catalogue, an image or a folder without content.
    """
    found = {name: _reference(job, name, spec, stopped) for name, spec in job.outputs.items()}
    return {name: ref for name, ref in found.items() if ref is not None}


def _reference(job: Job, name: str, spec: OutputSpec, stopped: Callable[[], bool]) -> FileRef | None:
    said = f"declared output {name!r} ({spec.path})"
    path = os.path.join(job.work, spec.path)
    if spec.kind == "folder":
        return _folder(job, path, spec, said, stopped)
    try:
        file = open_regular(path, follow_links=True)
    except (FileNotFoundError, NotADirectoryError):
        if spec.optional and not os.path.lexists(path):
            return None
        pattern = " (its path is taken as it is, not as a pattern)" if set(spec.path) & set("*?[") else ""
        raise OutputProblem(f"{said} is missing{pattern}") from None
    except NotRegularError:
        folder = ", but a folder (`kind: folder` declares one)" if os.path.isdir(path) else ""
        raise OutputProblem(f"{said} is not a regular file{folder}") from None
    except OSError as exc:
        raise OutputProblem(f"{said} is unreadable: {exc.strerror}") from exc
    with file:
        size = os.fstat(file.fileno()).st_size
        if problem := _problem(job.work, path, spec, size):
            raise OutputProblem(f"{said} {problem}")
        digest = sha256_of(file, stopped)
    return FileRef(path=f"{job.place_ref}/{os.path.normpath(spec.path)}", size=size, sha256=digest)


def _folder(job: Job, path: str, spec: OutputSpec, said: str, stopped: Callable[[], bool]) -> FileRef | None:
    if spec.optional and not os.path.lexists(path):
        return None
    if os.path.islink(path):
        raise OutputProblem(f"{said} is a link, and a folder is expected")
    try:
        tree, digest = trees.digest(path, stopped=stopped)
    except FileNotFoundError:
        raise OutputProblem(f"{said} is missing") from None
    except NotADirectoryError:
        raise OutputProblem(f"{said} is a file, and a folder is expected") from None
    except trees.TreeError as exc:
        raise OutputProblem(f"{said} cannot be taken: {exc.strerror}") from None
    except OSError as exc:
        raise OutputProblem(f"{said} is unreadable: {exc.strerror}") from exc
    if problem := _problem(job.work, path, spec, tree.files):
        raise OutputProblem(f"{said} {problem}")
    place = f"{job.place_ref}/{os.path.normpath(spec.path)}"
    return FileRef(path=place, size=tree.size, sha256=digest, files=tree.files)


def _problem(work: str, path: str, spec: OutputSpec, size: int) -> str:
    if not os.path.realpath(path).startswith(os.path.realpath(work) + os.sep):
        return "is outside the job's directory"
    if os.path.islink(path) and os.path.isabs(os.readlink(path)):
        return "is a link with an absolute path, which breaks when the job's directory is renamed"
    if not size and spec.kind in _NEVER_EMPTY:
        return "is empty"
    return ""
