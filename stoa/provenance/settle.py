"""What a file is to be when two people changed it at the same time, where no one has to be asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from stoa.project import STOA_DIR
from stoa.provenance.yamltree import DefinitionError, Spot, read_yaml

T = TypeVar("T")


class Clash(Exception):
    """Both sides changed one thing to different ones."""


class Field(msgspec.Struct, frozen=True):
    """A field of a YAML file with its lines; the file as a whole is one, too."""

    name: str = ""
    above: str = ""  # remarks and empty lines before it
    head: str = ""  # its own lines; of a mapping that has its fields on lines of their own, the first
    value: object = None  # what that says; None for such a mapping
    below: tuple[Field, ...] = ()
    after: str = ""  # what follows the last field of a file


def settle(
    path: str, base: bytes | None, ours: bytes, theirs: bytes, is_built: Callable[[bytes], bool]
) -> bytes | None:
    """Content that does justice to both sides of a file; None where a person has to say.

    In the settings, changes of different fields are joined. Of two metadata documents that STOA has
    built, one is as good as the other, as `stoa meta build` makes it again; both sides take the same.
    In a list of targets each folder has one line: added, renamed or removed by either side. Patterns of a list are
    those of both sides.

    Parameters
    ----------
    base
        What it was before, None for a file that both sides added.
    is_built
        Whether a metadata document was written by STOA.
    """
    below = f"/{path}".rpartition(f"/{STOA_DIR}/")[2]
    if below == "config.yaml":
        return _joined(base or b"", ours, theirs)
    if below.startswith("targets/"):
        return _targets(base or b"", ours, theirs)
    if below.startswith("patterns/"):
        return _united(base or b"", ours, theirs)
    if is_document(path) and is_built(ours) and is_built(theirs):
        return max(ours, theirs)
    return None


def is_document(path: str) -> bool:
    """Whether a path of the repository is that of a metadata document."""
    folder, _, name = f"/{path}".rpartition("/")
    return folder.endswith(f"/{STOA_DIR}/meta") and name.endswith(".xml")


def _targets(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    try:
        before, mine, others = (_targets_of(data) for data in (base, ours, theirs))
        found = [_target(before.get(key), mine.get(key), others.get(key)) for key in {**mine, **others}]
        lines = [line for line in found if line is not None]
        named = Counter((entry["root"], entry["path"]) for line in lines if not (entry := _entry(line)).get("removed"))
        if max(named.values(), default=1) > 1:
            raise Clash  # each side has given the folder another name
    except (Clash, ValueError, KeyError, TypeError):
        return None
    return b"".join(sorted(lines))


def _united(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """The lines of both sides, without those that either has taken out."""
    before, mine, others = (set(filter(None, data.splitlines())) for data in (base, ours, theirs))
    kept = (mine & others) | ((mine ^ others) - before)
    return b"".join(line + b"\n" for line in sorted(kept))


def _target(base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bytes | None:
    """The line of a target; one that both removed at different times counts as removed by either."""
    if ours and theirs and _entry(ours).get("removed") and _entry(theirs).get("removed"):
        return max(ours, theirs)
    return _part(base, ours, theirs)


def _targets_of(data: bytes) -> dict[tuple[str, str, str], bytes]:
    """Root, path and name -> line of a list of targets that has nothing but targets; of two lines the removed one.

    Raises
    ------
    ValueError, KeyError, TypeError
        If a line is something else.
    """
    found: dict[tuple[str, str, str], bytes] = {}
    for text in filter(bytes.strip, data.splitlines()):
        entry = _entry(text)
        key = str(entry["root"]), str(entry["path"]), str(entry["name"])
        if key not in found or entry.get("removed"):
            found[key] = text + b"\n"
    return found


def _entry(line: bytes) -> dict[str, Any]:
    entry = json.loads(line.removeprefix(b"- "))
    if not isinstance(entry, dict):
        raise TypeError
    return entry


def _joined(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    try:
        root = _both(*(_read(data) for data in (base, ours, theirs)))
        data = _lines(root).encode()
        return data if _read(data) == root else None  # every field says where it is now what it said before
    except (Clash, DefinitionError):
        return None


def _read(data: bytes) -> Field:
    """A file as one field."""
    if not data:
        return Field()
    spot = read_yaml(data, "")
    lines = data.decode("utf-8-sig").splitlines(keepends=True)
    lines[-1] = lines[-1].rstrip("\r\n") + "\n"
    fields, end = _fields(spot.mapping(), lines, 0, len(lines))
    return Field(below=tuple(fields), after="".join(lines[end:]))


def _fields(spots: dict[str, Spot], lines: list[str], above: int, end: int) -> tuple[list[Field], int]:
    """The fields between two lines, and the line after the last one."""
    found = []
    starts = [spot.line - 1 for spot in spots.values()]
    for (name, spot), (start, stop) in zip(spots.items(), pairwise([*starts, end]), strict=True):
        while stop > start + 1 and lines[stop - 1].lstrip()[:1] in ("", "#"):
            stop -= 1
        remarks = "".join(lines[above:start])
        if isinstance(spot.content, dict) and all(child.line > spot.line for child in spot.content.values()):
            below, _ = _fields(spot.content, lines, start + 1, stop)
            found.append(Field(name, remarks, "".join(lines[start : start + 1]), None, tuple(below)))
        else:
            found.append(Field(name, remarks, "".join(lines[start:stop]), _value(spot)))
        above = stop
    return found, above


def _value(spot: Spot) -> object:
    if isinstance(spot.content, dict):
        return [(name, _value(child)) for name, child in spot.content.items()]
    return [_value(child) for child in spot.content] if isinstance(spot.content, list) else spot.content


def _lines(field: Field) -> str:
    return field.above + field.head + "".join(map(_lines, field.below)) + field.after


def _both(base: Field, ours: Field, theirs: Field) -> Field:
    """A field that both sides have, with the changes of both."""
    if theirs == base:
        return ours
    if ours in (base, theirs):
        return theirs
    sides = (base, ours, theirs)
    head, value = _part(*((side.head, side.value) for side in sides))
    return Field(
        name=ours.name,
        above=_part(*(side.above for side in sides)),
        head=head,
        value=value,
        below=_below(*({field.name: field for field in side.below} for side in sides)),
        after=_part(*(side.after for side in sides)),
    )


def _part(base: T, ours: T, theirs: T) -> T:
    """That of the side that changed it.

    Raises
    ------
    Clash
        If both did.
    """
    if base not in (ours, theirs) and ours != theirs:
        raise Clash
    return theirs if ours == base else ours


def _below(base: dict[str, Field], ours: dict[str, Field], theirs: dict[str, Field]) -> tuple[Field, ...]:
    common = base.keys() & ours.keys() & theirs.keys()
    if len({tuple(name for name in side if name in common) for side in (base, ours, theirs)}) > 1:
        raise Clash  # the order means something, as that of cuts
    fields = []
    for name in _order(ours, theirs):
        mine, other = ours.get(name), theirs.get(name)
        if mine and other:
            fields.append(_both(base.get(name, Field()), mine, other))
        elif left := _part(base.get(name), mine, other):
            fields.append(left)
    return tuple(fields)


def _order(ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
    """The names of ours; what only theirs has is behind what it has there before it."""
    names = list(ours)
    place = 0
    for name in theirs:
        if name not in names:
            names.insert(place, name)
        place = names.index(name) + 1
    return names
