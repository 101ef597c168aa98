"""Links to the products of current outcomes: ``products/PROCESS/latest/SET/TARGET``.

They are made for people and programs that want files and no records. All of them can be removed at any time; the next
run makes them again. In STOA they are the folders of a process that runs over the products of others.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from stoa.durable import exclusive
from stoa.errors import StoaError
from stoa.model import Need
from stoa.project import PRODUCTS_ROOT
from stoa.workspace.names import Pair, own_environment, set_words
from stoa.workspace.open import CHANGE_WAIT_S, Workspace

FOLDER = "latest"
MOST_LINKS = 5000
"""Of a pair with more current outcomes only the links of a run's own jobs are looked at after that run."""

_LONGEST = 200  # bytes of a folder's name
_PART = ".part"  # end of the name of a link that is being made
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
_SQL = (
    "SELECT l.target, l.grp, json_extract(o.record, '$.place') FROM current l JOIN outcomes o ON o.id = l.outcome"
    " WHERE l.process = ? AND l.params = ? AND l.environment = ? AND l.status = 'ok'"
)


def refresh(ws: Workspace, pair: Pair, run: str = "") -> str:
    """Let the links of a pair lead to the products of its current ok outcomes; others are removed.

    Each link is replaced in one step: whoever looks meanwhile sees the old one or the new one. What a kill has left
    undone the next run of the pair does.

    Parameters
    ----------
    run
        The run that has just ended.

    Returns
    -------
    problem
        Why links are not kept, in words; "" for nothing.
    """
    try:
        products = ws.project.root(PRODUCTS_ROOT).absolute()
        top = products / pair.process / FOLDER / _folder(set_words(pair, own_environment(ws, pair.process)))
        with exclusive(ws.project.spool.parent / "latest.lock", "has been making links to products", CHANGE_WAIT_S):
            wanted = _wanted(ws, pair, top)
            there = _links(top)
            if len(wanted) > MOST_LINKS and there:
                mine = _of_run(ws, run, top)
                wanted = {path: place for path, place in wanted.items() if path in mine}
                there = {path: place for path, place in there.items() if path in mine}
            _make(top, wanted, there)
    except StoaError as problem:
        return f"the links in {FOLDER} are not kept: {problem.message}"
    except OSError as problem:
        no_links = problem.errno in _NO_LINKS
        words = "this file system has no symbolic links" if no_links else f"{problem.filename}: {problem.strerror}"
        return f"the links in {PRODUCTS_ROOT}/{pair.process}/{FOLDER} are not kept: {words}"
    return ""


def folder_of(made: Need) -> str:
    """Where the links of a process are, in its own environment: path below the root of the products."""
    return f"{made.process}/{FOLDER}/{_folder(made.params)}"


def linked(ws: Workspace, made: Need) -> list[str]:
    """Paths below the root of the products of the links of a process, in order."""
    products = ws.project.root(PRODUCTS_ROOT).absolute()
    return sorted(path.relative_to(products).as_posix() for path in _links(products / folder_of(made)))


def _folder(words: str) -> str:
    """A parameter set, and environment, as the name of a folder."""
    name = words.replace("/", "%2F")
    if len(name.encode()) <= _LONGEST:
        return name
    return f"{name.encode()[:180].decode('utf-8', 'ignore')}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _path(top: Path, target: str, group: str) -> Path:
    return top / target / group.replace("%", "%25").replace("/", "%2F") if group else top / target


def _wanted(ws: Workspace, pair: Pair, top: Path) -> dict[Path, str]:
    """Link -> what it leads to, relative where that is among the products."""
    found: dict[Path, str] = {}
    products = ws.project.root(PRODUCTS_ROOT).absolute()
    for target, group, place in ws.index.rows(_SQL, msgspec.structs.astuple(pair)):
        if not place or target not in ws.targets:
            continue
        with suppress(StoaError):  # its root has no place here
            folder = ws.project.file(place).absolute()
            if folder.is_dir():
                link = _path(top, target, group)
                is_near = folder.is_relative_to(products)
                found[link] = os.path.relpath(folder, link.parent) if is_near else str(folder)
    return found


def _of_run(ws: Workspace, run: str, top: Path) -> set[Path]:
    rows = ws.index.rows("SELECT DISTINCT target, grp FROM outcomes WHERE run = ?", (run,))
    return {_path(top, target, group) for target, group in rows}


def _links(top: Path) -> dict[Path, str]:
    """Every link that is there, also of image groups one level below."""
    found: dict[Path, str] = {}
    for path in _entries(top):
        if path.is_symlink():
            found[path] = os.readlink(path)
        elif path.is_dir():
            found |= {below: os.readlink(below) for below in _entries(path) if below.is_symlink()}
    return found


def _entries(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from [Path(entry.path) for entry in entries]


def _make(top: Path, wanted: Mapping[Path, str], there: Mapping[Path, str]) -> None:
    """Make what is wanted of what is there; only links are ever removed or replaced."""
    for path in there.keys() - wanted.keys():
        path.unlink(missing_ok=True)
        if path.parent != top:
            with suppress(OSError):  # it has other images
                path.parent.rmdir()
    for path, place in wanted.items():
        if there.get(path) == place:
            continue
        if path.parent.is_symlink():  # of the target as a whole, in the place of which its images have links now
            path.parent.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name[:180]}{_PART}")
        part.unlink(missing_ok=True)
        part.symlink_to(place)
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # its images were removed above
                path.rmdir()
        part.replace(path)
