"""The SHA-256 of a file's content, read in pieces, so that it can be stopped: a sparse file has any size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO

_PIECE = 1 << 22  # bytes; some milliseconds


class HashingStopped(Exception):
    """A file was not read to its end, as someone asked to stop."""


def sha256_of(file: BinaryIO, stopped: Callable[[], bool] = lambda: False) -> str:
    """SHA-256 of what is left of an open file, as hexadecimal digits.

    Parameters
    ----------
    stopped
        Asked after every piece whether to stop.

    Raises
    ------
    HashingStopped
        If it was to stop.
    OSError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    piece = bytearray(_PIECE)
    view = memoryview(piece)
    while size := file.readinto(view):  # type: ignore[attr-defined]
        digest.update(view[:size])
        if stopped():
            raise HashingStopped
    return digest.hexdigest()
