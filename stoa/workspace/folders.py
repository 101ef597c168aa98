"""Folders below a root by pattern, links followed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path

_MOST = 100_000
"""Folders that are looked at to find others with the same name."""


def matching(place: Path, pattern: str) -> Iterator[str]:
    """Paths below a folder, relative and in order, that a glob matches: files, too.

    ``**`` stands for any number of folders. Links to folders are followed, except one that leads back to a folder
    above it. Names are told apart by case; hidden ones count.
    """
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    seen: set[str] = set()
    for path in _below(str(place), "", parts, (_identity(str(place)),)):
        if path not in seen:
            seen.add(path)
            yield path


_Identity = tuple[int, int]


def _below(place: str, path: str, parts: list[str], above: tuple[_Identity, ...]) -> Iterator[str]:
    if not parts:
        yield path
        return
    first, rest = parts[0], parts[1:]
    if first == "**":
        yield from _below(place, path, rest, above)
        fits, rest = re.compile("").match, parts
    else:
        fits = re.compile(translate(first)).match
    for name, is_folder in _entries(os.path.join(place, path)):
        if not fits(name) or (not is_folder and rest):
            continue
        below = f"{path}/{name}" if path else name
        if not rest:
            yield below
            continue
        identity = _identity(os.path.join(place, below))
        if identity not in above:
            yield from _below(place, below, rest, (*above, identity))


def _entries(folder: str) -> list[tuple[str, bool]]:
    """Names in a folder, sorted, and whether each is a folder; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted((entry.name, _is_folder(entry)) for entry in found)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return status.st_dev, status.st_ino


def same_place(place: Path, paths: list[str], known: list[str]) -> dict[str, str]:
    """Paths by way of a link that lead to a folder which is in the list by another path, too.

    Returns
    -------
    doubles
        Path by way of a link -> the path that stays: the one without a link, else the first.
    """
    top = os.path.realpath(place)
    real = {path: os.path.realpath(os.path.join(place, path)) for path in paths}
    linked = {path for path in paths if real[path] != os.path.normpath(os.path.join(top, path))}
    if not linked:
        return {}
    stays = {os.path.normpath(os.path.join(top, path)): path for path in known}
    stays |= {real[path]: path for path in paths if path not in linked}
    doubles = {}
    for path in paths:
        if path in linked and stays.setdefault(real[path], path) != path:
            doubles[path] = stays[real[path]]
    return doubles


def neighbours(place: Path, depths: set[int]) -> list[str]:
    """Folders at some depths below a root, whether they are targets or not; at most 100 000 are looked at."""
    found: list[str] = []
    level = [""]
    for depth in range(1, max(depths, default=0) + 1):
        below = [
            f"{path}/{name}" if path else name
            for path in level
            for name, is_folder in _entries(os.path.join(place, path))
            if is_folder
        ]
        level = below[:_MOST]
        if depth in depths:
            found += level
    return found
