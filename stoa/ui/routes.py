"""What the dashboard's port answers beside Streamlit: pages of viewers, pixels, tables, files. All of it only reads."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from stoa.errors import StoaError
from stoa.model import FileRef
from stoa.project import Project
from stoa.sources import images
from stoa.ui import bridge, libraries, services
from stoa.ui.door import real_file
from stoa.ui.links import signed, taken
from stoa.workspace.open import Workspace

KEEP = "private, max-age=31536000, immutable"
BRIEFLY = "private, max-age=3600"
KNOWN_S = 5.0
"""For this long the settings of the project are not read again."""

VIEWER = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""Policy of the viewer's page: whatever its libraries have in mind, no request leaves this server."""

PAGES = Path(__file__).with_name("web")


def routes(project: Path) -> list[BaseRoute]:
    """All own routes; each takes GET alone."""
    made: dict[str, Callable[[Request], Response]] = {
        "/stoa/viewer": _viewer,
        "/stoa/lib/{path:path}": _library,
        "/stoa/web/{name}": _own,
        "/stoa/image/{token}": partial(_image, project),
        "/stoa/thumb/{token}": partial(_thumb, project),
        "/stoa/product/{token}/{name}": partial(_product, project),
        "/stoa/table/{token}/{name}": _table,
    }
    return [bridge.route(), services.route(project), *(_Answer(path, answer) for path, answer in made.items())]


class _Answer(Route):
    """A route whose answer is made in a thread; errors are explained in words that say nothing about this machine."""

    def __init__(self, path: str, answer: Callable[[Request], Response]) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                return await to_thread.run_sync(answer, request)
            except _Refused as refused:
                return Response(str(refused), 403, media_type="text/plain")
            except StoaError as problem:
                return Response(problem.message, 404, media_type="text/plain")

        super().__init__(path, endpoint, methods=["GET"])


class _Refused(Exception):
    """A link that was not made here, or has expired."""


def _asked(kind: str, request: Request) -> tuple[str, ...]:
    try:
        return signed(kind, request.path_params["token"])
    except StoaError as problem:
        raise _Refused(problem.message) from None


def _viewer(_request: Request) -> Response:
    if not libraries.has_viewer():
        raise StoaError("this build has no viewer")
    text = (PAGES / "viewer.html").read_text(encoding="utf-8").replace("{js9}", libraries.address("js9"))
    return Response(
        text, media_type="text/html", headers={"Content-Security-Policy": VIEWER, "Cache-Control": "no-cache"}
    )


def _library(request: Request) -> Response:
    return FileResponse(libraries.file(request.path_params["path"]), headers={"Cache-Control": KEEP})


def _own(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {file.name for file in PAGES.iterdir() if file.suffix in (".js", ".css", ".png")}:
        raise StoaError("there is no such file")
    return FileResponse(PAGES / name, headers={"Cache-Control": "no-cache"})


def _image(project: Path, request: Request) -> Response:
    ref, sha256 = _asked("image", request)
    asked = request.query_params.get("channel", "")
    if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 8):
        raise StoaError("channel must be a whole number")
    file = _file(_settings(project, int(time.monotonic() // KNOWN_S)), ref, sha256)
    content = _plane(file, images.content_key(file, sha256), int(asked) if asked else None)
    return Response(content, media_type="application/fits", headers={"Cache-Control": KEEP if sha256 else BRIEFLY})


@lru_cache(maxsize=2)
def _settings(project: Path, _when: int) -> Project:
    """The project's roots; reading them for each of a thousand thumbnails would take longer than the thumbnails."""
    return Workspace(project).project


@lru_cache(maxsize=16)
def _plane(file: Path, _key: str, channel: int | None) -> bytes:
    return images.plane(file, channel)


def _thumb(project: Path, request: Request) -> Response:
    ref, sha256, size = _asked("thumb", request)
    here = _settings(project, int(time.monotonic() // KNOWN_S))
    try:
        content = images.thumbnail(_file(here, ref, sha256), here.cache, sha256, size)
    except StoaError:
        content = _travelled(project, sha256)
        if not content:
            raise
    return Response(content, media_type="image/png", headers={"Cache-Control": KEEP if sha256 else BRIEFLY})


def _file(project: Project, ref: str, sha256: str) -> Path:
    """A file where it really is, or the copy of it that was fetched."""
    try:
        return real_file(project, ref)
    except StoaError:
        kept = project.kept_product(FileRef(path=ref, sha256=sha256))
        if sha256 and kept.is_file() and not kept.is_symlink():
            return kept
        raise


def _travelled(project: Path, sha256: str) -> bytes:
    """The thumbnail that came with the records, b"" without one."""
    ws = Workspace(project)
    try:
        return ws.thumbnails.find(sha256) or b""
    finally:
        ws.close()


def _product(project: Path, request: Request) -> Response:
    """A file as a download: what a script has written is never shown as a page."""
    ref = _asked("product", request)[0]
    file = real_file(_settings(project, int(time.monotonic() // KNOWN_S)), ref)
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "no-store"}
    return FileResponse(file, media_type="application/octet-stream", filename=file.name, headers=headers)


def _table(request: Request) -> Response:
    found = taken(_asked("table", request)[0])
    kind = found.media_type or mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{_ascii(found.name)}"'}
    return Response(found.content, media_type=kind, headers=headers)


def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
