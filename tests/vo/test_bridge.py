"""`stoa samp bridge` between real routes of the dashboard, served by uvicorn, and a real hub."""

from __future__ import annotations

import io
import json
import secrets
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
import uvicorn
from astropy.table import Table
from itsdangerous import URLSafeTimedSerializer
from joined import Joined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from survey import wait_for

from stoa.errors import StoaError
from stoa.ui import bridge, links
from stoa.ui.guard import Guard
from stoa.ui.routes import routes
from stoa.vo.bridge import PATH, Bridge, Line, Told, event_of
from stoa.vo.samp import HIGHLIGHT, LOAD_FITS, LOAD_IMAGE, POINT_AT, ROW_LIST, Message


class Dashboard:
    """The routes of a dashboard on a port, which can be closed and opened again."""

    def __init__(self, top: Path) -> None:
        guard = Middleware(Guard, names=["localhost", "127.0.0.1"])
        self._app = Starlette(routes=routes(top), middleware=[guard])
        self.port = 0
        self.open()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        config = uvicorn.Config(self._app, port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_for(lambda: self._server.started, "the dashboard")
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def dashboard(survey) -> Iterator[Dashboard]:
    made = Dashboard(survey.top)
    yield made
    made.close()


@pytest.fixture
def channel() -> bridge.Channel:
    return bridge.channel(secrets.token_hex(4))


@pytest.fixture
def joined(hub, dashboard, channel) -> Iterator[Joined]:
    made = Joined(f"{dashboard.address}/review?pair=x", channel.token())
    made.says("joined")
    yield made
    made.end()


def a_table() -> str:
    content = io.BytesIO()
    Table({"target": ["a", "b"], "ra": [1.0, 2.0]}).write(content, format="fits")
    return links.offer("sources.fits", "application/fits", content.getvalue())


def last_words(channel: bridge.Channel) -> tuple[str, str]:
    wait_for(lambda: channel.events(0), "words of the bridge", 60)
    event = channel.events(0)[-1][1]
    return event.kind, event.words


def test_a_table_of_the_dashboard_reaches_the_desktop(dashboard, channel, desktop, joined):
    topcat = desktop("topcat", LOAD_FITS)
    channel.tell(LOAD_FITS, {"path": a_table(), "name": "sources", "table-id": "stoa-1"})
    mtype, params = topcat.next()
    assert (mtype, params["name"], params["table-id"]) == (LOAD_FITS, "sources", "stoa-1")
    file = Path(unquote(urlsplit(params["url"]).path))
    assert [str(name) for name in Table.read(file)["target"]] == ["a", "b"]
    kind, words = last_words(channel)
    assert kind == "done"
    assert words.startswith("sent sources: topcat (")
    assert joined.end() == 0
    assert not file.exists()  # it keeps nothing


def test_an_image_a_selection_and_a_position_go_down_too(survey, channel, desktop, joined):
    (survey.top / "data/a/image.fits").write_bytes(b"SIMPLE")
    ds9 = desktop("SAOImageDS9", LOAD_IMAGE, POINT_AT, ROW_LIST, HIGHLIGHT)
    channel.tell(LOAD_IMAGE, {"path": links.sign("product", "data:a/image.fits"), "name": "a", "image-id": "stoa-2"})
    assert ds9.next()[1]["name"] == "a"
    channel.tell(POINT_AT, {"ra": 187.25, "dec": -2.5})
    assert ds9.next() == (POINT_AT, {"ra": "187.25", "dec": "-2.5"})
    channel.tell(ROW_LIST, {"table-id": "stoa-1", "row-list": [0, 7]})
    assert ds9.next() == (ROW_LIST, {"table-id": "stoa-1", "url": "", "row-list": ["0", "7"]})
    channel.tell(HIGHLIGHT, {"table-id": "stoa-1", "row": 3})
    assert ds9.next() == (HIGHLIGHT, {"table-id": "stoa-1", "url": "", "row": "3"})


def test_what_is_picked_on_the_desktop_comes_back(channel, desktop, joined):
    topcat = desktop("topcat")
    topcat.says(ROW_LIST, url="file:///home/ada/private.fits", row_list=["1"])  # not ours: stays on the desktop
    topcat.says(HIGHLIGHT, table_id="stoa-1", row="4")
    topcat.says(ROW_LIST, table_id="stoa-1", row_list=["0", "2"])
    topcat.says(POINT_AT, ra="-10", dec="20.5")
    wait_for(lambda: len(channel.events(0)) == 3, "three events", 60)
    row, subset, point = [event for _, event in channel.events(0)]
    assert (row.kind, row.sender, row.table, row.rows, row.is_subset) == ("picked", "topcat", "stoa-1", [4], False)
    assert (subset.rows, subset.is_subset) == ([0, 2], True)
    assert (point.kind, point.ra, point.dec) == ("point", 350.0, 20.5)


def test_the_dashboard_knows_who_is_there(channel, desktop, hub, dashboard):
    desktop("topcat", LOAD_FITS)
    assert not channel.is_connected
    joined = Joined(dashboard.address, channel.token())
    joined.says("joined")
    wait_for(lambda: channel.applications == ("topcat",), "the applications", 60)
    assert channel.is_connected
    assert joined.end(signal.SIGTERM) == 0


def test_a_dashboard_that_was_away_is_joined_again_and_nothing_is_lost(dashboard, channel, desktop, joined):
    topcat = desktop("topcat", LOAD_FITS)
    dashboard.close()
    joined.says("trying again")
    channel.tell(LOAD_FITS, {"path": a_table(), "name": "late", "table-id": "stoa-3"})
    dashboard.open()
    joined.says("answers again")
    assert topcat.next()[1]["name"] == "late"


def test_a_token_that_was_renewed_ends_the_bridge(channel, joined):
    channel.renew()
    wait_for(lambda: joined.process.poll() is not None, "its end", 60)
    assert joined.end() == 1
    assert "does not let this bridge in: this token is not valid any more" in " ".join(joined.lines)


def test_without_a_hub_or_a_dashboard_a_sentence_says_so(lockfile, dashboard, channel):
    joined = Joined(dashboard.address, channel.token())
    assert joined.process.wait(60) == 1
    joined.end()
    assert joined.lines[0] == "error: there is no SAMP hub on this desktop"
    joined = Joined("http://127.0.0.1:9", channel.token())
    assert joined.process.wait(60) == 1
    joined.end()
    assert joined.lines[0].startswith("error: http://127.0.0.1:9 does not answer")


@pytest.mark.parametrize("token", ["", "short", "x" * 40, "a\nHost: elsewhere" * 4])
def test_what_is_no_token_is_refused(dashboard, hub, token):
    joined = Joined(dashboard.address, token)
    assert joined.process.wait(60) == 1
    joined.end()
    assert joined.lines[0].startswith("error: ")
    assert "Traceback" not in "".join(joined.lines)


def status(address: str, headers: dict[str, str], body: bytes | None = None) -> int:
    request = urllib.request.Request(f"{address}{PATH}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return int(refused.code)


def test_only_tokens_of_this_dashboard_that_are_new_let_in(dashboard, channel, monkeypatch):
    good = channel.token()

    def with_token(token: str, **more: str) -> int:
        return status(dashboard.address, {"Authorization": f"Bearer {token}", **more})

    assert with_token(good) == 200
    forged = URLSafeTimedSerializer(b"x" * 32, salt="stoa bridge").dumps((channel.name, channel._generation))
    head, _, signature = good.rpartition(".")
    other = links.token("bridge", "nobody", channel._generation)
    for bad in (forged, head, f"{head}.{signature[::-1]}", links.token("table", channel.name, "x"), other, ""):
        assert with_token(bad) == 401
    for more in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-origin"}, {"Host": "evil.example"}):
        assert with_token(good, **more) in (400, 401, 403)
    assert status(dashboard.address, {}) == 401
    assert status(dashboard.address, {"Authorization": f"Basic {good}"}) == 401
    monkeypatch.setitem(links.VALID_S, "bridge", -1)
    assert with_token(good) == 401


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", 204),
        (b"{}", 400),
        (b"[" * 100_000, 400),
        (b'[{"kind": "run"}]', 400),
        (b'[{"kind": "picked", "rows": ["1"]}]', 400),
        (b'[{"kind": "picked", "rows": [1e400]}]', 400),
        (b"[" + b" " * 9_000_000 + b"]", 413),
    ],
)
def test_what_a_bridge_says_is_checked(dashboard, channel, body, code):
    assert status(dashboard.address, {"Authorization": f"Bearer {channel.token()}"}, body) == code
    assert channel.events(0) == []


