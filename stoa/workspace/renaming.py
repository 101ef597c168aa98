"""Giving targets and definitions another name; what was recorded under the old one belongs to the new one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.workspace.open import Workspace

_DEFINED = ("processes", "params", "environments")
_VERBS = {"parameter set": "params", "environment": "env"}


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """What was renamed, what belongs to it, and where the old name is still written."""

    kind: str
    old: str
    new: str
    files: tuple[str, ...]
    records: tuple[str, ...]  # in words: what was recorded under the old name
    mentions: tuple[str, ...]  # definitions with the old name in them
    commit: str


def refuse_taken(kind: str, old: str, new: str, now: str, recorded: list[str]) -> None:
    """Raise `StoaError` if a name may not be given, because others' records are under it.

    Parameters
    ----------
    now
        Whose former name the new one is; itself for no one's.
    recorded
        What is recorded under the new name, in words.
    """
    if old == new:
        raise StoaError(f"{kind} {old!r} has this name already", f"`stoa {_VERBS.get(kind, kind)} list` shows them")
    if now not in (new, old):
        raise StoaError(
            f"{new!r} is a former name of {kind} {now!r}, to which what was recorded under it belongs",
            "take another name",
        )
    if recorded and now != old:
        raise StoaError(
            f"{', '.join(recorded)} of an earlier {kind} {new!r} are recorded, and would be taken for those of {old!r}",
            "take another name",
        )


def refuse_former(kind: str, name: str, now: str) -> None:
    """Raise `StoaError` if a new definition would have the former name of another one.

    Parameters
    ----------
    now
        Whose former name it is; itself for no one's.
    """
    if now != name:
        raise StoaError(
            f"{name!r} is a former name of {kind} {now!r}, to which what was recorded under it belongs",
            "take another name",
        )


def committed(ws: Workspace, file: Path) -> bytes:
    """The content of a definition, which is the same in git.

    Raises
    ------
    StoaError
        If it was changed and not committed.
    """
    data = ws.project.read(file)
    path = file.relative_to(ws.repository.top).as_posix()
    if ws.store.snapshot().read(path) != data:
        where = file.relative_to(ws.project.top)
        raise StoaError(
            f"{where} has changes that are not committed", f"`git commit {where}` first, or `git restore {where}`"
        )
    return data


def commit_renamed(
    ws: Workspace, kind: str, old: str, new: str, changes: Mapping[str, bytes | None], records: Iterable[str]
) -> Renamed:
    """Commit a renaming, and forget what this machine remembered under the old name."""
    commit = ws.store.commit(changes, f"rename {kind} {old} to {new}")
    shutil.rmtree(ws.project.cache / "looks", ignore_errors=True)
    ws.reread()
    return Renamed(
        kind=kind, old=old, new=new, files=tuple(f".stoa/{path}" for path, data in changes.items() if data is not None),
        records=tuple(records), mentions=tuple(_mentions(ws, old)), commit=commit,
    )  # fmt: skip


def _mentions(ws: Workspace, old: str) -> list[str]:
    """Definitions in which a name is written, other than as a former name."""
    word = re.compile(rf"(?<![\w.+-]){re.escape(old)}(?![\w+-])")
    found = []
    for file in sorted(
        file for folder in _DEFINED for file in (ws.project.stoa / folder).rglob("*.yaml") if file.is_file()
    ):
        lines = ws.project.read(file).decode("utf-8", "replace").splitlines()
        if any(word.search(line.partition(" #")[0]) for line in lines if not line.startswith(("formerly", "#"))):
            found.append(str(file.relative_to(ws.project.top)))
    return found
