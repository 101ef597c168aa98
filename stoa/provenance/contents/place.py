"""What every kind of store can do, and how its objects are named."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from stoa.errors import StoaError

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ContentError(StoaError):
    """A store, or an object in it, that cannot be used."""


class Item(msgspec.Struct, frozen=True):
    """A file that is to be put into a store."""

    file: Path
    sha256: str
    size: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a store."""

    name: str  # below the store
    sha256: str  # "" for what an upload that was cut off has left
    size: int
    modified: float  # seconds since 1970


class Place(Protocol):
    """A store; its methods may be called from several threads."""

    words: str
    """Where it is, without secrets."""

    batch: int
    """How many files are best put at once."""

    def present(self, wanted: Collection[str]) -> dict[str, int]:
        """Of some checksums those that have an object, with its size."""

    def put(self, items: Sequence[Item]) -> dict[str, str]:
        """Put files in, each whole or not at all; gives what went wrong, by checksum."""

    def read(self, sha256: str, start: int, end: int) -> bytes:
        """Bytes of an object; fewer than asked for if it is shorter. Raises `ContentError` without one."""

    def entries(self) -> Iterator[Entry]:
        """All objects, and what uploads that were cut off have left."""

    def remove(self, entry: Entry) -> None:
        """Take something away; nothing happens if it is gone."""


def object_name(sha256: str) -> str:
    """Name of an object below its store."""
    return f"objects/{sha256[:2]}/{sha256}"


def is_sha256(name: str) -> bool:
    """Whether a name is a checksum."""
    return _SHA256.fullmatch(name) is not None


def changed_words(item: Item) -> str:
    """What is said of a file that is not what its record names."""
    return f"{item.file} is not what its record names; it was not put into the store"
