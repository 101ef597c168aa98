"""A service on a port: it reads, it is bounded, and by default only this machine reaches it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from stoa.errors import StoaError
from stoa.vo.cone_service import Reply

MOST_CONNECTIONS = 64
MOST_BODY = 1 << 16
"""Bytes of a question that is sent by POST."""

MOST_PARAMETERS = 100
PATIENCE_S = 30
"""How long a client may say nothing, and take nothing."""

Answer = Callable[[str, dict[str, list[str]], str], Reply]


class Server(ThreadingHTTPServer):
    """Serves a service until it is told to stop.

    Parameters
    ----------
    port
        0 for any free one.
    answer
        What a path and parameters get, as `ConeService.answer`.

    Raises
    ------
    StoaError
        If the port cannot be used.
    """

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.answer = answer
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        try:
            super().__init__((host, port), _Handler)
        except OSError as problem:
            raise StoaError(
                f"port {port} of {host} cannot be used: {problem.strerror}", "`--port 0` takes any free one"
            ) from None
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self.server_port}"
        is_private = host in ("127.0.0.1", "::1", "localhost")
        self.names = (
            {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost", "[::1]")} if is_private else None
        )

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread, or say that there are too many."""
        if not self._free.acquire(blocking=False):
            with suppress(OSError):
                request.sendall(
                    b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave clients that have gone without a trace."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "STOA"
    sys_version = ""
    timeout = PATIENCE_S
    wbufsize = -1  # headers and content in one packet: a client waits 40 ms before it acknowledges half an answer
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_HEAD(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal() and int(length) <= MOST_BODY):
            self.close_connection = True
            self._send(Reply(413, "text/plain; charset=utf-8", b"The body is too long, or its length is missing.\n"))
            return
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        self._answer("&".join(filter(None, (urlsplit(self.path).query, body))))

    def _answer(self, query: str) -> None:
        host = self.headers.get("Host", "")
        if self.server.names is not None and host.lower() not in self.server.names:  # a page that poses as us
            self._send(Reply(403, "text/plain; charset=utf-8", b"This service is for this machine alone.\n"))
            return
        try:
            given = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
        except ValueError:
            self._send(Reply(400, "text/plain; charset=utf-8", b"There are too many parameters.\n"))
            return
        address = f"http://{host}" if self.server.names is None and host else self.server.address
        self._send(self.server.answer(unquote(urlsplit(self.path).path), given, address))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type)
        self.send_header("X-Content-Type-Options", "nosniff")
        is_wanted = self.command != "HEAD"
        if isinstance(reply.content, bytes):
            self._end_headers(len(reply.content))
            if is_wanted:
                self.wfile.write(reply.content)
        elif isinstance(reply.content, Path):
            with reply.content.open("rb") as file:
                self._end_headers(reply.content.stat().st_size)
                if is_wanted:
                    shutil.copyfileobj(file, self.wfile)
        else:
            self.close_connection = True
            chunked = self.request_version != "HTTP/1.0"
            self.send_header("Transfer-Encoding" if chunked else "Connection", "chunked" if chunked else "close")
            self.end_headers()
            for piece in reply.content() if is_wanted else ():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if is_wanted and chunked:
                self.wfile.write(b"0\r\n\r\n")

    def _end_headers(self, length: int) -> None:
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *words: Any) -> None:  # noqa: A002 - named by the base class
        """Say nothing on the terminal."""
