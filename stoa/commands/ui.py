"""Where and for whom the dashboard is served: what is safe is decided before anything listens."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Literal

import msgspec

from stoa.errors import StoaError
from stoa.workspace.open import Workspace

PORT = 8501
TRIED = 20
"""Ports that are tried, from `PORT` on, when none is asked for."""

_ELSEWHERE = "`--read-only` lets others look; docs/dashboard.md tells how people log in"


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard that may be served as it is."""

    project: Path
    host: str
    port: int
    read_only: bool
    login: Literal["", "oidc", "proxy"]  # "": whoever is at this machine, under git's identity
    oidc: dict[str, str] = {}  # the provider, and the secret that it knows us by
    proxy: dict[str, str] = {}  # headers in which a proxy names a person
    names: tuple[str, ...]  # of this machine, as browsers may call it

    @property
    def address(self) -> str:
        """What a person types into a browser."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def serving(
    ws: Workspace, *, host: str = "127.0.0.1", port: int | None = None, read_only: bool = False, public: str = ""
) -> Serving:
    """Check where the dashboard is to be served.

    Parameters
    ----------
    port
        None for the first free one from `PORT` on; 0 for any free one.
    public
        Further name of this machine by which browsers reach it.

    Raises
    ------
    StoaError
        If others could reach it and it could not tell who they are, or the port is taken.
    """
    settings = ws.project.local.ui
    login = settings.login
    if not is_loopback(host):
        if login == "proxy":
            raise StoaError(
                f"at {host} anyone could send the headers that name a person",
                "leave --host out: the proxy has to be on this machine, and reach the dashboard at 127.0.0.1",
            )
        if not login and not read_only:
            raise StoaError(f"others can reach {host}, and the dashboard could not tell who they are", _ELSEWHERE)
    names = dict.fromkeys(["localhost", "127.0.0.1", "[::1]", *settings.hosts, public, *_own_names(host)])
    return Serving(
        project=ws.project.top, host=host, port=_free(host, port), read_only=read_only, login=login,
        oidc=settings.oidc, proxy=settings.proxy, names=tuple(name for name in names if name),
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; a name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _own_names(host: str) -> list[str]:
    """Names under which an address is reached; for all addresses of the machine its host names."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return [socket.gethostname(), socket.getfqdn()]
    return [f"[{host}]" if ":" in host else host]


def _free(host: str, port: int | None) -> int:
    """The port that is asked for, or the first free one."""
    for number in range(PORT, PORT + TRIED) if port is None else [port]:
        try:
            return _taken(host, number)
        except OSError as problem:
            last = problem
    if port is None:
        raise StoaError(f"ports {PORT} to {PORT + TRIED - 1} of {host} are taken", "`--port 0` takes any free one")
    raise StoaError(f"port {port} of {host} cannot be used: {last.strerror}", "`--port 0` takes any free one")


def _taken(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])
