"""A store in a folder of this machine, or of a disk that several machines share."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from stoa.durable import give_to_group, make_folder, sync_files, sync_folder, write_hint
from stoa.opening import open_regular
from stoa.provenance.contents.place import ContentError, Entry, Item, changed_words, is_sha256, object_name

_PIECE = 1 << 20


class FolderPlace:
    """A store in a folder.

    Parameters
    ----------
    top
        The folder; it is made with the first object.
    """

    batch = 256

    def __init__(self, top: Path) -> None:
        self.top = top
        self.words = str(top)

    def present(self, wanted: Collection[str]) -> dict[str, int]:
        found = {}
        for sha256 in wanted:
            with suppress(FileNotFoundError, NotADirectoryError):
                found[sha256] = (self.top / object_name(sha256)).stat().st_size
        return found

    def put(self, items: Sequence[Item]) -> dict[str, str]:
        """As in `Place`: copies are made aside, made durable together, and renamed."""
        problems: dict[str, str] = {}
        aside: dict[str, Path] = {}
        try:
            make_folder(self.top / "tmp")
            for item in items:
                place = self.top / "tmp" / f"{item.sha256}.{os.getpid()}.{secrets.token_hex(4)}"
                aside[item.sha256] = place
                if problem := _copied(item, place):
                    problems[item.sha256] = problem
                    place.unlink(missing_ok=True)
                    del aside[item.sha256]
            sync_files(list(aside.values()))
            folders = set()
            for sha256, place in aside.items():
                final = self.top / object_name(sha256)
                make_folder(final.parent)
                place.replace(final)
                folders.add(final.parent)
            for folder in folders:
                sync_folder(folder)
        except OSError as problem:
            for place in aside.values():
                with suppress(OSError):
                    place.unlink(missing_ok=True)
            raise ContentError(
                f"the store {self.words} cannot be written: {problem.strerror}", write_hint(problem)
            ) from None
        return problems

    def read(self, sha256: str, start: int, end: int) -> bytes:
        try:
            with open_regular(self.top / object_name(sha256), follow_links=True) as stream:
                stream.seek(start)
                return stream.read(end - start)
        except (FileNotFoundError, NotADirectoryError):
            raise ContentError(f"the store {self.words} has no object {sha256}") from None
        except OSError as problem:
            raise ContentError(f"the store {self.words} cannot be read: {problem.strerror}") from None

    def entries(self) -> Iterator[Entry]:
        for folder in sorted([*(self.top / "objects").glob("??"), self.top / "tmp"]):
            with suppress(FileNotFoundError), os.scandir(folder) as found:
                for each in found:
                    with suppress(FileNotFoundError):  # just renamed
                        state = each.stat(follow_symlinks=False)
                        name = f"{folder.relative_to(self.top).as_posix()}/{each.name}"
                        sha256 = each.name if is_sha256(each.name) else ""
                        yield Entry(name=name, sha256=sha256, size=state.st_size, modified=state.st_mtime)

    def remove(self, entry: Entry) -> None:
        try:
            (self.top / entry.name).unlink(missing_ok=True)
        except OSError as problem:
            raise ContentError(f"{self.words}/{entry.name} cannot be removed: {problem.strerror}") from None


def _copied(item: Item, place: Path) -> str:
    """Copy a file, and say what is wrong with it; problems of the place are raised."""
    digest = hashlib.sha256()
    try:
        source = open_regular(item.file, follow_links=True)
    except OSError as problem:
        return f"{item.file}: {problem.strerror}"
    with source, open(place, "xb", buffering=0) as target:
        give_to_group(target.fileno(), place.parent)
        while piece := source.read(_PIECE):
            digest.update(piece)
            view = memoryview(piece)
            while view:
                view = view[target.write(view) :]
    return "" if digest.hexdigest() == item.sha256 else changed_words(item)
