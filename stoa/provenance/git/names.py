"""Names of branches, which git keeps as bytes: as text with lone surrogates, and as text that can be written."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


def to_bytes(name: str) -> bytes:
    """A name as git has it."""
    return name.encode("utf-8", "surrogateescape")


def from_bytes(name: bytes) -> str:
    """The text of a name; bytes that are not UTF-8 become lone surrogates."""
    return name.decode("utf-8", "surrogateescape")


def writable(name: str) -> str:
    r"""A name as a record or a screen can have it: bytes that are not UTF-8 as ``\xe4``; no name has a backslash."""
    return to_bytes(name).decode("utf-8", "backslashreplace")


def from_writable(text: str) -> str:
    """What `writable` was given."""
    parts = _ESCAPED.split(text)
    return from_bytes(b"".join(bytes.fromhex(p) if n % 2 else p.encode() for n, p in enumerate(parts)))
