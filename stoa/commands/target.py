"""The list of targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.model import Target
from stoa.provenance.definitions import check_name
from stoa.provenance.ids import now
from stoa.request import Selection
from stoa.workspace.adding import AddReport, add_targets, files_of
from stoa.workspace.open import Workspace, alone
from stoa.workspace.removal import Removed
from stoa.workspace.renaming import Renamed, commit_renamed, refuse_taken
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import choose, match_names
from stoa.workspace.targets import metadata_rows

__all__ = [
    "AddReport", "TargetRow", "add_targets", "list_targets", "remove_targets", "rename_target",
]  # fmt: skip


class TargetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A target with what is known of it."""

    name: str
    root: str
    path: str
    flags: tuple[str, ...]
    metadata: dict[str, Any]


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
    changes = files_of(changed) | {ws.project.meta_record(name): None for name in documents}
    number = len(chosen)
    commit = ws.store.commit(changes, f"remove {chosen[0] if number == 1 else f'{number} targets'}")
    ws.__dict__.pop("targets", None)
    files = tuple(f".stoa/{path}" for path in changes)
    return Removed(kind="target", names=tuple(chosen), files=files, refers=tuple(refers), commit=commit)


@alone
def rename_target(ws: Workspace, name: str, new: str) -> Renamed:
    """Give a target another name; outcomes, flags, comments and metadata go with it.

    Where a merge has left two lines of one folder, the one of the old name is taken out.

    Raises
    ------
    StoaError
        If there is no such target, the new name is taken, or a run of it is under way.
    """
    check_name(new, "target")
    ws.ready()
    lists = ws.library.target_lists()
    every = [target for targets in lists.values() for target in targets]
    folder = {(target.root, target.path): target for target in every if target.name == name}
    twin = next((target for target in every if target.name == new and (target.root, target.path) in folder), None)
    old = folder[twin.root, twin.path] if twin else _to_rename(ws, name, new)
    for run, live in ws.live().items():
        if name in {target for target, _ in live.opened.jobs}:
            raise StoaError(f"run {run} is under way with {name}", f"`stoa stop {run}` ends it")
    former = [*(twin.formerly if twin else ()), *old.formerly, name]
    renamed = msgspec.structs.replace(
        twin or old, name=new, formerly=tuple(dict.fromkeys(each for each in former if each != new))
    )
    changed = {
        list_name: list(dict.fromkeys(renamed if t.name in (name, new) else t for t in targets))
        for list_name, targets in lists.items()
        if any(t.name in (name, new) for t in targets)
    }
    changes = files_of(changed) | _moved_document(ws, name, new)
    return commit_renamed(ws, "target", name, new, changes, _records_of(ws, [name]))


def _to_rename(ws: Workspace, name: str, new: str) -> Target:
    """The target that is to get a name that no other one has or had."""
    if name not in ws.targets:
        match_names([name], ws.targets)
    every = ws.library.all_targets().values()
    owners = {each.casefold(): t.name for t in every for each in (*t.formerly, t.name)}
    owner = owners.get(new.casefold(), name)
    if owner != name:
        raise StoaError(f"{new!r} is or was the name of target {owner!r}", "take another name")
    refuse_taken("target", name, new, name if new in ws.targets[name].formerly else new, _records_of(ws, [new]))
    return ws.targets[name]


def _moved_document(ws: Workspace, name: str, new: str) -> dict[str, bytes | None]:
    snapshot = ws.store.snapshot()
    old, fresh = (f"{ws.store.prefix}/{ws.project.meta_record(each)}" for each in (name, new))
    document = snapshot.read_record(old)
    if document is None:
        return {}
    moved: dict[str, bytes | None] = {ws.project.meta_record(name): None}
    return moved if snapshot.holds(fresh) else moved | {ws.project.meta_record(new): document}


def _records_of(ws: Workspace, names: list[str]) -> list[str]:
    found = []
    for table, words in (("outcomes", "outcome"), ("reviews", "flag or comment")):
        rows = ws.index.rows(f"SELECT target, count(*) FROM {table} GROUP BY target")
        number = sum(count for target, count in rows if target in names)
        if number:
            found.append(f"{number} {words}" if number == 1 else f"{number} {words.replace(' or ', 's or ')}s")
    return found


def list_targets(ws: Workspace, selection: Selection | None = None) -> list[TargetRow]:
    """Targets with their metadata columns and open flags."""
    chosen = selection or Selection()
    names = choose(ws, chosen) if chosen.targets or chosen.where or chosen.tags else list(ws.targets)
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
