"""Channels between a person's pages and the bridge on their desktop (`stoa samp bridge`): messages down, events up.

The bridge asks and the dashboard answers, so that nothing has to reach into the desktop. A token names a channel; it
is made here, signed, shown to the person alone, and refused after half a day, after `Channel.renew`, and after the
dashboard has ended. A browser can never be a bridge: what has an origin is refused.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stoa.errors import StoaError
from stoa.ui.links import signed, token
from stoa.vo.bridge import MOST_EVENTS, MOST_UP, PATH, Event, Told

WAIT_S = 3.0
"""How long a question of the bridge waits for something to happen; a dashboard that ends waits as long for it."""

ABSENT_S = 10.0
"""A bridge that has not asked for this long is gone."""

KEPT = 50
MOST_CHANNELS = 200


class Channel:
    """What passes between the pages of one person and their bridge; safe to be used by several threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.applications: tuple[str, ...] = ()
        self._generation = secrets.token_hex(8)
        self._lock = Lock()
        self._seq = 0
        self._told: deque[Told] = deque(maxlen=KEPT)
        self._heard: deque[tuple[int, Event]] = deque(maxlen=KEPT)
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._asked = 0.0

    def token(self) -> str:
        """A token that lets a bridge in."""
        return token("bridge", self.name, self._generation)

    def renew(self) -> None:
        """Refuse all tokens that were made before."""
        self._generation = secrets.token_hex(8)
        self._asked = 0.0
        self._wake()

    def admits(self, generation: str) -> bool:
        """Whether a token was made since the last `renew`."""
        return secrets.compare_digest(generation, self._generation)

    @property
    def is_connected(self) -> bool:
        """Whether a bridge asks, or has just asked."""
        return bool(self._waiting) or (self._asked > 0 and time.monotonic() - self._asked < ABSENT_S)

    @property
    def last(self) -> int:
        """The number of the newest message or event."""
        return self._seq

    def tell(self, mtype: str, params: Mapping[str, Any]) -> None:
        """Put a message for the applications at the bridge's hub."""
        with self._lock:
            self._seq += 1
            self._told.append(Told(seq=self._seq, mtype=mtype, params=dict(params)))
        self._wake()

    def hear(self, events: list[Event]) -> None:
        """Keep what the bridge said."""
        with self._lock:
            for event in events:
                if event.kind == "applications":
                    self.applications = tuple(name[:60] for name in event.words.split("\n") if name)[:20]
                    continue
                self._seq += 1
                self._heard.append((self._seq, event))

    def events(self, after: int) -> list[tuple[int, Event]]:
        """What the bridge said after a number."""
        with self._lock:
            return [each for each in self._heard if each[0] > after]

    async def messages(self, after: int | None, wait_s: float = WAIT_S) -> tuple[int, list[Told]]:
        """Messages after a number, as soon as there are any, and the number of the newest one.

        Parameters
        ----------
        after
            None for a bridge that is new: it learns at once where it is, and nothing that was sent before.
        """
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(mine)
        try:
            found = self._after(after)
            if after is not None and not found:
                with suppress(TimeoutError):
                    await asyncio.wait_for(mine[1].wait(), wait_s)
                found = self._after(after)
        finally:
            with self._lock:
                self._waiting.discard(mine)
                self._asked = time.monotonic()
        return (found[-1].seq if found else max(after or 0, 0) if after is not None else self._seq), found

    def _after(self, after: int | None) -> list[Told]:
        with self._lock:
            return [] if after is None else [each for each in self._told if each.seq > after]

    def _wake(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)


_channels: OrderedDict[str, Channel] = OrderedDict()
_lock = Lock()


def channel(name: str) -> Channel:
    """The channel of a name, made when it is asked for first."""
    with _lock:
        if name not in _channels:
            _channels[name] = Channel(name)
            while len(_channels) > MOST_CHANNELS:
                _channels.popitem(last=False)
        _channels.move_to_end(name)
        return _channels[name]


def route() -> Route:
    """The route of the bridge: GET for messages, POST for events."""
    return Route(PATH, _answer, methods=["GET", "POST"])


async def _answer(request: Request) -> Response:
    """Answer a bridge; what is refused is explained in words."""
    headers = {"Cache-Control": "no-store"}
    try:
        found = _admitted(request)
    except StoaError as problem:
        return Response(problem.message, 401, headers=headers, media_type="text/plain")
    if request.method == "POST":
        return await _up(found, request)
    after = request.query_params.get("after", "")
    if after and not (after.isascii() and after.isdecimal() and len(after) < 16):
        return Response("after must be a whole number", 400, media_type="text/plain")
    last, messages = await found.messages(int(after) if after else None)
    return JSONResponse({"last": last, "messages": msgspec.to_builtins(messages)}, headers=headers)


def _admitted(request: Request) -> Channel:
    """The channel that the request's token names."""
    if request.headers.get("origin") or request.headers.get("sec-fetch-site"):
        raise StoaError("a browser is no bridge")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise StoaError("there is no token")
    parts = signed("bridge", given.strip())
    if len(parts) == 2:
        with _lock:
            found = _channels.get(parts[0])
        if found is not None and found.admits(parts[1]):
            return found
    raise StoaError("this token is not valid any more")


async def _up(found: Channel, request: Request) -> Response:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_UP:
            return Response("this is too much at once", 413, media_type="text/plain")
    try:
        events = msgspec.convert(json.loads(bytes(body)), list[Event])
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors, too
        return Response("this is not what a bridge says", 400, media_type="text/plain")
    found.hear(events[:MOST_EVENTS])
    return Response(status_code=204)
