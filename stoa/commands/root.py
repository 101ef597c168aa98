"""Named places where data are."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.project import PRODUCTS_ROOT, Local, Project
from stoa.provenance.definitions import check_name, read_config, read_local
from stoa.provenance.dialect import block
from stoa.provenance.library import root_names
from stoa.workspace.open import Workspace, alone
from stoa.workspace.removal import Removed, refuse_in_use
from stoa.workspace.roots import RootState, root_state


@alone
def add_root(ws: Workspace, name: str, path: str, doc: str = "") -> RootState:
    """Name a root for everybody and say where it is on this machine.

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
            raise StoaError(f"{place} is not a folder", f"`stoa root add {name} PATH` takes a folder that exists")
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


@alone
def remove_root(ws: Workspace, name: str) -> Removed:
    """Take a root from the project and from this machine's settings; nothing in the folder is touched.

    Raises
    ------
    StoaError
        If there is no such root, or targets or products are recorded in it.
    """
    if name not in ws.project.config.roots and name not in ws.project.local.roots:
        raise NotFoundError("root", name, root_names(ws.project), "`stoa root list` shows the roots")
    ws.ready()
    users = [f"target {target.name!r}" for target in ws.targets.values() if target.root == name]
    refuse_in_use("root", name, users, "`stoa target remove` takes targets from their list first")
    if name == PRODUCTS_ROOT and ws.index.rows("SELECT 1 FROM outcomes LIMIT 1"):
        raise StoaError(f"outcomes have their products in the root {name!r}", "`stoa root add` moves it elsewhere")
    lists = ws.library.target_lists()
    former = sum(target.root == name for targets in lists.values() for target in targets)
    commit = _unshare_root(ws, name)
    roots = {key: path for key, path in ws.project.local.roots.items() if key != name}
    _write_local(ws.project, msgspec.structs.replace(ws.project.local, roots=roots))
    refers = (f"{former} removed target" + "s" * (former > 1),) if former else ()
    return Removed(kind="root", names=(name,), files=(".stoa/config.yaml",), refers=refers, commit=commit)


def _unshare_root(ws: Workspace, name: str) -> str:
    lines = ws.project.read(ws.project.config_file).decode("utf-8").splitlines(keepends=True)
    kept = [text for text in lines if not re.match(rf"  {re.escape(name)}\s*:", text)]
    start = next((n for n, text in enumerate(kept) if re.match(r"roots\s*:", text)), None)
    if start is not None and not any(re.match(r"  \S", text) for text in kept[start + 1 : start + 2]):
        kept[start] = "roots: {}\n"
    text = "".join(kept)
    if name in read_config(text.encode(), "config.yaml").roots:
        raise StoaError(f"the line of root {name!r} in .stoa/config.yaml is not as STOA writes it", "remove it by hand")
    return ws.store.commit({"config.yaml": text.encode()}, f"remove root {name}")


def _stored(project: Project, place: Path) -> str:
    """A place inside the project is kept relative, so that the project may be moved."""
    place = place.resolve()
    top = project.top.resolve()
    return place.relative_to(top).as_posix() if place.is_relative_to(top) else str(place)


def _write_local(project: Project, local: Local) -> None:
    aside = project.local_file.with_suffix(".new")
    said = {name: value for name, value in msgspec.to_builtins(local).items() if value not in ({}, (), [])}
    aside.write_bytes(block({"schema": 1, **said}))
    aside.replace(project.local_file)


def _share_root(ws: Workspace, name: str, doc: str) -> None:
    """Add a line to the roots of `config.yaml`; what people wrote there, comments too, stays as it is."""
    file = ws.project.config_file
    lines = ws.project.read(file).decode("utf-8").splitlines(keepends=True)
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
    local = read_local(project.read(project.local_file), "local.yaml") if project.local_file.exists() else Local()
    return Project(project.top, read_config(project.read(project.config_file), "config.yaml"), local)
