"""A small HTTP server whose answers a test writes: whole, late, cut, or lies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def a_votable(rows: str = "<TR><TD>Q1</TD><TD>10</TD><TD>-30</TD></TR>", before: str = "", after: str = "") -> bytes:
    return f"""<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">{before}
<TABLE><FIELD name="name" datatype="char" arraysize="*"/><FIELD name="ra" datatype="double" unit="deg"/>
<FIELD name="dec" datatype="double" unit="deg"/><DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE>{after}
</RESOURCE></VOTABLE>""".encode()


def an_error(message: str) -> bytes:
    return f"""<VOTABLE version="1.3"><RESOURCE type="results">
    <INFO name="QUERY_STATUS" value="ERROR">{message}</INFO></RESOURCE></VOTABLE>""".encode()


class Service(ThreadingHTTPServer):
    """A server whose answers are functions of a handler, by method and path; it remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Callable[[Handler], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def says(self, what: str, body: bytes, status: int = 200, **headers: str) -> None:
        self.answers[what] = lambda handler: handler.reply(body, status, **headers)

    def words(self) -> list[str]:
        return [what for what, _ in self.asked]

    def handle_error(self, *words: object) -> None:
        """Leave clients that have gone."""


class Handler(BaseHTTPRequestHandler):
    server: Service

    def answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        given = {name: values[0] for name, values in parse_qs(f"{parts.query}&{body}").items()}
        self.server.asked.append((f"{self.command} {parts.path}", given))
        self.server.answers.get(f"{self.command} {parts.path}", lambda handler: handler.reply(b"no such page", 404))(
            self
        )

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def running_service() -> Iterator[Service]:
    """One that answers until the end."""
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
