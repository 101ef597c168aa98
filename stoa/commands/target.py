"""The list of targets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.model import Target
from stoa.provenance.definitions import check_name
from stoa.provenance.ids import now
from stoa.provenance.records import write_targets
from stoa.provenance.targets import is_named_in_full, name_by_pattern, name_targets
from stoa.request import Selection
from stoa.workspace.folders import matching, neighbours, same_place
from stoa.workspace.open import Workspace, alone
from stoa.workspace.removal import Removed
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import choose, match_names
from stoa.workspace.targets import metadata_rows

LONGEST_NAME = 255
"""Bytes of a file name on the file systems of Linux."""


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
        If the root has no place here, a pattern matches no folder, or a path is outside the root.
    """
    ws.ready()
    place = ws.project.root(root)
    if not place.is_dir():
        raise StoaError(f"root {root!r} should be at {place}, and nothing is there", f"`stoa root add {root} PATH`")
    list_name = check_name(list_name or root, "list of targets")
    found = {path: None for pattern in patterns for path in _glob(place, root, pattern)}
    found |= {_relative(place, root, text): None for text in paths}
    taken = ws.library.all_targets()
    known = [t.path for t in ws.targets.values() if t.root == root]
    back = {t.path: t for t in taken.values() if t.root == root and t.removed}
    fresh = [path for path in found if path not in set(known)]
    doubles = same_place(place, fresh, known)
    refused = tuple(path for path in fresh if not _recordable(path))
    new = [path for path in fresh if _recordable(path) and path not in doubles]
    added = _named(place, root, [path for path in new if path not in back], taken, name)
    added += [msgspec.structs.replace(back[path], removed="") for path in new if path in back]
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
    lists = _without(ws, {target.name for target in added})
    present = ws.library.target_lists().get(list_name, [])
    lists[list_name] = [*lists.get(list_name, present), *added]
    ws.__dict__.pop("targets", None)
    number = len(added)
    return ws.store.commit(_files(lists), f"{number} target{'s' * (number != 1)} in {list_name}")


def _files(lists: Mapping[str, list[Target]]) -> dict[str, bytes | None]:
    return {f"targets/{name}.yaml": write_targets(targets) for name, targets in lists.items()}


def _without(ws: Workspace, names: Container[str]) -> dict[str, list[Target]]:
    """The lists that hold any of these targets, without them."""
    return {
        list_name: [target for target in targets if target.name not in names]
        for list_name, targets in ws.library.target_lists().items()
        if any(target.name in names for target in targets)
    }


@alone
def remove_targets(ws: Workspace, names: Iterable[str]) -> Removed:
    """Take targets from their lists, with their metadata; outcomes, flags and comments stay recorded.

    Adding the same folder again brings a target back with its name and history.

    Raises
    ------
    StoaError
        If a name is unknown, or a run of a target is under way.
    """
    ws.ready()
    chosen = match_names(names, ws.targets)
    if not chosen:
        raise StoaError("which targets?", "name them, or a glob: `stoa target remove 'A001*'`")
    for run, live in ws.live().items():
        if held := sorted({target for target, _ in live.opened.jobs} & set(chosen)):
            raise StoaError(f"run {run} is under way with {held[0]}", f"`stoa stop {run}` ends it")
    refers = _records_of(ws, chosen)
    lists = ws.library.target_lists()
    moment, wanted = now(), set(chosen)
    changed = {
        name: [msgspec.structs.replace(t, removed=moment) if t.name in wanted else t for t in targets]
        for name, targets in lists.items()
        if any(t.name in wanted for t in targets)
    }
    documents = {target for (target,) in ws.index.rows("SELECT target FROM documents")} & wanted
    changes = _files(changed) | {ws.project.meta_record(name): None for name in documents}
    number = len(chosen)
    commit = ws.store.commit(changes, f"remove {chosen[0] if number == 1 else f'{number} targets'}")
    ws.__dict__.pop("targets", None)
    files = tuple(f".stoa/{path}" for path in changes)
    return Removed(kind="target", names=tuple(chosen), files=files, refers=tuple(refers), commit=commit)


def _records_of(ws: Workspace, names: list[str]) -> list[str]:
    found = []
    for table, words in (("outcomes", "outcome"), ("reviews", "flag or comment")):
        rows = ws.index.rows(f"SELECT target, count(*) FROM {table} GROUP BY target")
        number = sum(count for target, count in rows if target in names)
        if number:
            found.append(f"{number} {words}" if number == 1 else f"{number} {words.replace(' or ', 's or ')}s")
    return found


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
