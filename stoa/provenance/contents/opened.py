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
from stoa.provenance.store_address import EXTRAS

_DRIVERS = {"sftp": ("sshfs", "SSHFileSystem"), "s3": ("s3fs", "S3FileSystem")}


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
