"""moto's S3 server, `s3_service.py PORT`, which refuses an upload that was cut off.

S3 does so; moto by itself stores what has come. Its server takes the end of a connection for the end of the headers
too, so that a request without a length may have been cut off as well.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

ERROR = "<Error><Code>{0}</Code><Message>{0}</Message></Error>"


class WholeUploads:
    """A WSGI application that gets whole bodies only."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, request: dict[str, Any], respond: Callable[..., object]) -> Iterable[bytes]:
        length = request.get("CONTENT_LENGTH")
        if not length and request["REQUEST_METHOD"] == "PUT":
            return refused(respond, "411 Length Required", "MissingContentLength")
        if length:
            body = request["wsgi.input"].read(int(length))
            if len(body) < int(length):
                return refused(respond, "400 Bad Request", "IncompleteBody")
            request["wsgi.input"] = io.BytesIO(body)
        return self.application(request, respond)


def refused(respond: Callable[..., object], status: str, code: str) -> list[bytes]:
    respond(status, [("Content-Type", "application/xml")])
    return [ERROR.format(code).encode()]


if __name__ == "__main__":
    service = WholeUploads(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), service, threaded=True)
