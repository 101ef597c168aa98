"""Contents of files as git keeps them: named by their checksum, compressed for a pack.

Hashing and compressing take most of the time of a commit of many files. Whoever makes them in processes of its own can
do both there.
"""

from __future__ import annotations

import zlib
from hashlib import sha1

from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.pack import pack_object_header
from msgspec import Struct

BLOB = 3
"""The kind of a file's content in a pack."""

_GZIP = b"\x1f\x8b"
_LARGEST_WINDOW = 15
_SMALLEST_WINDOW = 9


class Content(Struct, frozen=True):
    """The content of a file.

    Attributes
    ----------
    oid
        Its object id.
    deflated
        Its whole entry in a pack; empty where it is compressed only when it is written.
    """

    oid: str
    data: bytes
    deflated: bytes = b""


def hashed(data: bytes) -> Content:
    """A content with its object id."""
    checksum = sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    checksum.update(data)
    return Content(checksum.hexdigest(), data)


def packed(data: bytes) -> Content:
    """A content that has been compressed."""
    return Content(hashed(data).oid, data, b"".join(pack_entry(BLOB, data)))


def pack_entry(kind: int, data: bytes) -> tuple[bytes, ...]:
    """An object as it stands in a pack, in pieces: kind, size and a zlib stream (gitformat-pack(5)).

    What is compressed by itself, as archives of products are, is not compressed again.
    """
    compressor = _compressor(data)
    head = pack_object_header(kind, None, len(data), DEFAULT_OBJECT_FORMAT)
    return bytes(head), compressor.compress(data), compressor.flush()


def _compressor(data: bytes) -> zlib._Compress:
    level = 0 if data.startswith(_GZIP) else -1
    # No window or table is larger than the data needs: to make them ready would take as long as a small file itself.
    window = min(max(len(data).bit_length(), _SMALLEST_WINDOW), _LARGEST_WINDOW)
    return zlib.compressobj(level, wbits=window, memLevel=min(window - 6, zlib.DEF_MEM_LEVEL))
