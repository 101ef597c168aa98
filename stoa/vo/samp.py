"""Applications on the desktop, reached by SAMP through the hub that one of them runs (IVOA SAMP 1.3).

What comes from a hub is from a program that anybody may have started: texts are taken as texts, row numbers are
checked, and every answer is waited for only so long.
"""

from __future__ import annotations

import http.client
import queue
import socket
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import msgspec

from stoa.errors import StoaError

ANSWER_S = 30
"""How long an application may take to load a table."""

SILENT_S = ANSWER_S + 10
"""How long the hub itself may say nothing."""

_ASK_AGAIN_S = 5.0  # a hub that was killed says no goodbye

LOAD_VOTABLE, LOAD_FITS, LOAD_IMAGE = "table.load.votable", "table.load.fits", "image.load.fits"
HIGHLIGHT, ROW_LIST, POINT_AT = "table.highlight.row", "table.select.rowList", "coord.pointAt.sky"
_SHUTDOWN = "samp.hub.event.shutdown"
_DISCONNECT = "samp.hub.disconnect"

START_ONE = "start TOPCAT, Aladin or DS9: each of them runs a hub"


class SampError(StoaError):
    """A hub or an application that cannot be reached or refuses what it is sent."""


class NoHubError(SampError):
    """There is no hub on this desktop."""


class Application(msgspec.Struct, frozen=True):
    """A program that is registered at the hub."""

    id: str
    name: str


class Message(msgspec.Struct, frozen=True):
    """What an application said to all."""

    mtype: str
    sender: str  # name of the application
    params: dict[str, Any]  # texts, and lists of texts, if the sender keeps to the standard

    def text(self, key: str) -> str:
        """A parameter, "" where it is absent or no text."""
        value = self.params.get(key)
        return value if isinstance(value, str) else ""

    def rows(self) -> tuple[int, ...]:
        """The rows that it is about, counted from 0; what is no such number is left out."""
        listed = self.params.get("row-list")
        given = [self.params.get("row")] if self.mtype == HIGHLIGHT else listed if isinstance(listed, list) else []
        return tuple(int(row) for row in given if isinstance(row, str) and row.isascii() and row.isdecimal())


class Hub:
    """A connection with the hub.

    Parameters
    ----------
    client
        A connected client of pyvo.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._heard: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()

    def receivers(self, mtype: str) -> list[Application]:
        """Applications that take a kind of message, by name."""
        with _talking():
            found = self._client.get_subscribed_clients(mtype)
            there = [Application(key, name) for key in map(str, found) if (name := self._name(key))]
        return sorted(there, key=lambda each: each.name)

    def _name(self, key: str) -> str:
        """What an application calls itself; "" for one that has left meanwhile, of which hubs make an error."""
        from pyvo.samp import SAMPProxyError  # 0.3 s

        try:
            about = self._client.get_metadata(key)
        except SAMPProxyError:
            return ""
        name = about.get("samp.name") if isinstance(about, Mapping) else None
        return name if isinstance(name, str) and name else key

    def send(self, to: Application, mtype: str, params: Mapping[str, str]) -> None:
        """Send a message to one application, and wait until it has done what is asked.

        Raises
        ------
        SampError
            If it refuses, says nothing, or is gone.
        """
        with _talking(f"{to.name} does not answer"):
            said = self._client.call_and_wait(to.id, {"samp.mtype": mtype, "samp.params": dict(params)}, str(ANSWER_S))
        status = said.get("samp.status") if isinstance(said, Mapping) else None
        if status not in ("samp.ok", "samp.warning"):
            error = said.get("samp.error") if isinstance(said, Mapping) else None
            why = error.get("samp.errortxt") if isinstance(error, Mapping) else None
            raise SampError(f"{to.name} did not take {mtype}: {str(why or 'no reason given')[:500]}")

    def messages(self, *mtypes: str, started: Callable[[], None] = lambda: None) -> Iterator[Message]:
        """Messages of some kinds as they come, until the hub ends.

        Parameters
        ----------
        started
            Called when nothing is missed any more.
        """
        with _talking():
            for mtype in (*mtypes, _SHUTDOWN, _DISCONNECT):
                self._client.bind_receive_notification(mtype, self._note)
            for mtype in mtypes:  # TOPCAT sends its selections as calls, and waits for an answer
                self._client.bind_receive_call(mtype, self._call)
        started()
        while True:
            try:
                mtype, sender, params = self._heard.get(timeout=_ASK_AGAIN_S)
            except queue.Empty:
                if not self._is_there():
                    return
                continue
            if mtype in (_SHUTDOWN, _DISCONNECT):
                return
            with suppress(SampError):  # a sender that has gone in the meantime
                yield Message(mtype, self._sender(sender), params if isinstance(params, dict) else {})

    def stop(self) -> None:
        """End `messages`, from whatever thread."""
        self._heard.put((_SHUTDOWN, "", None))

    def _sender(self, key: str) -> str:
        with _talking():
            return self._name(key)

    def _is_there(self) -> bool:
        try:
            with _talking():
                self._client.ping()
        except SampError:
            return False
        return True

    def _note(self, _key: str, sender: str, mtype: str, params: Any, _extra: Any) -> None:
        self._heard.put((mtype, sender, params))

    def _call(self, _key: str, sender: str, message: str, mtype: str, params: Any, _extra: Any) -> None:
        self._client.reply(message, {"samp.status": "samp.ok", "samp.result": {}})
        self._heard.put((mtype, sender, params))


@contextmanager
def connected() -> Iterator[Hub]:
    """A connection with the hub that `SAMP_HUB` or the file ``.samp`` in the home folder names.

    Raises
    ------
    NoHubError
        If there is none.
    SampError
        If it does not speak SAMP.
    """
    from pyvo import samp

    samp.conf.use_internet = False  # it would ask a site outside for this machine's name
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENT_S)  # pyvo's connections have no other limit
    client = samp.SAMPIntegratedClient(
        name="STOA", description="Script tracking for observational astronomy", addr="127.0.0.1"
    )
    try:
        with _talking():
            try:
                client.connect()
            except samp.SAMPHubError as problem:
                raise NoHubError("there is no SAMP hub on this desktop", START_ONE) from problem
        yield Hub(client)
    finally:
        with suppress(*_failures()):
            _leave(client)
        socket.setdefaulttimeout(before)


def _leave(client: Any) -> None:
    """Unregister, and stop listening even where the hub is gone."""
    try:
        client.disconnect()
    finally:
        if client.client is not None and client.client.is_running:
            client.client.stop()
        client.hub.disconnect()


def _failures() -> tuple[type[Exception], ...]:
    """What pyvo lets through of a hub that is gone, or answers with something that is not SAMP."""
    from pyvo import samp

    wrong = (ExpatError, KeyError, TypeError, ValueError, AttributeError, IndexError)
    talking = (OSError, http.client.HTTPException, xmlrpc.client.Error)
    return (samp.SAMPHubError, samp.SAMPClientError, samp.SAMPProxyError, *talking, *wrong)


@contextmanager
def _talking(words: str = "the SAMP hub does not answer as it should") -> Iterator[None]:
    try:
        yield
    except StoaError:
        raise
    except _failures() as problem:
        raise SampError(f"{words}: {str(problem)[:300] or type(problem).__name__}", START_ONE) from problem


def address_of(file: Path) -> str:
    """The address by which an application of this machine opens a file."""
    return file.resolve().as_uri()