class _Nowhere:
    """A line to a dashboard that would send anything; what it is told is kept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, events: list) -> None:
        self.said += [event.kind for event in events]

    fetch = Line.fetch


@pytest.mark.parametrize(
    ("mtype", "params"),
    [
        ("samp.app.quit", {}),
        ("client.env.get", {"name": "HOME"}),
        ("ds9.set", {"cmd": "exit"}),
        (LOAD_FITS, {"url": "file:///etc/passwd"}),
        (LOAD_FITS, {"path": "//elsewhere.example/stoa/x"}),
        (LOAD_FITS, {"path": "file:///etc/passwd"}),
        (LOAD_FITS, {"path": "@elsewhere.example/stoa/x"}),
        (LOAD_FITS, {"path": ["/stoa/table"]}),
        (ROW_LIST, {"table-id": "stoa-1", "row-list": ["0"]}),
        (ROW_LIST, {"table-id": "stoa-1", "row-list": [-1]}),
        (ROW_LIST, {"table-id": "stoa-1", "row-list": [True]}),
        (ROW_LIST, {"table-id": "stoa-1"}),
        (HIGHLIGHT, {"row": None}),
        (POINT_AT, {"ra": "nan", "dec": 0}),
        (POINT_AT, {"ra": 1}),
    ],
)
def test_a_dashboard_that_means_harm_reaches_no_application(tmp_path, desktop, mtype, params):
    from stoa.vo.samp import connected

    victim = desktop("victim", "samp.app.quit", "client.env.get", "ds9.set", LOAD_FITS, ROW_LIST, HIGHLIGHT, POINT_AT)
    line = _Nowhere()
    with connected() as connection:
        Bridge(line, connection, tmp_path, lambda _words: None).down(Told(seq=1, mtype=mtype, params=params))
    assert line.said == ["problem"]
    assert victim.taken.empty()


@pytest.mark.parametrize(
    ("mtype", "params"),
    [
        (HIGHLIGHT, {"row": "1"}),
        (HIGHLIGHT, {"table-id": "mine", "row": "1"}),
        (ROW_LIST, {"table-id": ["stoa-1"], "row-list": ["1"]}),
        (ROW_LIST, {"table-id": "stoa-1", "row-list": ["1"] * 500_001}),
        (POINT_AT, {"ra": "1", "dec": "91"}),
        (POINT_AT, {"ra": "inf", "dec": "0"}),
        (POINT_AT, {"ra": ["1"], "dec": "0"}),
        (POINT_AT, {}),
    ],
)
def test_what_a_hub_says_that_is_none_of_our_business_stays_on_the_desktop(mtype, params):
    assert event_of(Message(mtype, "topcat", params)) is None


def test_an_answer_that_is_none_is_an_error(dashboard):
    class Odd(Line):
        def _content(self, *_words: object, **_given: object) -> bytes:
            return json.dumps({"last": "x"}).encode()

    with pytest.raises(StoaError, match="does not answer as a dashboard"):
        Odd(dashboard.address, "x" * 30).messages(None)


def test_events_are_kept_in_order_and_bounded(channel):
    for number in range(bridge.KEPT + 5):
        channel.hear([msgspec.convert({"kind": "point", "ra": number}, bridge.Event)])
    kept = channel.events(0)
    assert [event.ra for _, event in kept] == [float(n) for n in range(5, bridge.KEPT + 5)]
    assert channel.events(kept[-1][0]) == []


class _Liar(BaseHTTPRequestHandler):
    status, headed, body = 200, ("X", "y"), b""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header(*self.headed)
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):  # who asked may have had enough
            self.wfile.write(self.body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[tuple[type[_Liar], Line]]:
    """A server that is no dashboard, and a line to it."""
    made = type("Liar", (_Liar,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made, Line(f"http://127.0.0.1:{server.server_port}", "x" * 30)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "headed", "body"),
    [
        (302, ("Location", "file:///etc/passwd"), b""),
        (302, ("Location", "http://127.0.0.1:9/"), b""),
        (200, ("X", "y"), b"x" * 2_000_000),
        (200, ("Content-Length", "5000000"), b"x"),
        (200, ("Content-Length", "500"), b"x"),
        (404, ("X", "y"), b"gone"),
        (401, ("X", "y"), b"no"),
    ],
)
def test_a_server_that_lies_gives_no_file(liar, tmp_path, monkeypatch, status, headed, body):
    made, line = liar
    made.status, made.headed, made.body = status, headed, body
    monkeypatch.setattr("stoa.vo.bridge.MOST_FILE", 1_000_000)
    with pytest.raises(StoaError):
        line.fetch("/stoa/table/x/y.fits", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"last": 1, "messages": [{"seq": 1}]}',
        b'{"last": "1", "messages": []}',
        b'{"last": 1, "messages": ' + b"[" * 100_000,
        b'{"last": 1, "messages": [{"seq": 1, "mtype": 5, "params": {}}]}',
    ],
)
def test_a_server_that_lies_gives_no_messages(liar, body):
    made, line = liar
    made.body = body
    with pytest.raises(StoaError, match="does not answer as a dashboard"):
        line.messages(3)
