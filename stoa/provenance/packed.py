"""Small products in git: the files of a batch of outcomes, in tar archives beside their records.

An archive `products-0000.tar.gz` holds products of the outcomes in `outcomes-0000.yaml`, each under its root and path:
``tar xz`` in the project's folder puts them where they were. What is read from one is believed only if it has the
checksum that its outcome names, so that an archive is no record: whoever changes it changes nothing that counts.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache

from stoa.errors import StoaError
from stoa.model import FileRef, Outcome, Process
from stoa.opening import read_bounded
from stoa.project import Project

MOST_BYTES = 65_536
"""Of one product; larger ones stay where they are."""
_ARCHIVE_BYTES = 32_000_000
"""Of one archive before it is compressed, the blocks in front of its files included."""
_BLOCK = 512
_END_BYTES = 2 * _BLOCK
_FILE_MODE = 0o644
_NAME_BYTES = 100
_LEVEL = 3  # half the time of the usual one, and a tenth more bytes


def product_archives(
    project: Project, process: Process | None, outcomes: Iterable[Outcome], number: int
) -> dict[str, bytes]:
    """Archives of what a process shares by git, by their names in the run's folder.

    A product that is too large, gone, or not as it was recorded is left out.

    Parameters
    ----------
    number
        That of the file with the outcomes.
    """
    shared = {name for name, spec in process.outputs.items() if spec.share == "git"} if process else set()
    if not shared:
        return {}
    found: dict[str, bytes] = {}
    part: dict[str, bytes] = {}
    size = 0
    for path, content in _products(project, shared, outcomes):
        entry = archive_entry(path, content)
        if part and size + len(entry) > _ARCHIVE_BYTES - _END_BYTES:
            found[_name(number, len(found))] = archive(part)
            part, size = {}, 0
        part[path] = entry
        size += len(entry)
    if part:
        found[_name(number, len(found))] = archive(part)
    return found


def _name(number: int, part: int) -> str:
    return f"products-{number:04d}{f'-{part}' if part else ''}.tar.gz"


def is_archive(name: str) -> bool:
    """Whether a file in a run's folder is an archive of products."""
    return name.startswith("products-") and name.endswith(".tar.gz")


def _products(project: Project, shared: set[str], outcomes: Iterable[Outcome]) -> Iterator[tuple[str, bytes]]:
    for outcome in outcomes:
        for name in sorted(shared & outcome.outputs.keys()):
            ref = outcome.outputs[name]
            if ref.size > MOST_BYTES or not ref.sha256 or outcome.restored:  # what is restored is in its own run
                continue
            with suppress(OSError, StoaError):
                content = read_bounded(project.file(ref), MOST_BYTES)
                if fits(content, ref):
                    yield member(ref), content


def member(ref: FileRef) -> str:
    """The name of a product in its archive."""
    return ref.path.replace(":", "/", 1)


def fits(content: bytes, ref: FileRef) -> bool:
    """Whether a content is what a record names."""
    return len(content) == ref.size and hashlib.sha256(content).hexdigest() == ref.sha256


def archive_entry(path: str, content: bytes) -> bytes:
    """A file as a tar archive has it: what it is called, and its content, in whole blocks."""
    plain = path.isascii() and len(path) <= _NAME_BYTES
    block = _plain_head(path.encode(), len(content)) if plain else _other_head(path, content)
    return b"".join((block, content, bytes(-len(content) % _BLOCK)))


def _plain_head(name: bytes, size: int) -> bytes:
    """The block in front of a file with a short name; the standard library takes five times as long for the same."""
    size_octal = b"%011o" % size
    digits = b"%06o" % (_rest_sum() + sum(name) + sum(size_octal))
    before, between, after = _rest_of_head()
    return b"".join((name.ljust(_NAME_BYTES, b"\0"), before, size_octal, between, digits, after))


def _other_head(path: str, content: bytes) -> bytes:
    import tarfile  # with what it needs, 5 ms that most commands need not wait for

    head = tarfile.TarInfo(path)
    head.size, head.mode = len(content), _FILE_MODE
    try:
        return head.tobuf(tarfile.USTAR_FORMAT)
    except ValueError:  # of more than 100 characters; the other form takes twice the time
        return head.tobuf(tarfile.PAX_FORMAT)


@cache
def _rest_of_head() -> tuple[bytes, bytes, bytes]:
    """What every block in front of a file has before the size, before its own sum, and behind that."""
    block = _other_head("", b"")
    return block[_NAME_BYTES:124], block[135:148], block[154:]


@cache
def _rest_sum() -> int:
    """The sum of what is the same, as the format has it: the place of the sum itself counts as eight blanks."""
    before, between, after = _rest_of_head()
    return sum(before) + sum(between) + 8 * 0x20 + sum(after[2:])


def archive(entries: Mapping[str, bytes], level: int = _LEVEL) -> bytes:
    """A compressed archive; the same bytes for the same files.

    Parameters
    ----------
    entries
        Files by their names, as `archive_entry` gives them.
    level
        0 for files that are compressed already.
    """
    pieces = [entries[path] for path in sorted(entries)]
    return gzip.compress(b"".join([*pieces, bytes(_END_BYTES)]), level, mtime=0)


def _unpacked(data: bytes) -> bytes:
    """What an archive holds as far as it can be unpacked, and no more than any archive of ours has."""
    with suppress(zlib.error):
        return zlib.decompressobj(wbits=31).decompress(data, _ARCHIVE_BYTES)
    return b""


class Archive:
    """An archive as it was found in git; nothing of it is trusted.

    Parameters
    ----------
    data
        Its content. What is no archive, or damaged, holds nothing or less.
    """

    def __init__(self, data: bytes) -> None:
        import tarfile

        self._data = _unpacked(data)
        self._places: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(self._data), mode="r:") as archive:
                for entry in archive:
                    if entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and entry.size <= MOST_BYTES:
                        self._places[entry.name] = entry.offset_data, entry.size
        except (tarfile.TarError, ValueError, OverflowError, EOFError, MemoryError, RecursionError):
            return

    def content(self, ref: FileRef) -> bytes | None:
        """A product, if it is here as its record says."""
        content = self.member(member(ref))
        return content if content is not None and fits(content, ref) else None

    def member(self, name: str) -> bytes | None:
        """What is here under a name, whatever it is."""
        start, size = self._places.get(name, (0, -1))
        return self._data[start : start + size] if size >= 0 else None

    def names(self) -> list[str]:
        return list(self._places)
