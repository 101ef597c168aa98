"""The content of a folder that counts as one file: a measurement set, an image of CASA.

Its digest says which names it holds, and what is in them; times, owners and rights do not count. ``table.lock``, in
which CASA notes who has a table open, is left out: it changes whenever the table is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator

from msgspec import Struct

from stoa.hashing import HashingStopped, sha256_of
from stoa.opening import open_regular

MOST_ENTRIES = 1_000_000
"""A folder with more files and folders is not read."""

NOT_CONTENT = frozenset({"table.lock"})
"""Names of files that are no part of the content."""

_START = b"stoa tree 1\0"
_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


class TreeError(OSError):
    """A folder that has no digest."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.strerror = problem


class Entry(Struct, frozen=True):
    """One file, link or folder."""

    path: str  # relative to the top
    kind: str  # file, link or folder
    size: int = 0
    stamp: str = ""  # of a file: changes whenever its content does
    mtime_ns: int = 0  # of a file
    text: str = ""  # of a link: where it leads


class Tree(Struct, frozen=True):
    """What a folder holds, in the order of the names, before any file of it is read."""

    entries: tuple[Entry, ...]

    @property
    def files(self) -> int:
        """How many files."""
        return sum(entry.kind == "file" for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)

    @property
    def mtime_ns(self) -> int:
        """When the newest file was written."""
        return max((entry.mtime_ns for entry in self.entries), default=0)

    @property
    def stamp(self) -> str:
        """Changes whenever a file of the folder does."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(f"{entry.kind}\0{entry.path}\0{entry.stamp}\0{entry.text}\0".encode(errors="surrogateescape"))
        return f"tree {digest.hexdigest()}"


def look(top: str | os.PathLike[str]) -> Tree:
    """What is in a folder; links in it are not followed.

    Raises
    ------
    TreeError
        If it holds a pipe, socket or device, a link that leads out of it, or too many files.
    OSError
        If it cannot be read.
    """
    found: list[Entry] = []
    for entry in _walk(os.fspath(top), ""):
        found.append(entry)
        if len(found) > MOST_ENTRIES:
            raise TreeError(f"it holds more than {MOST_ENTRIES} files and folders")
    return Tree(tuple(sorted(found, key=lambda entry: os.fsencode(entry.path))))


def _walk(top: str, below: str) -> Iterator[Entry]:
    folders = [below]
    while folders:
        folder = folders.pop()
        with os.scandir(os.path.join(top, folder)) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                state = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(state.st_mode):
                    folders.append(path)
                    yield Entry(path, "folder")
                elif stat.S_ISLNK(state.st_mode):
                    yield Entry(path, "link", text=_inner_link(top, path))
                elif not stat.S_ISREG(state.st_mode):
                    raise TreeError(f"it holds {_KINDS.get(stat.S_IFMT(state.st_mode), 'a special file')}: {path}")
                elif entry.name not in NOT_CONTENT:
                    stamp = f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}"
                    yield Entry(path, "file", state.st_size, stamp, state.st_mtime_ns)


def _inner_link(top: str, path: str) -> str:
    text = os.readlink(os.path.join(top, path))
    place = os.path.normpath(os.path.join(os.path.dirname(path), text))
    if os.path.isabs(text) or place == ".." or place.startswith("../"):
        raise TreeError(f"it holds a link that leads out of it: {path} -> {text}")
    return text


def digest(
    top: str | os.PathLike[str], tree: Tree | None = None, stopped: Callable[[], bool] = lambda: False
) -> tuple[Tree, str]:
    """What is in a folder, and the SHA-256 over its names and the checksums of its files, as hexadecimal digits.

    Parameters
    ----------
    tree
        What `look` found, where it was asked before.
    stopped
        Asked after every piece of a file whether to stop.

    Raises
    ------
    HashingStopped
        If it was to stop.
    TreeError
        If it has no digest, or changed while it was read.
    OSError
        If it cannot be read.
    """
    tree = look(top) if tree is None else tree
    total = hashlib.sha256(_START)
    for entry in tree.entries:
        content = entry.text
        if entry.kind == "file":
            if stopped():
                raise HashingStopped
            try:
                with open_regular(os.path.join(top, entry.path), follow_links=False) as file:
                    content = f"{entry.size} {sha256_of(file, stopped)}"
            except FileNotFoundError:
                raise TreeError(f"it changed while it was read: {entry.path}") from None
        total.update(os.fsencode(f"{entry.kind}\0{entry.path}\0{content}\0"))
    if look(top).stamp != tree.stamp:
        raise TreeError("it changed while it was read")
    return tree, total.hexdigest()


def differing(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> list[str]:
    """Paths that only one of two folders has, or that differ in them.

    Raises
    ------
    OSError
        If one has no digest.
    """
    contents = [
        {
            entry.path: (entry.kind, entry.text, entry.size, _checksum(top, entry) if entry.kind == "file" else "")
            for entry in look(top).entries
        }
        for top in (first, second)
    ]
    one, other = contents
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def _checksum(top: str | os.PathLike[str], entry: Entry) -> str:
    with open_regular(os.path.join(top, entry.path), follow_links=False) as file:
        return sha256_of(file)
