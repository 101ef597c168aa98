"""What a command may execute without being asked to: definitions of this clone's user, not those that came by pull.

`stoa run` and its like execute what they are told to. Commands that only look (`stoa env show`, `stoa process check`)
execute the commands of a definition only if its files were committed in this clone, are not committed yet, or have been
used here before, with the content that they have now.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from stoa.durable import append_line, make_folder
from stoa.errors import StoaError
from stoa.exec.environments import NotBuilt, Prepared, Setting, prepare
from stoa.model import Environment, Process
from stoa.opening import read_bounded
from stoa.project import Project
from stoa.provenance.git import importable_files, made_here
from stoa.workspace.open import Workspace

_MOST_FILES = 100
"""More files than these beside a script are not looked through: nothing is executed then."""


class NotUsedYet(NotBuilt):
    """A definition that came from someone else, whose commands were never executed in this clone."""

    def __init__(self, name: str) -> None:
        StoaError.__init__(
            self,
            f"environment {name!r} came from someone else and was not used in this clone yet; nothing of it was run",
            f"look at .stoa/environments/{name}.yaml; then `stoa env build {name}` accepts it, and so does a run",
        )


def prepare_trusted(ws: Workspace, environment: Environment, setting: Setting) -> Prepared:
    """An environment made ready, for a command that only looks.

    Raises
    ------
    NotUsedYet
        If it came from someone else and was not accepted.
    EnvironmentProblem
        As `prepare`.
    """
    if not is_accepted(ws, environment):
        raise NotUsedYet(environment.name)
    return prepare(environment, setting)


def is_accepted(ws: Workspace, environment: Environment) -> bool:
    """Whether a command that only looks may execute what an environment names."""
    return not _executes(environment) or _trusts(ws, environment_files(ws.project, environment))


def trusts_modules(ws: Workspace, process: Process) -> bool:
    """Whether modules that a process names may be imported: those beside its script count, too."""
    environment = ws.library.environment(process.environment)
    if not is_accepted(ws, environment):
        return False
    files = _module_files(ws, process)
    return len(files) <= _MOST_FILES and _trusts(ws, files)


def accept(ws: Workspace, environments: Iterable[Environment], process: Process | None = None) -> None:
    """Note that the user has had definitions executed; a note that cannot be written is asked for again."""
    found = [environment_files(ws.project, each) for each in environments if _executes(each)]
    if process is not None:
        found.append(_module_files(ws, process))
    with suppress(OSError):
        known = _accepted(ws.project)
        for digest in dict.fromkeys(_digest(ws, files) for files in found):
            if digest not in known:
                _note(ws.project, digest)


def environment_files(project: Project, environment: Environment) -> list[Path]:
    """The definition of an environment and the files that it names."""
    return [project.environment_file(environment.name), *(project.top / name for name in environment.named_files)]


def _executes(environment: Environment) -> bool:
    """Whether making an environment ready starts a program that its definition chooses."""
    return environment.kind != "host" or bool(environment.python or environment.versions)


def _module_files(ws: Workspace, process: Process) -> list[Path]:
    project = ws.project
    found = [project.process_file(process.name), *(project.top / name for name in (process.script, *process.files))]
    folder = (project.top / process.script).parent.resolve()
    top = ws.repository.top.resolve()
    if process.script and folder.is_relative_to(top):
        beside = importable_files(ws.repository, folder.relative_to(top).as_posix())
        found += [ws.repository.top / path for path in beside]
    return list(dict.fromkeys(file for file in found if file != project.top))


def _trusts(ws: Workspace, files: list[Path]) -> bool:
    digest = _digest(ws, files)
    if digest in _accepted(ws.project):
        return True
    top = ws.repository.top.resolve()
    places = [file.parent.resolve() / file.name for file in files]
    if not all(place.is_relative_to(top) for place in places):
        return False
    if not made_here(ws.repository, [place.relative_to(top).as_posix() for place in places]):
        return False
    with suppress(OSError):  # git forgets in time who committed what
        _note(ws.project, digest)
    return True


def _digest(ws: Workspace, files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        content = b"-"
        with suppress(OSError):
            content = b"+" + ws.project.read(file)
        name = os.fsencode(os.path.relpath(file, ws.project.top))
        for part in (name, content):
            whole.update(b"%d:" % len(part) + part)
    return whole.hexdigest()


def _file(project: Project) -> Path:
    return project.spool.parent / "accepted"


def _note(project: Project, digest: str) -> None:
    make_folder(_file(project).parent)
    append_line(_file(project), digest)


def _accepted(project: Project) -> set[str]:
    try:
        return set(read_bounded(_file(project)).decode("ascii", "replace").split())
    except OSError:
        return set()
