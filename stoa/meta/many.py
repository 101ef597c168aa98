"""Describing many folders, in several processes where that is worth it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from stoa.forked import may_fork, shared
from stoa.meta.build import build, look
from stoa.meta.cache import Descriptions, encoded
from stoa.meta.document import MetadataError
from stoa.meta.table import RoleTable
from stoa.meta.xml import to_xml

CHUNK = 8
"""Folders that a process takes at once: few, so that all of them end at about the same time."""

WORTH_IT = 100
"""Fewer folders than this are described before other processes would have started."""


class Request(Struct, frozen=True):
    """A target's folder.

    Attributes
    ----------
    stamp
        What the cache has for it, "" if nothing.
    holds
        Whether git has the document that was made then.
    """

    target: str
    folder: Path
    stamp: str = ""
    holds: bool = False


class Described(Struct, frozen=True, kw_only=True, tag=True):
    """What came out for one folder."""

    target: str
    files: int
    stamp: str
    document: bytes = b""  # as `seal` gave it; empty where the one of git still holds
    entries: bytes = b""  # for the cache


class Gone(Struct, frozen=True, tag=True):
    """A target whose folder is not there."""

    target: str


def describe_many(
    requests: Sequence[Request],
    table: RoleTable,
    cache: Path,
    jobs: int,
    seal: Callable[[bytes], bytes] = bytes,
    *,
    checksums: bool = False,
) -> Iterator[Described | Gone]:
    """The documents of folders, in their order.

    Parameters
    ----------
    cache
        File of `Descriptions`; read only.
    jobs
        How many processes at once; one where there are few folders, or where processes cannot be forked safely.
    seal
        Makes of an XML document what is done with it next, where that can be done by several processes.
    checksums
        Whether every file is read whole for its SHA-256.
    """
    chunks = [requests[start : start + CHUNK] for start in range(0, len(requests), CHUNK)]
    work = partial(_describe_chunk, table=table, cache=cache, seal=seal, checksums=checksums)
    if jobs < 2 or len(requests) < WORTH_IT or not may_fork():
        for chunk in chunks:
            yield from work(chunk)
        return
    for answer in shared(lambda chunk: msgspec.msgpack.encode(work(chunk)), chunks, min(jobs, len(chunks))):
        yield from _ANSWER.decode(answer)


_ANSWER = msgspec.msgpack.Decoder(list[Described | Gone])


def _describe_chunk(
    requests: Sequence[Request], table: RoleTable, cache: Path, seal: Callable[[bytes], bytes], *, checksums: bool
) -> list[Described | Gone]:
    descriptions = Descriptions(cache) if any(request.stamp for request in requests) else None
    try:
        return [_described(request, table, descriptions, seal, checksums=checksums) for request in requests]
    finally:
        if descriptions:
            descriptions.close()


def _described(
    request: Request,
    table: RoleTable,
    descriptions: Descriptions | None,
    seal: Callable[[bytes], bytes],
    *,
    checksums: bool,
) -> Described | Gone:
    try:
        listing = look(request.folder)
    except MetadataError:
        return Gone(request.target)
    stamp = listing.stamp(table, checksums=checksums)
    files = len(listing.scan.files)
    if request.holds and stamp == request.stamp:
        return Described(target=request.target, files=files, stamp=stamp)
    entries = descriptions.entries(request.target) if descriptions else {}
    document = seal(to_xml(build(listing, entries, table, checksums=checksums)))
    return Described(target=request.target, files=files, stamp=stamp, document=document, entries=encoded(entries))
