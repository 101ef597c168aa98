"""What a conflict between two versions of a definition is about, in words."""

from __future__ import annotations

from stoa.provenance.git import ConflictError, Repository, tree_changes
from stoa.provenance.inspect import shown
from stoa.provenance.yamltree import DefinitionError, Spot, read_yaml


def conflict_words(repository: Repository, conflict: ConflictError) -> list[str]:
    """What each side wrote, one line per field of the definitions or a file."""
    words: list[str] = []
    for path in conflict.paths:
        words += _deleted(repository, conflict, path) or _changed(repository, conflict, path)
    return words


def _deleted(repository: Repository, conflict: ConflictError, path: str) -> list[str]:
    for commit, gone, other in ((conflict.ours, "you", conflict.label), (conflict.theirs, conflict.label, "you")):
        if any(not c.new_mode for c in tree_changes(repository, conflict.base, commit, f":(literal){path}")):
            return [f"{shown(path)}: {gone} deleted it, {other} changed it"]
    return []


def _changed(repository: Repository, conflict: ConflictError, path: str) -> list[str]:
    name, label = shown(path), conflict.label
    base, ours, theirs = (
        repository.snapshot(commit).read(path) for commit in (conflict.base, conflict.ours, conflict.theirs)
    )
    if not path.endswith(".yaml"):
        return [f"{name}: both changed the same lines"]
    try:
        fields = [_fields(data, name) for data in (base, ours, theirs)]
    except DefinitionError:
        return [f"{name}: both changed the same lines"]
    before, mine, other = fields
    clashes = [key for key in dict.fromkeys([*mine, *other]) if _clash(before.get(key), mine.get(key), other.get(key))]
    told = [
        f"{name}: {key}: you {_value(mine.get(key))}, {label} {_value(other.get(key))}"
        + (f" (before {_value(before[key])})" if key in before else "")
        for key in clashes
    ]
    return told or [f"{name}: both changed neighbouring lines"]


def _clash(before: str | None, mine: str | None, other: str | None) -> bool:
    return mine != other and before not in (mine, other)


def _value(text: str | None) -> str:
    return "without it" if text is None else shown(text, 60) or '""'


def _fields(data: bytes | None, name: str) -> dict[str, str]:
    """Dotted name and written value of every scalar of a YAML file."""
    if data is None:
        return {}
    found: dict[str, str] = {}
    _flatten(read_yaml(data, name), found)
    return found


def _flatten(spot: Spot, found: dict[str, str]) -> None:
    if isinstance(spot.content, str):
        found[spot.field] = spot.content
        return
    for below in spot.content.values() if isinstance(spot.content, dict) else spot.content:
        _flatten(below, found)
