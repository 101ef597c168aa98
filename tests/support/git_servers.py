"""Servers for git on loopback: smart HTTP through `git http-backend`, ssh through a wrapper or a real sshd."""

from __future__ import annotations

import getpass
import io
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ports import free_port

PASSED_ON = ("PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "CONTENT_TYPE", "HTTP_CONTENT_ENCODING")
SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))

Respond = Callable[[str, list[tuple[str, str]]], object]


class HttpHub:
    """Serves every bare repository of a folder; `before` and `after` see the path of each request.

    What they raise becomes a broken answer: before git has worked, or when it has.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = 0
        self.before: Callable[[str], None] = lambda _path: None
        self.after: Callable[[str], None] = lambda _path: None

    def url(self, name: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.port}/{name}"

    def __call__(self, request: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        path = f"{request['PATH_INFO']}?{request['QUERY_STRING']}"
        body = _body(request)
        self.before(path)
        environ = {name: request.get(name, "") for name in PASSED_ON} | {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.get("HTTP_GIT_PROTOCOL", ""),
            "REMOTE_USER": "tester",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
        }
        answer = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=False)
        self.after(path)
        head, _, content = answer.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if ": " in line]
        respond(dict(fields).get("Status", "200 OK"), [(a, b) for a, b in fields if a != "Status"])
        return [content]


def _body(request: dict[str, Any]) -> bytes:
    stream = request["wsgi.input"]
    if request.get("HTTP_TRANSFER_ENCODING", "").lower() != "chunked":
        return stream.read(int(request.get("CONTENT_LENGTH") or 0))
    parts = []
    while size := int(stream.readline().split(b";")[0], 16):
        parts.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(parts)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Say nothing: a test provokes errors on purpose."""

    def get_stderr(self) -> Any:
        return io.StringIO()


@contextmanager
def http_hub(root: Path) -> Iterator[HttpHub]:
    """A server on a free port of loopback."""
    hub = HttpHub(root)
    with make_server("127.0.0.1", 0, hub, server_class=_Server, handler_class=_Quiet) as server:
        hub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def ssh_wrapper(folder: Path) -> Path:
    """A program that takes ssh's place: it leaves out options and host and runs the command here."""
    script = folder / "fake-ssh"
    script.write_text(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do\n  case $1 in -G) exit 1;; -[opi]) shift 2;; -*) shift;; *) break;; esac\n"
        'done\nshift\nexec sh -c "$*"\n'
    )
    script.chmod(0o755)
    return script


@contextmanager
def real_sshd(folder: Path) -> Iterator[tuple[str, str]]:
    """A real sshd on loopback; gives ``user@host:port`` and the value for GIT_SSH_COMMAND."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    port = free_port()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    settings = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host", "PidFile": "none",
        "AuthorizedKeysFile": folder / "authorized", "UsePAM": "no", "StrictModes": "no", "MaxStartups": 100,
        "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "PermitRootLogin": "yes",
        "Subsystem": "sftp internal-sftp",
    }  # fmt: skip
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    log = folder / "sshd.log"
    server = subprocess.Popen([str(SSHD), "-D", "-f", str(folder / "sshd_config"), "-E", str(log)])
    try:
        _wait_for(port, server, log)
        options = f"-F none -i {folder}/user -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known"
        yield f"{getpass.getuser()}@127.0.0.1:{port}", f"ssh {options} -o BatchMode=yes"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"sshd does not answer: {log.read_text() if log.exists() else ''}")
