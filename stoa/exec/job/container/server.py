"""A server of containers (Docker or podman): connecting to it, its rights, and what killed workers have left there."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from stoa.errors import StoaError
from stoa.exec.liveness import Owner, alive

if TYPE_CHECKING:
    import docker

USUAL_SERVER = "unix:///var/run/docker.sock"
OWNER_LABEL = "stoa.owner"
FOLDER_LABEL = "stoa.folder"
FOLDER_PREFIX = "stoa-container-"
_OLDEST_API, _NEWEST_API = "1.41", "1.44"  # Docker 20.10 and podman 4; what newer ones still speak
_ANSWER_S = 60  # how long the server may take for one request


class ServerProblem(StoaError):
    """The server of containers cannot be asked, or refuses."""


@contextmanager
def server(address: str) -> Iterator[docker.DockerClient]:
    """A connection to a server; what goes wrong with it becomes a `ServerProblem`.

    Parameters
    ----------
    address
        As in ``DOCKER_HOST``; "" for the usual socket.
    """
    import docker
    import requests

    where = address or USUAL_SERVER
    _check_socket(where)
    try:
        # The SDK's own negotiation leaves its socket open where no one answers.
        with closing(docker.DockerClient(base_url=where, version=_OLDEST_API, timeout=_ANSWER_S)) as first:
            spoken = str(first.version(api_version=False)["ApiVersion"])
        client = docker.DockerClient(base_url=where, version=_lower(spoken, _NEWEST_API), timeout=_ANSWER_S)
    except (docker.errors.DockerException, requests.RequestException, OSError, KeyError) as problem:
        raise ServerProblem(f"no Docker server answers at {where}: {_words(problem)}", _SERVER_HINT) from None
    try:
        yield client
    except (docker.errors.DockerException, requests.RequestException) as problem:
        raise ServerProblem(f"the Docker server at {where}: {_words(problem)}", _SERVER_HINT) from None
    finally:
        client.close()


def _check_socket(where: str) -> None:
    """Raise if no one listens; the SDK would say it in many words, and leave its own socket open."""
    if where.startswith("unix://"):
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_ANSWER_S)
                probe.connect(where.removeprefix("unix://"))
        except OSError as problem:
            absent = isinstance(problem, FileNotFoundError | ConnectionRefusedError)
            words = "nothing listens there" if absent else str(problem.strerror or problem).lower()
            raise ServerProblem(f"no Docker server answers at {where}: {words}", _SERVER_HINT) from None


def _lower(one: str, other: str) -> str:
    """The lower of two version numbers."""
    return min(one, other, key=lambda version: tuple(int(part) for part in version.split(".")))


_SERVER_HINT = "is it running, and may you use it? `docker info` says; DOCKER_HOST names another, podman's socket too"


def _words(problem: Exception) -> str:
    return " ".join(str(getattr(problem, "explanation", "") or problem).split())[:300]


def sweep(client: docker.DockerClient) -> int:
    """Remove containers whose STOA is gone; how many those were. Those of others are left alone."""
    import docker

    removed = 0
    for found in client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
        try:
            owner = msgspec.json.decode(found.labels[OWNER_LABEL], type=Owner)
        except (KeyError, msgspec.DecodeError, msgspec.ValidationError):
            continue
        if alive(owner) is False:
            with suppress(docker.errors.APIError):
                found.remove(force=True)
                removed += 1
                _forget(found.labels.get(FOLDER_LABEL, ""))
    return removed


def sweep_at(address: str) -> None:
    """Remove what killed workers have left at a server; where none answers, nothing."""
    with suppress(ServerProblem), server(address) as client:
        sweep(client)


def _forget(folder: str) -> None:
    """Remove the folder of a container's pipes, if it is one of the user's own."""
    with suppress(OSError):
        if os.path.basename(folder).startswith(FOLDER_PREFIX) and os.lstat(folder).st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)


class Rights(Struct, frozen=True):
    """What a server lets the user do in a container."""

    user: str  # "uid:gid" inside whose files are the user's outside
    groups: tuple[int, ...]  # further ones, that files may be read by
    rootless: bool


def rights(client: docker.DockerClient) -> Rights:
    """As whom jobs are to run in the containers of a server.

    A server without root's rights maps root inside to the user who started it, and all others to
    numbers that are no one's: these could not write to the user's folders.
    """
    info = client.info()
    if info.get("Rootless") or any("rootless" in each for each in info.get("SecurityOptions") or []):
        return Rights("0:0", (), rootless=True)
    groups = tuple(sorted(set(os.getgroups()) - {os.getegid()}))
    return Rights(f"{os.geteuid()}:{os.getegid()}", groups, rootless=False)
