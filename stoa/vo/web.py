"""Requests to services of others: only by HTTP, only to where the person said, bounded in time and size.

A service may be down, slow, or wrong, and an answer may lead elsewhere. What a service names (a redirect, the address
of a job) is followed on the Internet, and never to a file, to this machine, or into a private network, unless that is
the very host and port that the person named.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from stoa.errors import StoaError

MOST_BYTES = 500_000_000
"""The largest answer that is taken."""

MOST_WORDS = 1 << 16
"""Bytes that are read of an answer that should be short: the phase of a job, an error."""

CONNECT_S, SILENT_S = 10.0, 60.0
RETRIES = 4
_TRY_AGAIN = (429, 502, 503, 504)
_LONGEST_PAUSE_S = 30
_PIECE = 1 << 16
_CONNECTION = re.compile(r"^(<[^>]*>|\w+\(host=.*?\)): ")
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


class ServiceError(StoaError):
    """A service that cannot be reached, refuses a question, or answers with something else."""


class TooSlowError(ServiceError):
    """An answer that took longer than it may."""


class Question(requests.Session):
    """A conversation with one service.

    Parameters
    ----------
    service
        The address that the person gave.
    patience_s
        How long one answer may take from its first byte to its last.
    is_named
        Whether a person gave that address; one that is out of a table may not lead to this machine or its network.

    Raises
    ------
    ServiceError
        If the address is not one of HTTP.
    """

    def __init__(self, service: str, patience_s: float = 600.0, *, is_named: bool = True) -> None:
        super().__init__()
        self.service = service
        self.patience_s = patience_s
        self.max_redirects = 5
        self.headers["User-Agent"] = "STOA"
        place = _place(service)
        place = place if is_named else ("", 0)
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(place))

    def ask(self, method: str, address: str, *, follow: bool = True, **given: Any) -> requests.Response:
        """Send a request, again where that may help, and give the answer with its content unread.

        Raises
        ------
        ServiceError
            If there is no answer. What status it has is left to the caller.
        """
        with self._failures(address):
            _place(address)
            return self.request(
                method, address, stream=True, allow_redirects=follow, timeout=(CONNECT_S, SILENT_S), **given
            )

    def content(self, response: requests.Response, most: int = MOST_BYTES) -> bytes:
        """The content of an answer.

        Raises
        ------
        ServiceError
            If it is larger than `most` bytes, ends too early, or takes too long.
        """
        pieces: list[bytes] = []
        size = 0
        for piece in self.pieces(response):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                response.close()
                raise ServiceError(f"the answer of {response.url} is larger than {most / 1e6:g} MB")
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and "Content-Encoding" not in response.headers and size < int(declared):
            raise ServiceError(f"the answer of {response.url} ends after {size} of {declared} bytes")
        return b"".join(pieces)

    def pieces(self, response: requests.Response) -> Iterator[bytes]:
        """The content of an answer, piece by piece.

        Raises
        ------
        ServiceError
            If it breaks off, or takes too long.
        """
        end = time.monotonic() + self.patience_s
        with self._failures(response.url), response:
            while piece := response.raw.read1(_PIECE, decode_content=True):
                yield piece
                if time.monotonic() > end:
                    raise TooSlowError(f"the answer of {response.url} took longer than {self.patience_s:g} s")

    def words(self, response: requests.Response) -> str:
        """The beginning of an answer that should be short."""
        with self._failures(response.url), response:
            piece: bytes = response.raw.read(MOST_WORDS, decode_content=True)
        return piece.decode("utf-8", "replace")

    @contextmanager
    def _failures(self, address: str) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            raise ServiceError(f"{self.service} does not answer: {_reason(problem)}", _hint(address)) from problem


def _reason(problem: BaseException) -> str:
    """The innermost reason: what requests says of it is a chain of objects."""
    if isinstance(problem, requests.Timeout) or "timed out" in str(problem):
        return f"it took longer than {SILENT_S:g} s"
    if isinstance(problem, requests.exceptions.InvalidSchema):
        return "it leads to an address that is not HTTP"
    if isinstance(problem, requests.TooManyRedirects):
        return "it leads from address to address"
    seen = problem
    while inner := getattr(seen, "reason", None) or next((x for x in seen.args if isinstance(x, BaseException)), None):
        seen = inner
    return _CONNECTION.sub("", str(seen))[:300] or type(seen).__name__


def _hint(address: str) -> str | None:
    host = urlsplit(address).hostname
    return f"is {host} up, and is there a network?" if host else None


def absolute(base: str, address: str) -> str:
    """An address that a service gave, which may be relative."""
    return urljoin(base, address)


def _place(address: str) -> tuple[str, int]:
    """Host and port of an address of HTTP; all names of this machine are one."""
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ServiceError(f"{address[:200]!r} is not an address of a service", "it begins with http:// or https://")
    return "localhost" if host in _LOOPBACK else host, port or (443 if parts.scheme == "https" else 80)


class _Retry(urllib3.Retry):
    """Waits as long as a service asks, but not for hours."""

    def get_retry_after(self, response: Any) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST_PAUSE_S)


class _Adapter(HTTPAdapter):
    """Connects to public addresses, and to the one private place that the person named."""

    def __init__(self, named: tuple[str, int]) -> None:
        self._named = named
        retry = _Retry(
            total=RETRIES, connect=RETRIES, read=RETRIES, redirect=0, status_forcelist=_TRY_AGAIN, allowed_methods=None,
            backoff_factor=0.3, backoff_max=_LONGEST_PAUSE_S, raise_on_status=False,
        )  # fmt: skip
        super().__init__(max_retries=retry)

    def init_poolmanager(self, *words: Any, **given: Any) -> None:
        super().init_poolmanager(*words, **given)
        self.poolmanager.pool_classes_by_scheme = _pools(self._named)


def _pools(named: tuple[str, int]) -> dict[str, type]:
    """Classes of connections that look where they have got to before they say a word."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> Any:
            return _checked(super()._new_conn(), self.host, self.port, named)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> Any:
            return _checked(super()._new_conn(), self.host, self.port, named)

    plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
    encrypted = type("EncryptedPool", (HTTPSConnectionPool,), {"ConnectionCls": Encrypted})
    return {"http": plain, "https": encrypted}


def _checked(opened: Any, host: str, port: int, named: tuple[str, int]) -> Any:
    peer = ipaddress.ip_address(opened.getpeername()[0].partition("%")[0])
    mapped = getattr(peer, "ipv4_mapped", None)
    asked = ("localhost" if host.strip("[]") in _LOOPBACK else host.lower(), port)
    if asked != named and not (mapped or peer).is_global:
        opened.close()
        raise ServiceError(
            f"the service leads to {host}:{port} ({peer}), which is not on the Internet", "nothing was sent there"
        )
    return opened
