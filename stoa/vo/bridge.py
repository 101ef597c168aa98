"""The desktop's end of a bridge: a dashboard elsewhere on one side, the SAMP hub of this desktop on the other.

All connections are made from here. The dashboard is not trusted further than needed: of what it sends only loads of
tables and images, selections and positions are passed on, files come from its own address alone, are bounded, and
reach applications as files. Upwards go rows of tables that came over the bridge, and positions; nothing else that is
said at the hub.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from stoa.errors import StoaError
from stoa.vo.samp import (
    HIGHLIGHT,
    LOAD_FITS,
    LOAD_IMAGE,
    LOAD_VOTABLE,
    POINT_AT,
    ROW_LIST,
    Hub,
    Message,
    SampError,
    address_of,
)
from stoa.vo.web import Question, ServiceError

PATH = "/stoa/bridge"

MOST_UP = 8_000_000
"""Bytes that a bridge sends at once."""

MOST_EVENTS = 20
MOST_ROWS = 500_000
"""Rows of a selection; more are not passed on."""

MOST_FILE = 1_000_000_000
"""Bytes of a table or image that is fetched."""

MOST_ANSWER = 16_000_000
PAUSES_S = (0.5, 1, 2, 5, 10)
"""Before the dashboard is asked again after it did not answer; the last one from then on."""

_LOADS = {LOAD_FITS: "table-id", LOAD_VOTABLE: "table-id", LOAD_IMAGE: "image-id"}
_TRIES, _PAUSE_S = 15, 0.2  # TOPCAT says that it has a table some time before it can select rows of it
_ENDING = re.compile(r"\.(fits|fit|vot)(\.gz|\.fz)?$")
_CREDENTIALS = re.compile(r"[A-Za-z0-9_.=-]{20,2000}")
OURS = "stoa-"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message for the applications of a desktop."""

    seq: int
    mtype: str
    params: dict[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a bridge tells the dashboard."""

    kind: Literal["picked", "point", "done", "problem", "applications"]
    sender: str = ""
    table: str = ""
    rows: list[int] = []
    is_subset: bool = False
    ra: float = 0.0
    dec: float = 0.0
    words: str = ""


class RefusedError(ServiceError):
    """The dashboard does not take the token."""


class Line:
    """The connection with a dashboard.

    Parameters
    ----------
    address
        As it is in the browser; what comes after host and port does not matter.
    token
        As the dashboard shows it.

    Raises
    ------
    StoaError
        If the address is none of HTTP, or the token cannot be one.
    """

    def __init__(self, address: str, token: str) -> None:
        if not _CREDENTIALS.fullmatch(token):
            raise StoaError("this is not a token of a dashboard", "the dashboard's sidebar shows one, below TOPCAT")
        parts = urlsplit(address)
        self.base = f"{parts.scheme}://{parts.netloc}"
        self._token = token

    def messages(self, after: int | None) -> tuple[int, list[Told]]:
        """What the dashboard has for the desktop; waits until there is something, or some seconds."""
        where = PATH if after is None else f"{PATH}?after={after}"
        content = self._content("GET", where, MOST_ANSWER)
        try:
            found = msgspec.json.decode(content, type=_Answer)
        except (msgspec.DecodeError, RecursionError):
            raise ServiceError(f"{self.base} does not answer as a dashboard of STOA does") from None
        return found.last, found.messages

    def say(self, events: list[Event]) -> None:
        """Tell the dashboard what has happened."""
        self._content("POST", PATH, MOST_ANSWER, data=msgspec.json.encode(events))

    def fetch(self, path: str, folder: Path) -> Path:
        """A file that the dashboard offers, as a file of this machine."""
        if not path.startswith("/stoa/") or "\\" in path:
            raise ServiceError("the dashboard names a file elsewhere, which is not fetched")
        ending = _ENDING.search(urlsplit(path).path)
        file = folder / f"{secrets.token_hex(8)}{ending[0] if ending else '.fits'}"
        file.write_bytes(self._content("GET", path, MOST_FILE))
        return file

    def _content(self, method: str, path: str, most: int, **given: Any) -> bytes:
        """The content of an answer; each question has a connection of its own, as two threads ask."""
        with Question(self.base) as question:
            bearer = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            response = question.ask(method, f"{self.base}{path}", follow=False, headers=bearer, **given)
            if response.status_code in (401, 403):
                raise RefusedError(
                    f"{self.base} does not let this bridge in: {question.words(response)[:200]}",
                    "copy a new token from the dashboard's sidebar, below TOPCAT",
                )
            if response.status_code not in (200, 204):
                raise ServiceError(f"{self.base} answers {response.status_code}: {question.words(response)[:200]}")
            return question.content(response, most)


class _Answer(msgspec.Struct, frozen=True):
    last: int
    messages: list[Told]


class Bridge:
    """Passes messages between a dashboard and the hub of this desktop.

    Parameters
    ----------
    folder
        Where files are kept that came, for as long as the bridge is there.
    say
        Told in words what passes.
    """

    def __init__(self, line: Line, hub: Hub, folder: Path, say: Callable[[str], None]) -> None:
        self._line = line
        self._hub = hub
        self._folder = folder
        self._say = say

    def down(self, told: Told) -> None:
        """Pass a message on to the applications that take it, and tell the dashboard what became of it."""
        begun = time.monotonic()
        try:
            words = f"{self._passed_on(told)} ({time.monotonic() - begun:.1f} s)"
            event = Event(kind="done", words=words)
        except StoaError as problem:
            words = problem.message
            event = Event(kind="problem", words=words[:500])
        self._say(words)
        self._line.say([event])

    def _passed_on(self, told: Told) -> str:
        params, name = self._checked(told)
        receivers = self._hub.receivers(told.mtype)
        if not receivers:
            raise SampError(f"no application on the desktop takes {told.mtype}")
        tries = _TRIES if told.mtype in (HIGHLIGHT, ROW_LIST) else 1
        took, problems = [], []
        for each in receivers:
            for number in range(tries):
                try:
                    self._hub.send(each, told.mtype, params)
                    took.append(each.name)
                    break
                except SampError as problem:
                    if number == tries - 1:
                        problems.append(problem)
                    else:
                        time.sleep(_PAUSE_S)
        if not took:
            raise problems[0]
        return f"{name}: {', '.join(took)}"

    def _checked(self, told: Told) -> tuple[dict[str, Any], str]:
        """A message as it may reach applications, and what it is called."""
        given = told.params

        def text(key: str) -> str:
            value = given.get(key)
            return value[:300] if isinstance(value, str) else ""

        if told.mtype in _LOADS:
            file = self._line.fetch(given["path"] if isinstance(given.get("path"), str) else "", self._folder)
            key = _LOADS[told.mtype]
            return {"url": address_of(file), "name": text("name"), key: text(key)}, f"sent {text('name')}"
        if told.mtype == HIGHLIGHT:
            return {"table-id": text("table-id"), "url": "", "row": str(_rows([given.get("row")])[0])}, "a row"
        if told.mtype == ROW_LIST:
            rows = given.get("row-list")
            listed = [str(row) for row in _rows(rows if isinstance(rows, list) else [])]
            return {"table-id": text("table-id"), "url": "", "row-list": listed}, f"{len(listed)} rows"
        if told.mtype == POINT_AT:
            ra, dec = position(given.get("ra"), given.get("dec"))
            return {"ra": repr(ra), "dec": repr(dec)}, "a position"
        raise SampError(f"the dashboard sent {told.mtype[:60]!r}, which is not passed on")

    def up(self, message: Message) -> None:
        """Tell the dashboard of rows that were picked, or a position."""
        event = event_of(message)
        if event is not None:
            self._say(f"{event.sender}: {'a position' if event.kind == 'point' else f'{len(event.rows)} rows'}")
            self._line.say([event])

    def applications(self) -> None:
        """Tell the dashboard who is there."""
        names = {each.name for kind in _LOADS for each in self._hub.receivers(kind)}
        self._line.say([Event(kind="applications", words="\n".join(sorted(names)))])


def event_of(message: Message) -> Event | None:
    """What a message of an application says about tables that came over a bridge, or about a place in the sky."""
    sender = message.sender[:60]
    if message.mtype == POINT_AT:
        try:
            ra, dec = position(message.text("ra"), message.text("dec"))
        except StoaError:
            return None
        return Event(kind="point", sender=sender, ra=ra, dec=dec)
    table = message.text("table-id")
    rows = message.rows()
    if not table.startswith(OURS) or len(rows) > MOST_ROWS:
        return None
    is_subset = message.mtype == ROW_LIST
    return Event(kind="picked", sender=sender, table=table[:100], rows=list(rows), is_subset=is_subset)


def position(ra: object, dec: object) -> tuple[float, float]:
    """Degrees as they came; `SampError` for what is no place in the sky."""
    try:
        found = float(ra), float(dec)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = 999.0, 999.0
    if not (-360 <= found[0] <= 360 and -90 <= found[1] <= 90):
        raise SampError("a position is not a place in the sky")
    return found[0] % 360, found[1]


def _rows(given: list[object]) -> list[int]:
    """Rows that are counted from 0."""
    rows = [row for row in given if isinstance(row, int) and not isinstance(row, bool) and 0 <= row < 1 << 31]
    if not rows or len(rows) != len(given) or len(rows) > MOST_ROWS:
        raise SampError("the dashboard sent rows that are no rows")
    return rows


@contextmanager
def folder_for_files(place: Path) -> Iterator[Path]:
    """A folder of its own for the files of one bridge, which ends with it."""
    place.mkdir(mode=0o700)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Upwards(threading.Thread):
    """Passes up what is picked, until the hub or the bridge ends.

    Attributes
    ----------
    problem
        Why it ended early, if it did.
    """

    def __init__(self, bridge: Bridge, hub: Hub) -> None:
        super().__init__(name="stoa bridge up", daemon=True)
        self._bridge = bridge
        self._hub = hub
        self.listening = threading.Event()
        self.problem: StoaError | None = None

    def run(self) -> None:
        try:
            for message in self._hub.messages(HIGHLIGHT, ROW_LIST, POINT_AT, started=self.listening.set):
                try:
                    self._bridge.up(message)
                except RefusedError:
                    return  # the other direction says so
                except ServiceError:
                    continue  # what was picked while the dashboard was away is lost
        except StoaError as problem:
            self.problem = problem
        finally:
            self.listening.set()
