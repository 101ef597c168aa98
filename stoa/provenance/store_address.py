"""The address of a store of large products: which kinds there are, and what is wrong with one."""

from __future__ import annotations

from urllib.parse import urlsplit

EXTRAS = {"ssh": "sftp", "sftp": "sftp", "s3": "s3"}
"""Kind of address -> the extra of the package that brings its driver."""


def check_address(url: str) -> None:
    """Raise `ValueError` with what is wrong with the address of a store."""
    kind, separator, _ = url.partition("://")
    if not url.strip():
        raise ValueError("is empty")
    if not separator:
        return
    if kind not in ("file", *EXTRAS):
        raise ValueError(f"has the kind {kind!r}; known are a folder, file://, {', '.join(f'{e}://' for e in EXTRAS)}")
    parts = urlsplit(url)
    if parts.password is not None:
        raise ValueError("has a password in it, and all can read it; put it into `store: options:` of .stoa/local.yaml")
    if kind != "file" and not parts.hostname:
        raise ValueError("names no server or bucket")
    if kind in ("ssh", "sftp") and not parts.path.strip("/"):
        raise ValueError("names no folder on the server")
