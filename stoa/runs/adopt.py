"""Products that were made before STOA: which job each folder belongs to, and the outcome that it is.

Patterns alone say which folder belongs to which target: a folder that matches two jobs, or a job
that two folders fit, is named and left out.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.exec.job.ending import Ending
from stoa.exec.job.verdict import judge
from stoa.model import SCHEMA, Job, Outcome, Process, Target
from stoa.opening import regular
from stoa.project import LOG_FILE, Project
from stoa.runs.joblist import fingerprints
from stoa.runs.planned import PlannedJob
from stoa.workspace.open import Workspace

OF_TARGETS = ("{name}", "{path}")
OF_IMAGES = ("{name}/{group}", "{path}/{group}", "{name}", "{path}")
"""Where the folder of a job is looked for below the tree, where no pattern says so."""

_FIELD = re.compile(r"\{([a-z]*|-?[0-9]+)\}")

NO_FOLDER = "no folder fits"
SEVERAL = "more than one folder fits"
SHARED = "its folder fits several jobs ({group} in a pattern tells image groups apart)"
HAS_OUTCOME = "has an outcome already (--force adopts all the same)"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A job and the folder with its products."""

    job: PlannedJob
    folder: Path
    log: Path | None  # what was printed, if it is known


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a tree.

    Attributes
    ----------
    left
        Why -> jobs that are not adopted, ``TARGET`` or ``TARGET GROUP``.
    strangers
        Folders with files of the tree, relative to it, that belong to no job.
    """

    found: tuple[Found, ...]
    left: dict[str, tuple[str, ...]]
    strangers: tuple[str, ...]


def search(
    ws: Workspace, process: Process, jobs: Iterable[PlannedJob], tree: Path, patterns: tuple[str, ...], log: str
) -> Search:
    """Find the folders of jobs below a tree.

    Parameters
    ----------
    patterns
        Of folders relative to the tree, with ``{name}``, ``{path}`` and ``{group}`` of the job, ``{1}`` or ``{-1}``
        for a part of the target's path, and ``*`` for anything in one name; () for `OF_TARGETS` or `OF_IMAGES`.
    log
        Pattern of the log's file, relative to the folder or, with a ``{``, to the tree; "" for STOA's own name or the
        only file that ends in ``.log``.

    Raises
    ------
    StoaError
        If a pattern has another placeholder, or one that a target has no part for.
    """
    chosen = patterns or (OF_IMAGES if process.over == "image" else OF_TARGETS)
    left: dict[str, list[str]] = {}
    folders: dict[Path, list[PlannedJob]] = {}
    for job in jobs:
        fitting = _folders(tree, chosen, ws.targets[job.target], job.group)
        if len(fitting) == 1:
            folders.setdefault(fitting[0], []).append(job)
        else:
            left.setdefault(SEVERAL if fitting else NO_FOLDER, []).append(words(job))
    found = []
    for folder, owners in folders.items():
        if len(owners) > 1:
            left.setdefault(SHARED, []).extend(map(words, owners))
            continue
        found.append(Found(job=owners[0], folder=folder, log=_log(ws, tree, folder, log, owners[0])))
    return Search(
        found=tuple(found), left={why: tuple(names) for why, names in left.items()},
        strangers=tuple(_strangers(tree, folders)),
    )  # fmt: skip


def words(job: PlannedJob) -> str:
    """A job by name."""
    return f"{job.target} {job.group}".rstrip()


def _folders(tree: Path, patterns: tuple[str, ...], target: Target, group: str) -> list[Path]:
    """The folders of the first pattern that any fits."""
    for pattern in patterns:
        text = glob.escape(str(tree)) + "/" + _filled(pattern, target, group)
        found = [Path(os.path.normpath(path)) for path in sorted(glob.glob(text)) if os.path.isdir(path)]
        if found:
            return found
    return []


def _filled(pattern: str, target: Target, group: str) -> str:
    parts = target.path.split("/")

    def value(match: re.Match[str]) -> str:
        known = {"name": target.name, "path": target.path, "root": target.root, "group": group}
        word = match[1]
        if word in known:
            return glob.escape(known[word])
        if word.lstrip("-").isdigit() and 0 < abs(int(word)) <= len(parts):
            return glob.escape(parts[int(word) - 1 if int(word) > 0 else int(word)])
        raise StoaError(
            f"the pattern {pattern!r} has {match[0]}, which target {target.name!r} ({target.path}) has no value for",
            "{name}, {path}, {root} and {group} of a job, {1} or {-1} for a part of the path",
        )

    return _FIELD.sub(value, pattern)


def _log(ws: Workspace, tree: Path, folder: Path, pattern: str, job: PlannedJob) -> Path | None:
    if pattern:
        text = _filled(pattern, ws.targets[job.target], job.group)
        base = tree if "{" in pattern else folder
        files = [file for file in map(Path, sorted(glob.glob(f"{glob.escape(str(base))}/{text}"))) if file.is_file()]
    else:
        own = folder / LOG_FILE
        files = [own] if own.is_file() else [file for file in sorted(folder.glob("*.log")) if file.is_file()]
    return files[0] if len(files) == 1 else None


def _strangers(tree: Path, known: Mapping[Path, object]) -> Iterator[str]:
    """Folders that have files and are neither a known one nor inside or above one."""
    above = {parent for folder in known for parent in folder.parents}
    for place, folders, files in os.walk(tree):
        here = Path(os.path.normpath(place))
        if here in known:
            folders.clear()
        elif files and here not in above:
            folders.clear()
            yield here.relative_to(tree).as_posix()


def place_of(project: Project, folder: Path) -> str:
    """A folder as a record names it: ``<root>:<path>``.

    Raises
    ------
    StoaError
        If it is below no root of this project.
    """
    full = os.path.normpath(folder.absolute())
    for name in dict.fromkeys((*project.local.roots, *project.config.roots)):
        try:
            top = os.path.normpath(project.root(name).absolute())
        except StoaError:
            continue
        if full == top or full.startswith(f"{top.rstrip('/')}/"):
            return f"{name}:{full[len(top) :].lstrip('/')}"
    raise StoaError(
        f"{folder} is below no root of this project",
        f"`stoa root add NAME {folder}` names one, so that collaborators can say where they have it",
    )


def outcome_of(ws: Workspace, process: Process, run: str, found: Found) -> Outcome:
    """The outcome that products are: outputs and results are read and checked as those of a run.

    The inputs are those of today. If one is newer than what was made of it, the cause says so.
    """
    job = found.job
    place = place_of(ws.project, found.folder)
    inputs, _ = fingerprints(ws, ws.targets[job.target], job.inputs)
    as_job = Job(
        run=run, target=job.target, group=job.group, argv=(), environ={}, work=str(found.folder),
        place=str(found.folder), place_ref=place, failed_place=str(found.folder), description=b"",
        outputs=process.outputs, results=process.results,
    )  # fmt: skip
    with _opened(found.log) as log:
        verdict = judge(as_job, Ending(exit_code=0), log)
    cause = verdict.cause or _older(ws, found, [ref.path for ref in inputs.values()])
    return Outcome(
        schema=SCHEMA, run=run, target=job.target, group=job.group, status=verdict.status, cause=cause,
        inputs=inputs | job.needs, meta=job.meta, outputs=verdict.outputs, results=verdict.results,
        environment=job.environment, environment_reason=job.environment_reason, overrides=job.overrides,
        adopted=True, place=place, log=verdict.log,
    )  # fmt: skip


def _older(ws: Workspace, found: Found, inputs: list[str]) -> str:
    """Whether an input has changed since the products were written, in words."""
    made = [file.stat().st_mtime for file in found.folder.rglob("*") if file.is_file()]
    newer = [path for path in inputs if made and _mtime(ws.project.file(path)) > max(made)]
    return f"{newer[0]} is newer than the products" if newer else ""


def _mtime(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


@contextmanager
def _opened(file: Path | None) -> Iterator[int]:
    """A log, or an empty one."""
    descriptor = os.open(regular(file) if file else os.devnull, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
