"""A store on a server, through fsspec: sftp and S3.

On sftp an object is uploaded under another name and then renamed; S3 shows an object when it is there as a whole.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, BinaryIO, TypeVar

from stoa.hashing import sha256_of
from stoa.opening import open_regular, read_bounded
from stoa.provenance.contents.place import ContentError, Entry, Item, changed_words, is_sha256, object_name

FEW = 50
"""So many objects are asked for one by one; for more of them the folders are listed."""

IN_MEMORY = 32 << 20
"""Bytes of a file that is read once, and sent as it was read."""

AT_ONCE = 8
_PIECE = 8 << 20
T = TypeVar("T")


class RemotePlace:
    """A store on a server.

    Parameters
    ----------
    system
        A file system of fsspec.
    top
        The path of the store there.
    words
        Where it is, for people.
    renames
        Whether an upload is renamed when it is complete; False where an object appears as a whole.
    secret
        Values that no message may show.
    """

    batch = 1

    def __init__(self, system: Any, top: str, words: str, *, renames: bool, secret: Collection[str]) -> None:
        self._system = system
        self._top = top.rstrip("/")
        self.words = words
        self._renames = renames
        self._secret = tuple(secret)
        self._made: set[str] = set()

    def present(self, wanted: Collection[str]) -> dict[str, int]:
        names = sorted(wanted)
        if len(names) <= FEW:
            sizes = self._each(self._size, names)
            return {name: size for name, size in zip(names, sizes, strict=True) if size >= 0}
        folders = sorted({f"objects/{name[:2]}" for name in names})
        found = {each.sha256: each.size for part in self._each(self._list, folders) for each in part}
        return {name: found[name] for name in names if name in found}

    def _each(self, ask: Callable[[str], T], names: Sequence[str]) -> list[T]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(ask, names))

    def _size(self, sha256: str) -> int:
        try:
            return int(self._do("read", self._system.info, self._path(object_name(sha256)))["size"])
        except FileNotFoundError:
            return -1

    def _list(self, folder: str) -> list[Entry]:
        try:
            found = self._do("read", self._system.ls, self._path(folder), detail=True)
        except FileNotFoundError:
            return []
        return [_entry(folder, each) for each in found if each["type"] == "file"]

    def put(self, items: Sequence[Item]) -> dict[str, str]:
        found = {}
        for item in items:
            try:
                problem = self._put_aside(item) if self._renames else self._put_whole(item)
            except ContentError:
                raise
            except OSError as trouble:
                problem = f"{item.file}: {trouble.strerror or trouble}"
            if problem:
                found[item.sha256] = problem
        return found

    def _put_aside(self, item: Item) -> str:
        """Send a file under another name, and rename it if what was sent is what its record names."""
        final = self._path(object_name(item.sha256))
        place = self._path(f"tmp/{item.sha256}.{os.getpid()}.{secrets.token_hex(4)}")
        self._make(place)
        with open_regular(item.file, follow_links=True) as stream:
            try:
                sha256 = self._sent(stream, place)
                if sha256 == item.sha256:
                    self._make(final)
                    self._do("written", self._system.mv, place, final)
                    return ""
            except BaseException:
                with suppress(ContentError, FileNotFoundError):  # a full disk gets its room back
                    self._do("changed", self._system.rm_file, place)
                raise
        self._do("changed", self._system.rm_file, place)
        return changed_words(item)

    def _sent(self, stream: BinaryIO, place: str) -> str:
        """Send a file to a place; gives the checksum of what was sent."""
        digest = hashlib.sha256()
        target = self._do("written", self._system.open, place, "wb")
        try:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                self._do("written", target.write, piece)
            with suppress(ContentError):  # not every server knows how to make a file durable
                self._do("written", target.fsync)
        finally:
            self._do("written", target.close)
        return digest.hexdigest()

    def _put_whole(self, item: Item) -> str:
        """Send a file to a server that shows it when all of it is there."""
        place = self._path(object_name(item.sha256))
        if item.size <= IN_MEMORY:
            content = read_bounded(item.file, IN_MEMORY)
            if hashlib.sha256(content).hexdigest() != item.sha256:
                return changed_words(item)
            self._do("written", self._system.pipe_file, place, content)
            return ""
        before = _stamp(item)
        with open_regular(item.file, follow_links=True) as stream:
            if sha256_of(stream) != item.sha256:
                return changed_words(item)
        self._do("written", self._system.put_file, str(item.file), place)
        if _stamp(item) != before:
            self._do("changed", self._system.rm_file, place)
            return changed_words(item)
        return ""

    def _make(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._made:
            self._do("written", self._system.makedirs, folder, exist_ok=True)
            self._made.add(folder)

    def read(self, sha256: str, start: int, end: int) -> bytes:
        path = self._path(object_name(sha256))
        try:
            if not self._renames:
                return bytes(self._do("read", self._system.cat_file, path, start=start, end=end))
            source = self._do("read", self._system.open, path, "rb")  # its `cat_file` knows of no ranges
            try:
                self._do("read", source.seek, start)
                return bytes(self._do("read", source.read, end - start))
            finally:
                self._do("read", source.close)
        except FileNotFoundError:
            raise ContentError(f"the store {self.words} has no object {sha256}") from None

    def entries(self) -> Iterator[Entry]:
        for part in self._each(self._list, ["tmp", *(f"objects/{number:02x}" for number in range(256))]):
            yield from part

    def remove(self, entry: Entry) -> None:
        try:
            self._do("changed", self._system.rm_file, self._path(entry.name))
        except FileNotFoundError:
            return

    def _path(self, name: str) -> str:
        return f"{self._top}/{name}"

    def _do(self, what: str, ask: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Ask the server; its own way of failing becomes ours."""
        try:
            return ask(*arguments, **named)
        except FileNotFoundError:
            raise
        except Exception as problem:  # noqa: BLE001 - each driver has errors of its own
            raise failed(self.words, what, problem, self._secret) from None


def failed(words: str, what: str, problem: BaseException, secret: Collection[str]) -> ContentError:
    """The error for a server that refuses or cannot be reached, without what must not be shown."""
    said = " ".join(str(problem).split()) or type(problem).__name__
    for value in secret:
        said = said.replace(value, "***")
    room = ", and is its disk or your quota full" if what == "written" else ""  # sftp says no more than "Failure"
    return ContentError(
        f"the store {words} cannot be {what}: {said[:300]}",
        f"are your credentials valid, is the server reachable{room}? Credentials belong into `store: options:` of"
        " .stoa/local.yaml, or where the driver looks (~/.aws, ~/.ssh)",
    )


def secrets_of(options: Mapping[str, Any]) -> list[str]:
    """Values of a driver's options that no message may show: all texts but short ones and addresses."""
    shown = ("endpoint_url", "username", "profile", "region_name", "known_hosts", "client_keys")
    found = []
    for name, value in options.items():
        if isinstance(value, Mapping):
            found += secrets_of(value)
        elif isinstance(value, str) and len(value) > 3 and name not in shown:
            found.append(value)
    return found


def _entry(folder: str, facts: Mapping[str, Any]) -> Entry:
    name = str(facts["name"]).rstrip("/").rpartition("/")[2]
    when = facts.get("mtime") or facts.get("LastModified")
    modified = when.timestamp() if isinstance(when, datetime) else float(when or 0)
    sha256 = name if is_sha256(name) else ""
    return Entry(name=f"{folder}/{name}", sha256=sha256, size=int(facts.get("size") or 0), modified=modified)


def _stamp(item: Item) -> tuple[int, int]:
    state = os.stat(item.file)
    return state.st_size, state.st_mtime_ns
