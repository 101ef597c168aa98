"""From the address of a store to the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from stoa.errors import StoaError
from stoa.provenance.contents.folder import FolderPlace
from stoa.provenance.contents.place import ContentError, Place
from stoa.provenance.contents.remote import RemotePlace, failed, secrets_of

EXTRAS = {"ssh": "sftp", "sftp": "sftp", "s3": "s3"}
"""Kind of address -> the extra of the package that brings its driver."""

_DRIVERS = {"sftp": ("sshfs", "SSHFileSystem"), "s3": ("s3fs", "S3FileSystem")}


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


def open_place(url: str, options: Mapping[str, Any], project: str, top: Path) -> Place:
    """A store; each project has its own part of it.

    Parameters
    ----------
    url
        A folder, ``file://``, ``sftp://`` (or ``ssh://``) or ``s3://``.
    options
        Of the driver: credentials, addresses.
    project
        Id of the project.
    top
        The project's folder, which a relative folder starts from.

    Raises
    ------
    StoaError
        If the driver is not installed or does not take the options, or the server cannot be reached.
    """
    kind, separator, rest = url.partition("://")
    if not separator or kind == "file":
        return FolderPlace(top / os.path.expanduser(unquote(rest) if separator else url) / project)
    driver, name = _DRIVERS[EXTRAS[kind]]
    try:
        made = getattr(import_module(driver), name)
    except ImportError:
        raise ContentError(
            f"a store at {kind}:// needs {driver}, which is not installed",
            f"`pip install 'stoa-tracking[{EXTRAS[kind]}]'`",
        ) from None
    parts = urlsplit(url)
    secret = secrets_of(options)
    try:
        if kind == "s3":
            system = made(use_listings_cache=False, skip_instance_cache=True, **options)
            return RemotePlace(
                system, f"{parts.netloc}{parts.path}".rstrip("/") + f"/{project}", url, renames=False, secret=secret
            )
        named = {"username": parts.username, "port": parts.port}
        given = {key: value for key, value in named.items() if value} | dict(options)
        given.setdefault("known_hosts", ())  # those of the user; the driver's own default is to trust every server
        system = made(parts.hostname, skip_instance_cache=True, **given)
        return RemotePlace(system, f"{unquote(parts.path).rstrip('/')}/{project}", url, renames=True, secret=secret)
    except StoaError:
        raise
    except Exception as problem:  # noqa: BLE001 - each driver has errors of its own
        raise failed(url, "reached", problem, secret) from None
