"""Making a project, and naming the places where data are."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import closing
from pathlib import Path

import msgspec

from stoa.durable import write_hint
from stoa.errors import StoaError
from stoa.project import STOA_DIR, Config, Local, Project, resolved
from stoa.provenance.git import Repository, check_ready, find, init_durable, way_back
from stoa.provenance.store import Store
from stoa.workspace.template import template

_HIDDEN = {"gitignore": ".gitignore", "gitattributes": ".gitattributes"}


class InitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `init` made."""

    path: str
    project: str
    commit: str


def init(path: Path) -> InitReport:
    """Make a project in a git repository and commit it.

    Raises
    ------
    StoaError
        Outside git, in a bare repository, in the middle of a merge or rebase, on a detached
        HEAD, or where there is a project already.
    """
    path = resolved(path)
    if not path.is_dir():
        raise StoaError(f"{path} is not a folder", "make it first")
    with closing(find(path)) as repository:
        check_ready(repository)
        stoa = path / STOA_DIR
        _check_free(stoa, repository)
        repository.author()
        name = _project_id(path)
        files = _place_template(stoa, name)
        init_durable(repository)
        project = Project(path, Config(project=name), Local())
        store = Store(project, repository)
        store.hide_private()
        commit = store.commit(dict(files), f"stoa init: project {name}")
    return InitReport(path=str(stoa), project=name, commit=commit)


def _check_free(stoa: Path, repository: Repository) -> None:
    """Raise `StoaError` where there is a project, in the work tree or in the commit that is checked out."""
    if os.path.lexists(stoa):
        raise StoaError(f"{stoa.parent} has a {STOA_DIR} folder already", "`stoa status` shows what is in it")
    folder = stoa.relative_to(repository.top).as_posix()
    if repository.snapshot().holds(folder):
        raise StoaError(
            f"{stoa.parent} has a project already, which is in git and not in the work tree",
            f"{way_back(repository, folder, stoa.parent)} brings it here",
        )


def _place_template(stoa: Path, name: str) -> dict[str, bytes]:
    """Make the project's folder, whole or not at all; gives its files by their name in it."""
    aside = stoa.with_name(f"{STOA_DIR}.{secrets.token_hex(4)}")
    try:
        files = _copy_template(aside, name)
        aside.rename(stoa)
        for folder in ("targets", "processes", "params", "cache"):
            (stoa / folder).mkdir(exist_ok=True)
    except OSError as problem:
        shutil.rmtree(aside, ignore_errors=True)
        raise StoaError(f"cannot write to {stoa.parent}: {problem.strerror}", write_hint(problem)) from None
    return files


def _project_id(path: Path) -> str:
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name).strip("-.") or "project"
    return f"{words[:60]}-{secrets.token_hex(4)}"


def _copy_template(to: Path, name: str) -> dict[str, bytes]:
    """Write the template's files; gives them by their name below `.stoa`."""
    source = template()
    written = {}
    for file in sorted(source.rglob("*")):
        relative = file.relative_to(source)
        if not file.is_file() or relative.parts[0] == "shipped":
            continue
        target = to / relative.with_name(_HIDDEN.get(relative.name, relative.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes().replace(b"@PROJECT@", name.encode())
        target.write_bytes(data)
        written[target.relative_to(to).as_posix()] = data
    return written
