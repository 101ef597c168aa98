"""What every answer passes: only our own host names, no pages of others, nothing from the outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HUBS = "http://localhost:21012 http://127.0.0.1:21012"
"""The SAMP hub on the reader's own desk, the only other place that the page talks to."""

PAGE = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' {socket} " + HUBS + " data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""Policy of Streamlit's own page: scripts from here alone, requests to here and to the hub."""

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", b"same-site"),
)


class Guard:
    """Refuses requests to host names that are not ours and from pages that are not ours.

    The first keeps a name that someone else's server resolves to this machine from reading the dashboard (DNS
    rebinding); the second keeps other pages in the same browser from using the person's rights.

    Parameters
    ----------
    names
        Host names without port.
    public
        Those of them that a proxy may serve under another port and scheme.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], public: Iterable[str] = ()) -> None:
        self.app = app
        self.names = frozenset(name.lower() for name in names)
        self.public = frozenset(name.lower() for name in public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if refusal := self._refusal(host, headers.get(b"origin", ""), headers.get(b"sec-fetch-site", ""), scope):
            await _refuse(scope, receive, send, *refusal)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_missing(message["headers"], host, scope)]}
            await send(message)

        await self.app(scope, receive, with_headers)

    def _refusal(self, host: str, origin: str, site: str, scope: Scope) -> tuple[int, str] | None:
        if _name(f"//{host}") not in self.names:
            return 400, "this host name is not one of the dashboard's (`stoa ui --public NAME` adds one)"
        if origin and _place(origin) != _place(f"//{host}") and _name(origin) not in self.public:
            return 403, "requests from other pages are refused"
        if site == "cross-site" and scope["path"].startswith("/stoa/"):
            return 403, "requests from other pages are refused"
        return None


def _name(address: str) -> str:
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name


def _place(address: str) -> str:
    """Host and port; "null", the origin of files and sandboxes, has none."""
    return urlsplit(address).netloc.lower() if "//" in address else ""


def _missing(given: Iterable[tuple[bytes, bytes]], host: str, scope: Scope) -> list[tuple[bytes, bytes]]:
    """Headers that an answer lacks; an own policy of a page stays."""
    there = {name.lower(): value for name, value in given}
    added = [(name, value) for name, value in HEADERS if name not in there]
    if there.get(b"content-type", b"").startswith(b"text/html") and b"content-security-policy" not in there:
        scheme = "wss" if scope.get("scheme") == "https" else "ws"
        added.append((b"content-security-policy", PAGE.format(socket=f"{scheme}://{host}").encode("latin-1")))
    return added


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, words: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    kind = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": kind})
    await send({"type": "http.response.body", "body": words.encode()})
