"""Bytes of a FITS file by offset, whether it is plain, gzip or bzip2; bounded in every case."""

from __future__ import annotations

import bz2
import os
import zlib
from typing import Protocol

_MIB = 1024 * 1024
_CHUNK = 64 * 1024
FIRST_READ = 10 * 2880
"""Bytes of a file that are read at once: most headers fit in them."""
GZIP = b"\x1f\x8b"
BZIP2 = b"BZh"


class LimitReached(Exception):
    """More would have to be inflated than one file is worth."""


class Blocks(Protocol):
    """Bytes of an uncompressed FITS file.

    Attributes
    ----------
    damaged
        Whether a read met the end of the input within a compressed stream, or bytes that cannot be inflated.
    first_read
        How many bytes of a header are worth being read at first; inflating costs more than reading.
    """

    damaged: bool
    first_read: int
    is_compressed: bool

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`, fewer at the end; offsets of successive calls do not fall."""

    def stated_length(self) -> int | None:
        """Length as the file states it without being read; None if it states none."""

    def reaches(self, length: int) -> bool:
        """Whether there are `length` bytes; may have to inflate them."""


class PlainBlocks:
    """A file that is not compressed."""

    damaged = False
    first_read = FIRST_READ
    is_compressed = False

    def __init__(self, descriptor: int, first: bytes, size: int) -> None:
        self._descriptor = descriptor
        self._first = first
        self._size = size

    def read(self, offset: int, count: int) -> bytes:
        if offset + count <= len(self._first):
            return self._first[offset : offset + count]
        return os.pread(self._descriptor, count, offset) if offset < self._size else b""

    def stated_length(self) -> int:
        return self._size

    def reaches(self, length: int) -> bool:
        return length <= self._size


class _Inflater(Protocol):
    """One member of a compressed stream."""

    ended: bool

    def inflate(self, data: bytes, limit: int) -> tuple[bytes, bytes]:
        """At most `limit` inflated bytes, and the input that was not taken."""


class _GzipMember:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self.ended = False

    def inflate(self, data: bytes, limit: int) -> tuple[bytes, bytes]:
        found = self._member.decompress(data, limit)
        self.ended = self._member.eof
        return found, self._member.unused_data if self.ended else self._member.unconsumed_tail


class _Bzip2Member:
    def __init__(self) -> None:
        self._member = bz2.BZ2Decompressor()
        self.ended = False

    def inflate(self, data: bytes, limit: int) -> tuple[bytes, bytes]:
        left = b"" if self._member.needs_input else data  # it keeps what it was given and could not inflate yet
        found = self._member.decompress(b"" if left else data, limit)
        self.ended = self._member.eof
        return found, self._member.unused_data + left


class InflatedBlocks:
    """A compressed file of one or several members, inflated only as far as is asked for."""

    first_read = 3 * 2880
    is_compressed = True

    def __init__(self, descriptor: int, first: bytes, size: int) -> None:
        self.damaged = False
        self._descriptor = descriptor
        self._size = size
        self._gzip = first[:2] == GZIP
        self._limit = (128 if self._gzip else 16) * _MIB
        self._input = first
        self._taken = len(first)  # bytes of the file that were read
        self._member = self._new_member()
        self._buffer = b""
        self._start = 0  # offset of the buffer

    def _new_member(self) -> _Inflater:
        return _GzipMember() if self._gzip else _Bzip2Member()

    def read(self, offset: int, count: int) -> bytes:
        """As in `Blocks`.

        Raises
        ------
        LimitReached
            If that is more than 128 MiB (bzip2, which is slower: 16 MiB) into the file.
        """
        if offset + count > self._limit:
            raise LimitReached
        if not self._skip(offset, count):
            return b""
        parts = [self._buffer]
        have = len(self._buffer)
        while have < count and (part := self._more(count - have)):
            parts.append(part)
            have += len(part)
        self._buffer = b"".join(parts)
        return self._buffer[:count]

    def _skip(self, offset: int, count: int) -> bool:
        while self._start + len(self._buffer) <= offset:
            self._start += len(self._buffer)
            self._buffer = self._more(min(_MIB, offset - self._start + count))
            if not self._buffer:
                return False
        self._buffer = self._buffer[offset - self._start :]
        self._start = offset
        return True

    def stated_length(self) -> int | None:
        """The last four bytes of gzip: the length of its last member modulo 2**32 (RFC 1952, 2.3.1)."""
        if not self._gzip or self._size < 18:
            return None
        tail = self._input[-4:] if self._taken == self._size else os.pread(self._descriptor, 4, self._size - 4)
        return int.from_bytes(tail, "little")

    def reaches(self, length: int) -> bool:
        return len(self.read(length - 1, 1)) == 1

    def _more(self, limit: int) -> bytes:
        """The next inflated bytes; empty at the end and where the stream breaks off."""
        while not self.damaged:
            if self._member.ended and not self._next_member():
                return b""
            given = self._input or self._fill()
            try:
                found, self._input = self._member.inflate(given, limit)
            except (zlib.error, OSError):
                self.damaged = True
                return b""
            if found:
                return found
            self.damaged = not (given or self._member.ended)
        return b""

    def _fill(self) -> bytes:
        chunk = os.pread(self._descriptor, _CHUNK, self._taken)
        self._taken += len(chunk)
        return chunk

    def _next_member(self) -> bool:
        """Begin the member behind one that ended; zeros and what is not a member end the file, as in gzip(1)."""
        if len(self._input) < 3:
            self._input += self._fill()
        if self._input[:2] != GZIP if self._gzip else self._input[:3] != BZIP2:
            return False
        self._member = self._new_member()
        return True


def open_blocks(descriptor: int, first: bytes, size: int) -> Blocks:
    """The blocks of an open file.

    Parameters
    ----------
    first
        Its first bytes, read already; the compression is recognised by them, not by the file's name.
    size
        Its size in bytes.
    """
    if first[:2] == GZIP or first[:3] == BZIP2:
        return InflatedBlocks(descriptor, first, size)
    return PlainBlocks(descriptor, first, size)
