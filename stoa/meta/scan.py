"""The files below a target folder; bounded, sorted, and never outside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import cached_property
from operator import attrgetter
from pathlib import Path

from msgspec import Struct

from stoa.meta.defects import Defect

MAX_FILES = 20_000
MAX_DEPTH = 8
_NAME = attrgetter("name")
_TABLE = "table.dat"
"""What every CASA image and measurement set, which are folders, has in it."""


class Found(Struct, frozen=True):
    """A file below the folder."""

    name: str  # relative, with "/"
    path: str
    size: int
    mtime_ns: int
    problem: str = ""  # why it must not be opened


class Entry(Struct, frozen=True):
    """A name in a folder, as the listing tells without a further call."""

    name: str
    is_folder: bool
    is_file: bool


class Scan(Struct, frozen=True):
    """All files below a folder, by name."""

    files: tuple[Found, ...]
    problems: tuple[str, ...]
    listed: dict[str, tuple[Entry, ...]] = {}  # folder ("" for itself, "qa") -> what is in it, hidden names left out


def scan(folder: Path) -> Scan:
    """List a folder and its subfolders.

    Hidden names are left out. Links to folders are listed, not followed, and so are CASA images and measurement
    sets; a link that leaves the folder and anything that is neither file nor folder has a problem.
    """
    walk = _Walk(folder)
    files = sorted(walk.below(str(folder), "", 0), key=_NAME)
    return Scan(tuple(files), tuple(sorted(walk.problems)), walk.listed)


class _Walk:
    """One pass over a tree, with what it met."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: set[str] = set()
        self.count = 0
        self.listed: dict[str, tuple[Entry, ...]] = {}

    @cached_property
    def top(self) -> str:
        """The folder without links; asked only where there is a link in it."""
        return os.path.realpath(self._folder) + os.sep

    def below(self, folder: str, prefix: str, depth: int) -> Iterator[Found]:
        entries = self._entries(folder)
        if depth <= 1:
            self.listed[prefix.rstrip("/")] = tuple([_entry(each) for each in entries])
        for entry in entries:
            if self.count >= MAX_FILES:
                self.problems.add(Defect.TOO_MANY_FILES)
                return
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False) and not os.path.lexists(f"{entry.path}/{_TABLE}"):
                if depth < MAX_DEPTH:
                    yield from self.below(entry.path, f"{name}/", depth + 1)
                else:
                    self.problems.add(Defect.TOO_MANY_FILES)
                continue
            self.count += 1
            yield self._found(entry, name)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted((e for e in entries if e.name[0] != "."), key=_NAME)
        except OSError:
            self.problems.add(Defect.UNREADABLE_FOLDER)
            return []

    def _found(self, entry: os.DirEntry[str], name: str) -> Found:
        path = entry.path
        if not name.isprintable():
            shown = writable(name) if name.strip("\t\r\n") == name else name.encode("unicode_escape").decode("ascii")
            if shown != name:
                return Found(shown, path, 0, 0, Defect.ODD_NAME)
        if entry.is_symlink() and not f"{os.path.realpath(path)}{os.sep}".startswith(self.top):
            return Found(name, path, 0, 0, Defect.LINK_OUTSIDE)
        try:
            status = entry.stat()
        except OSError:
            return Found(name, path, 0, 0, Defect.BROKEN_LINK if entry.is_symlink() else Defect.VANISHED)
        if stat.S_ISREG(status.st_mode):
            return Found(name, path, status.st_size, status.st_mtime_ns)
        return Found(name, path, 0, 0, "" if stat.S_ISDIR(status.st_mode) else Defect.NOT_A_FILE)


def _entry(entry: os.DirEntry[str]) -> Entry:
    return Entry(entry.name, entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False))


def entries(folder: str) -> tuple[Entry, ...]:
    """What is in a folder, in no order; nothing if it cannot be listed."""
    try:
        with os.scandir(folder) as found:
            return tuple(map(_entry, found))
    except OSError:
        return ()


def writable(text: str) -> str:
    r"""A text with everything that XML 1.0 cannot hold as ``\xNN`` or ``\uNNNN``."""
    if text.isprintable():
        return text
    return "".join(c if _is_xml(ord(c)) else c.encode("unicode_escape").decode("ascii") for c in text)


def _is_xml(code: int) -> bool:
    return (
        code in (9, 10, 13) or 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF
    )
