"""Adding folders to the lists of targets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.model import Pattern, Target
from stoa.project import PRODUCTS_ROOT
from stoa.provenance.definitions import check_name
from stoa.provenance.records import write_patterns, write_targets
from stoa.provenance.targets import is_named_in_full, name_by_pattern, name_targets
from stoa.workspace.folders import matching, neighbours, same_place
from stoa.workspace.open import Workspace, alone

LONGEST_NAME = 255
"""Bytes of a file name on the file systems of Linux."""


class AddReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `target add` did."""

    added: tuple[Target, ...]
    known: int  # folders that were targets already
    refused: tuple[str, ...]  # folders whose names a record cannot hold
    doubles: dict[str, str]  # folders by way of a link -> the same folder by the path that counts
    twins: dict[str, str]  # folders that are targets by another root -> the name of that target
    commit: str


@alone
def add_targets(
    ws: Workspace,
    root: str,
    patterns: Iterable[str] = (),
    paths: Iterable[str] = (),
    list_name: str = "",
    name: str = "",
    *,
    remember: bool = True,
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
    remember
        Whether the list keeps the patterns, so that `stoa update` adds what comes later.

    Raises
    ------
    StoaError
        If the root has no place here, a pattern matches no folder, or a path is outside the root.
    """
    ws.ready()
    place = ws.project.root(root)
    if not place.is_dir():
        raise StoaError(f"root {root!r} should be at {place}, and nothing is there", f"`stoa root add {root} PATH`")
    list_name = check_name(list_name or root, "list of targets")
    given = tuple(patterns)
    found = {path: None for pattern in given for path in _glob(place, root, pattern)}
    found |= {_relative(place, root, text): None for text in paths}
    taken = ws.library.all_targets()
    names = {*taken, *(old for target in taken.values() for old in target.formerly)}
    known = [t.path for t in ws.targets.values() if t.root == root]
    back = {t.path: t for t in taken.values() if t.root == root and t.removed}
    fresh = [path for path in found if path not in set(known)]
    doubles = same_place(place, fresh, known)
    refused = tuple(path for path in fresh if not _recordable(path))
    twins = _twins(ws, root, [path for path in fresh if path not in doubles])
    new = [path for path in fresh if _recordable(path) and path not in doubles and path not in twins]
    added = _named(place, root, [path for path in new if path not in back], names, name)
    added += [msgspec.structs.replace(back[path], removed="") for path in new if path in back]
    keeps = remember and (added or not twins)
    kept = _patterns(ws, list_name, [Pattern(root, pattern, name) for pattern in given]) if keeps else {}
    commit = _write(ws, list_name, added, kept) if added or kept else ""
    return AddReport(
        added=tuple(added), known=len(found) - len(fresh), refused=refused, doubles=doubles, twins=twins, commit=commit
    )  # fmt: skip


def _twins(ws: Workspace, root: str, paths: list[str]) -> dict[str, str]:
    """Folders that are targets by another root, which is the same place here, or above or below it."""
    if root == PRODUCTS_ROOT:  # runs add what they made
        return {}
    top = os.path.realpath(ws.project.root(root))
    held: dict[str, str] = {}
    for other in {target.root for target in ws.targets.values()} - {root, PRODUCTS_ROOT}:
        try:
            elsewhere = os.path.realpath(ws.project.root(other))
        except StoaError:  # it has no path on this machine
            continue
        if os.path.commonpath((top, elsewhere)) in (top, elsewhere):
            of_other = [target for target in ws.targets.values() if target.root == other]
            held |= {os.path.normpath(os.path.join(elsewhere, target.path)): target.name for target in of_other}
    full = {path: os.path.normpath(os.path.join(top, path)) for path in paths} if held else {}
    return {path: held[place] for path, place in full.items() if place in held}


def _named(place: Path, root: str, paths: list[str], taken: Iterable[str], pattern: str) -> list[Target]:
    """Targets for new folders, named by a pattern or by the shortest end of the path that no other folder has."""
    if pattern:
        return name_by_pattern(root, paths, taken, pattern)
    others = neighbours(place, {path.count("/") + 1 for path in paths if path and not is_named_in_full(path)})
    return name_targets(root, paths, taken, set(others) - set(paths))


def _patterns(ws: Workspace, list_name: str, fresh: list[Pattern]) -> dict[str, bytes | None]:
    """The file of a list's patterns with new ones; a path without a wildcard is none."""
    known = ws.library.patterns().get(list_name, [])
    places = {(pattern.root, pattern.pattern) for pattern in known}
    new = [p for p in fresh if set(p.pattern) & set("*?[") and (p.root, p.pattern) not in places]
    return {f"patterns/{list_name}.yaml": write_patterns([*known, *new])} if new else {}


def _write(ws: Workspace, list_name: str, added: list[Target], kept: Mapping[str, bytes | None]) -> str:
    if not added:
        return ws.store.commit(kept, f"patterns of {list_name}")
    lists = _without(ws, {target.name for target in added})
    present = ws.library.target_lists().get(list_name, [])
    lists[list_name] = [*lists.get(list_name, present), *added]
    ws.__dict__.pop("targets", None)
    number = len(added)
    return ws.store.commit(files_of(lists) | dict(kept), f"{number} target{'s' * (number != 1)} in {list_name}")


def files_of(lists: Mapping[str, list[Target]]) -> dict[str, bytes | None]:
    """The files of lists of targets, by path below `.stoa`."""
    return {f"targets/{name}.yaml": write_targets(targets) for name, targets in lists.items()}


def _without(ws: Workspace, names: Container[str]) -> dict[str, list[Target]]:
    """The lists that hold any of these targets, without them."""
    return {
        list_name: [target for target in targets if target.name not in names]
        for list_name, targets in ws.library.target_lists().items()
        if any(target.name in names for target in targets)
    }


def folders_of(ws: Workspace, pattern: Pattern) -> list[str]:
    """Folders that a remembered pattern matches and that are no targets and never were.

    Raises
    ------
    StoaError
        If the root has no place here, or the pattern matches nothing.
    """
    known = {target.path for target in ws.library.all_targets().values() if target.root == pattern.root}
    place = ws.project.root(pattern.root)
    if not place.is_dir():
        raise StoaError(f"root {pattern.root!r} should be at {place}, and nothing is there", "is the disk mounted?")
    return [path for path in _glob(place, pattern.root, pattern.pattern) if path not in known]


def _glob(place: Path, root: str, pattern: str) -> list[str]:
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise StoaError(f"pattern {pattern!r} leaves root {root!r}", "patterns are relative to the root")
    if not pattern.strip():
        raise StoaError("an empty pattern matches nothing", f"`stoa target add {root} .` adds the root itself")
    if os.path.isdir(place / pattern):  # a name with brackets in it means itself
        return [_relative(place, root, pattern)]
    if any("**" in part and part != "**" for part in pattern.split("/")):
        raise StoaError(
            f"pattern {pattern!r} cannot be used: '**' can only be an entire path component",
            "for example '**/product*'",
        )
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in pattern.split("/")):
        raise StoaError(f"pattern {pattern!r} cannot be used: File name too long", "for example '**/product*'")
    found = [str(place / path) for path in matching(place, pattern)]
    folders = [path for path in found if os.path.isdir(path)]
    if found and not folders:
        leaf = pattern.rpartition("/")[2]
        above = pattern.removesuffix(leaf).rstrip("/") or "."
        first = os.path.relpath(os.path.dirname(found[0]), place)
        raise StoaError(
            f"pattern {pattern!r} matches files alone ({len(found)}, such as {os.path.relpath(found[0], place)!r}),"
            " and targets are folders",
            f"name the folders that hold them: `stoa target add {root} {shlex.quote(above)}`, or {first!r} alone",
        )
    if not folders:
        raise StoaError(
            f"pattern {pattern!r} matches no folder below {place}", "quote it, so that the shell leaves it alone"
        )
    return [_relative(place, root, folder) for folder in folders]


def _relative(place: Path, root: str, text: str) -> str:
    """Path of a folder below its root, "" for the root itself; links are not followed."""
    top, full = os.path.normpath(place), os.path.normpath(place / text)
    if full != top and not full.startswith(top.rstrip("/") + "/"):
        raise StoaError(f"{text!r} is not below root {root!r} ({place})", "`stoa root add` names another root")
    if not os.path.isdir(full):
        raise StoaError(f"{text!r} is not a folder below root {root!r} ({place})", "nothing was added")
    return full[len(top) :].lstrip("/")


def _recordable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
