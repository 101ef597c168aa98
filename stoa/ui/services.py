"""Sources of a pair as a cone search service on the dashboard's port: the same service as `stoa vo serve`.

TOPCAT and its like bring no cookie, so that the address itself is signed, like every link of the dashboard. A service
follows the project: after a new commit it answers with what is current then.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from stoa.commands.vo.serve import cone_service
from stoa.errors import StoaError
from stoa.sources.stack import sources_of
from stoa.ui.links import signed, token
from stoa.vo.cone_service import ConeService, Reply
from stoa.vo.serving import MOST_BODY, MOST_PARAMETERS
from stoa.workspace.open import Workspace

KEPT = 3
"""Services whose tables are kept in memory."""

KNOWN_S = 5.0
"""For this long git is not asked again which commit is checked out."""

AT_ONCE = 8
"""Questions that are answered at the same time; others wait."""

PLAIN = "text/plain; charset=utf-8"


def address(source: str, keep: Sequence[str], *, quality: bool) -> str:
    """A relative address of a service, which is valid for half a day; ``/cone?`` and the others follow it."""
    return f"/stoa/vo/{token('vo', source, '1' if quality else '', *keep)}"


class Services:
    """The services of a project, each made when it is asked for first."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._made: OrderedDict[tuple[str, ...], ConeService] = OrderedDict()
        self._lock = Lock()

    def find(self, source: str, keep: tuple[str, ...], *, quality: bool) -> ConeService:
        """The service of a pair, with the cuts that were chosen."""
        commit = _commit(self._project, int(time.monotonic() // KNOWN_S))
        key = (commit, source, str(quality), *keep)
        with self._lock:  # two clients that ask for a new one wait for the same one
            if key not in self._made:
                self._made[key] = self._new(source, keep, quality=quality)
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]

    def _new(self, source: str, keep: tuple[str, ...], *, quality: bool) -> ConeService:
        """A service with a folder that ends with it, and with this program."""
        ws = Workspace(self._project)
        folder = tempfile.mkdtemp(prefix="stoa-vo-")
        try:
            made = cone_service(sources_of(ws, source, keep, quality=quality), source, Path(folder))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            ws.close()
        weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
        return made


@lru_cache(maxsize=2)
def _commit(project: Path, _when: int) -> str:
    ws = Workspace(project)
    try:
        return ws.repository.head()
    finally:
        ws.close()


def route(project: Path) -> Route:
    """The route of all services."""
    services = Services(project)
    limiter = CapacityLimiter(AT_ONCE)

    async def answer(request: Request) -> Response:
        try:
            source, quality, *keep = signed("vo", request.path_params["token"])
        except (StoaError, ValueError):
            return Response("this address was not made by this dashboard, or has expired\n", 403, media_type=PLAIN)
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BODY:
                return Response("the body is too long\n", 413, media_type=PLAIN)
        query = "&".join(filter(None, (request.url.query, body.decode("utf-8", "replace"))))
        try:
            given = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
        except ValueError:
            return Response("there are too many parameters\n", 400, media_type=PLAIN)
        here = f"{request.url.scheme}://{request.headers.get('host', '')}{request.url.path}"
        path = f"/{request.path_params['path']}"

        def found() -> Reply:
            service = services.find(source, tuple(keep), quality=bool(quality))
            return service.answer(path, given, here.removesuffix(path))

        try:
            return _response(await to_thread.run_sync(found, limiter=limiter))
        except StoaError as problem:
            return Response(f"{problem.message}\n", 404, media_type=PLAIN)

    return Route("/stoa/vo/{token}/{path:path}", answer, methods=["GET", "POST"])


def _response(reply: Reply) -> Response:
    headers = {"Cache-Control": "no-store"}
    if isinstance(reply.content, bytes):
        return Response(reply.content, reply.status, headers=headers, media_type=reply.media_type)
    if isinstance(reply.content, Path):
        return FileResponse(reply.content, reply.status, headers=headers, media_type=reply.media_type)
    return StreamingResponse(reply.content(), reply.status, headers=headers, media_type=reply.media_type)
