"""Making a project, and naming the places where data lie."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import closing
from pathlib import Path

import msgspec

from stoa.commands.workspace import Workspace
from stoa.errors import StoaError
from stoa.project import PRODUCTS_ROOT, STOA_DIR, Config, Local, Project, resolved
from stoa.provenance.definitions import check_name, read_config, read_local
from stoa.provenance.dialect import block
from stoa.provenance.git import Repository, check_ready, find, init_durable, way_back
from stoa.provenance.library import root_names
from stoa.provenance.store import Store

_HIDDEN = {"gitignore": ".gitignore", "gitattributes": ".gitattributes"}
_PACKAGE = Path(__file__).resolve().parents[1]


class InitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `init` made."""

    path: str
    project: str
    commit: str


class RootState(msgspec.Struct, frozen=True, kw_only=True):
    """A root and where it lies here."""

    name: str
    path: str  # "" when this machine has no path for it
    exists: bool
    doc: str


def template() -> Path:
    """The folder of the files that a new project gets: beside the package in a clone, in it in a wheel."""
    for folder in (_PACKAGE / "template", _PACKAGE.parent / ".stoa-template"):
        if folder.is_dir():
            return folder
    raise StoaError(
        "the template of STOA is missing from this installation", "`pip install --force-reinstall stoa-tracking`"
    )


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
        raise StoaError(f"{path} is no folder", "make it first")
    with closing(find(path)) as repository:
        check_ready(repository)
        stoa = path / STOA_DIR
        _check_free(stoa, repository)
        repository.author()
        name = _project_id(path)
        files = _place_template(stoa, name)
        init_durable(repository)
        project = Project(path, Config(project=name), Local())
        commit = Store(project, repository).commit(dict(files), f"stoa init: project {name}")
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
        for folder in ("targets", "processes", "params", "spool", "cache"):
            (stoa / folder).mkdir(exist_ok=True)
    except OSError as problem:
        shutil.rmtree(aside, ignore_errors=True)
        raise StoaError(
            f"cannot write to {stoa.parent}: {problem.strerror}", "is the disk full or read-only?"
        ) from None
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


def add_root(ws: Workspace, name: str, path: str, doc: str = "") -> RootState:
    """Name a root for everybody and say where it lies on this machine.

    Raises
    ------
    StoaError
        If the name is unsafe or there is no such folder.
    """
    check_name(name, "root")
    place = Path(path).expanduser()
    place = place if place.is_absolute() else Path.cwd() / place
    if not place.is_dir():
        if name != PRODUCTS_ROOT:
            raise StoaError(f"{place} is no folder", f"`stoa root add {name} PATH` takes a folder that exists")
        try:
            place.mkdir(parents=True)
        except OSError as problem:
            raise StoaError(f"cannot make {place}: {problem.strerror}") from None
    ws.ready()
    roots = {**ws.project.local.roots, name: _stored(ws.project, place)}
    local = msgspec.structs.replace(ws.project.local, roots=roots)
    _write_local(ws.project, local)
    if name not in ws.project.config.roots or (doc and ws.project.config.roots[name] != doc):
        _share_root(ws, name, doc)
    return root_state(reread(ws.project), name)


def _stored(project: Project, place: Path) -> str:
    """A place inside the project is kept relative, so that the project may be moved."""
    place = place.resolve()
    top = project.top.resolve()
    return place.relative_to(top).as_posix() if place.is_relative_to(top) else str(place)


def _write_local(project: Project, local: Local) -> None:
    aside = project.local_file.with_suffix(".new")
    aside.write_bytes(
        block({"schema": 1, **{name: value for name, value in msgspec.to_builtins(local).items() if value != {}}})
    )
    aside.replace(project.local_file)


def _share_root(ws: Workspace, name: str, doc: str) -> None:
    """Add a line to the roots of `config.yaml`; what people wrote there, comments too, stays as it is."""
    file = ws.project.config_file
    lines = file.read_text().splitlines(keepends=True)
    entry = f"  {name}: {_quoted(doc or 'data')}\n"
    start = next((n for n, text in enumerate(lines) if re.match(r"roots\s*:", text)), None)
    if start is None:
        lines += ["roots:\n", entry]
    else:
        _put_root(lines, start, name, entry)
    text = "".join(lines)
    read_config(text.encode(), "config.yaml")
    ws.store.commit({"config.yaml": text.encode()}, f"root {name}")


def _put_root(lines: list[str], start: int, name: str, entry: str) -> None:
    """Put a root's line where the root has one already, or first below the line `roots:`."""
    stop = next((n for n, text in enumerate(lines) if n > start and re.match(r"[^\s#]", text)), len(lines))
    there = [n for n in range(start + 1, stop) if re.match(rf"  {re.escape(name)}\s*:", lines[n])]
    if there:
        lines[there[0]] = entry
    else:
        lines[start] = re.sub(r"(roots\s*:).*", r"\1", lines[start]) if "{}" in lines[start] else lines[start]
        lines.insert(start + 1, entry)


def _quoted(text: str) -> str:
    from json import dumps

    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9 _,.-]*", text) else dumps(text, ensure_ascii=False)


def reread(project: Project) -> Project:
    """The project with the settings that its files have now."""
    local = read_local(project.local_file.read_bytes(), "local.yaml") if project.local_file.exists() else Local()
    return Project(project.top, read_config(project.config_file.read_bytes(), "config.yaml"), local)


def root_state(project: Project, name: str) -> RootState:
    """A root and where it lies on this machine."""
    try:
        place = project.root(name)
    except StoaError:
        return RootState(name=name, path="", exists=False, doc=project.config.roots.get(name, ""))
    return RootState(name=name, path=str(place), exists=place.is_dir(), doc=project.config.roots.get(name, ""))


def list_roots(ws: Workspace) -> list[RootState]:
    """Every root with its place on this machine."""
    return [root_state(ws.project, name) for name in root_names(ws.project)]
