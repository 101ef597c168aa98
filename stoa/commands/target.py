"""The list of targets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.model import Target
from stoa.provenance.definitions import check_name
from stoa.provenance.records import write_targets
from stoa.provenance.targets import is_named_in_full, name_by_pattern, name_targets
from stoa.request import Selection
from stoa.workspace.folders import matching, neighbours, same_place
from stoa.workspace.open import Workspace, alone
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import choose
from stoa.workspace.targets import metadata_rows


class AddReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `target add` did."""

    added: tuple[Target, ...]
    known: int  # folders that were targets already
    refused: tuple[str, ...]  # folders whose names a record cannot hold
    doubles: dict[str, str]  # folders by way of a link -> the same folder by the path that counts
    commit: str


class TargetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A target with what is known of it."""

    name: str
    root: str
    path: str
    flags: tuple[str, ...]
    metadata: dict[str, Any]


@alone
def add_targets(
    ws: Workspace,
    root: str,
    patterns: Iterable[str] = (),
    paths: Iterable[str] = (),
    list_name: str = "",
    name: str = "",
) -> AddReport:
    """Add folders of a root to a list of targets and commit it.

    Parameters
    ----------
    patterns
        Globs relative to the root, such as ``**/product*``; folders only.
    paths
        Folders by name, absolute or relative to the root (a list from a file or a command).
    list_name
        The list, by default the root's name.
    name
        Pattern of the targets' names, such as ``{-2}_{-1}``: parts of the path by number, the last one is -1.

    Raises
    ------
    StoaError
        If the root has no place here, a pattern fits no folder, or a path lies outside the root.
    """
    ws.ready()
    place = ws.project.root(root)
    if not place.is_dir():
        raise StoaError(f"root {root!r} should lie at {place}, and nothing is there", f"`stoa root add {root} PATH`")
    list_name = check_name(list_name or root, "list of targets")
    found = {path: None for pattern in patterns for path in _glob(place, root, pattern)}
    found |= {_relative(place, root, text): None for text in paths}
    taken = ws.targets
    known = [t.path for t in taken.values() if t.root == root]
    fresh = [path for path in found if path not in set(known)]
    doubles = same_place(place, fresh, known)
    refused = tuple(path for path in fresh if not _recordable(path))
    new = [path for path in fresh if _recordable(path) and path not in doubles]
    added = _named(place, root, new, taken, name)
    commit = _write(ws, list_name, added) if added else ""
    return AddReport(
        added=tuple(added), known=len(found) - len(fresh), refused=refused, doubles=doubles, commit=commit
    )  # fmt: skip


def _named(place: Path, root: str, paths: list[str], taken: Mapping[str, Target], pattern: str) -> list[Target]:
    """Targets for new folders, named by a pattern or by the shortest end of the path that no other folder has."""
    if pattern:
        return name_by_pattern(root, paths, taken, pattern)
    others = neighbours(place, {path.count("/") + 1 for path in paths if path and not is_named_in_full(path)})
    return name_targets(root, paths, taken, set(others) - set(paths))


def _write(ws: Workspace, list_name: str, added: list[Target]) -> str:
    present = ws.library.target_lists().get(list_name, [])
    data = write_targets([*present, *added])
    ws.__dict__.pop("targets", None)
    number = len(added)
    return ws.store.commit({f"targets/{list_name}.yaml": data}, f"{number} target{'s' * (number != 1)} in {list_name}")


def _glob(place: Path, root: str, pattern: str) -> list[str]:
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise StoaError(f"pattern {pattern!r} leaves root {root!r}", "patterns are relative to the root")
    if not pattern.strip():
        raise StoaError("an empty pattern fits nothing", f"`stoa target add {root} .` adds the root itself")
    if os.path.isdir(place / pattern):  # a name with brackets in it means itself
        return [_relative(place, root, pattern)]
    if any("**" in part and part != "**" for part in pattern.split("/")):
        raise StoaError(f"pattern {pattern!r} cannot be used: `**` stands alone", "for example '**/product*'")
    found = [str(place / path) for path in matching(place, pattern)]
    folders = [path for path in found if os.path.isdir(path)]
    if found and not folders:
        leaf = pattern.rpartition("/")[2]
        above = pattern.removesuffix(leaf).rstrip("/") or "."
        first = os.path.relpath(os.path.dirname(found[0]), place)
        raise StoaError(
            f"pattern {pattern!r} fits files alone ({len(found)}, such as {os.path.relpath(found[0], place)!r}),"
            " and targets are folders",
            f"name the folders that hold them: `stoa target add {root} {shlex.quote(above)}`, or {first!r} alone",
        )
    if not folders:
        raise StoaError(
            f"pattern {pattern!r} fits no folder below {place}", "quote it, so that the shell leaves it alone"
        )
    return [_relative(place, root, folder) for folder in folders]


def _relative(place: Path, root: str, text: str) -> str:
    """Path of a folder below its root, "" for the root itself; links are not followed."""
    top, full = os.path.normpath(place), os.path.normpath(place / text)
    if full != top and not full.startswith(top.rstrip("/") + "/"):
        raise StoaError(f"{text!r} does not lie below root {root!r} ({place})", "`stoa root add` names another root")
    if not os.path.isdir(full):
        raise StoaError(f"{text!r} is no folder below root {root!r} ({place})", "nothing was added")
    return full[len(top) :].lstrip("/")


def _recordable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def list_targets(ws: Workspace, selection: Selection | None = None) -> list[TargetRow]:
    """Targets with their metadata columns and open flags."""
    chosen = selection or Selection()
    names = choose(ws, chosen) if chosen.targets or chosen.where else list(ws.targets)
    flags = flagged(ws)
    if chosen.flagged:
        names = [name for name in names if name in flags]
    metadata = metadata_rows(ws)
    return [
        TargetRow(
            name=name, root=ws.targets[name].root, path=ws.targets[name].path, flags=tuple(flags.get(name, ())),
            metadata=metadata.get(name, {}),
        )
        for name in names
    ]  # fmt: skip
