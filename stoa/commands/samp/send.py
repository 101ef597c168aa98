"""Tables and images sent to applications on the desktop."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.tables import write_table
from stoa.durable import make_folder
from stoa.errors import StoaError, guess
from stoa.meta.select import main_image
from stoa.opening import regular
from stoa.sources.files import label
from stoa.sources.stack import sources_of
from stoa.vo.samp import LOAD_FITS, LOAD_IMAGE, LOAD_VOTABLE, Application, Hub, NoHubError, address_of, connected
from stoa.workspace.open import Workspace
from stoa.workspace.targets import known_target

if TYPE_CHECKING:
    from astropy.table import Table

MOST_VOTABLE_ROWS = 5000
"""More rows than this go as FITS, which is written 50 times as fast."""


class SendReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent, and to whom."""

    what: str  # table or image
    name: str
    files: tuple[str, ...]
    rows: int  # of a table
    applications: tuple[str, ...]


def send(
    ws: Workspace, source: str, *, to: str = "", group: str = "", keep: Iterable[str] = (), quality: bool = False
) -> SendReport:
    """Send a table of sources, or the image of a target, to applications on the desktop.

    Parameters
    ----------
    source
        A table file, a target (its image is sent), or a run or ``PROCESS@SET`` (its stacked sources are sent).
    to
        Name of an application, or a part of it; "" for all that take what is sent.
    group
        Image group of the target.

    Raises
    ------
    NoHubError
        If no hub is there; the file is written all the same, and the message names it.
    SampError
        If an application refuses.
    """
    if source in ws.targets and not Path(source).is_file():
        file = _image_of(ws, source, group)
        return _deliver("image", f"{source} {group}".strip(), (LOAD_IMAGE,), lambda _kind: file, to)
    table = sources_of(ws, source, keep, quality=quality)
    kinds = (LOAD_VOTABLE, LOAD_FITS) if len(table) <= MOST_VOTABLE_ROWS else (LOAD_FITS, LOAD_VOTABLE)
    written = cache(lambda kind: _written(ws, table, kind))
    try:
        written(kinds[0])
    except CatalogueError:  # text that FITS lacks
        kinds = kinds[::-1]
    return _deliver("table", label(source), kinds, written, to, len(table))


def _deliver(
    what: str, name: str, kinds: tuple[str, ...], file_of: Callable[[str], Path], to: str, rows: int = 0
) -> SendReport:
    """Send a file to each application as the first kind of message that it takes."""
    first = file_of(kinds[0])
    identity = f"stoa-{first.stem if what == 'table' else 'image'}-{secrets.token_hex(4)}"  # no one takes one twice
    files: dict[Path, None] = {}
    try:
        with connected() as hub:
            chosen = _chosen(hub, what, kinds, to)
            for application, kind in chosen:
                file = file_of(kind)
                hub.send(application, kind, {"url": address_of(file), "name": name, f"{what}-id": identity})
                files[file] = None
    except NoHubError as problem:
        raise NoHubError(f"{problem.message}; the {what} is in {first}", problem.hint) from problem
    return SendReport(
        what=what, name=name, files=tuple(map(str, files)), rows=rows,
        applications=tuple(application.name for application, _ in chosen),
    )  # fmt: skip


def _chosen(hub: Hub, what: str, kinds: tuple[str, ...], to: str) -> list[tuple[Application, str]]:
    """Applications, each with the first kind of message that it takes."""
    found: dict[str, tuple[Application, str]] = {}
    for kind in kinds:
        for application in hub.receivers(kind):
            found.setdefault(application.id, (application, kind))
    names = sorted({application.name for application, _ in found.values()})
    if not found:
        raise StoaError(f"no application at the SAMP hub takes {what}s", "TOPCAT takes tables, DS9 and Aladin images")
    named = [each for each in found.values() if each[0].name.lower() == to.lower()]
    chosen = named or [each for each in found.values() if to.lower() in each[0].name.lower()]  # DS9 is SAOImageDS9
    if not chosen:
        raise StoaError(
            f"no application {to!r} at the SAMP hub takes {what}s{guess(to, names)}", f"there are: {', '.join(names)}"
        )
    return sorted(chosen, key=lambda each: each[0].name.lower())


def _written(ws: Workspace, table: Table, kind: str) -> Path:
    """The table as a file that never changes, since an application may read it again at any time.

    Raises
    ------
    CatalogueError
        If FITS lacks characters of it.
    """
    suffix = ".vot" if kind == LOAD_VOTABLE else ".fits"
    make_folder(ws.project.sent)
    aside = ws.project.sent / f"new-{secrets.token_hex(6)}{suffix}"
    try:
        write_table(table, aside)
        digest = hashlib.sha256(aside.read_bytes()).hexdigest()[:16]
        return aside.replace(ws.project.sent / f"{digest}{suffix}")
    finally:
        aside.unlink(missing_ok=True)


def _image_of(ws: Workspace, target: str, group: str) -> Path:
    """The image that stands for a target or an image group, as processes would take it."""
    listed = known_target(ws, target)
    document = ws.document(target)
    if document is None:
        raise StoaError(f"target {target!r} has no metadata yet", "`stoa meta build` describes its files")
    entry = main_image(document, group)
    if entry is None:
        words = f" in the group {group!r}" if group else ""
        raise StoaError(f"target {target!r} has no image{words}", f"`stoa meta show {target}` lists its images")
    file = ws.project.file(f"{listed.root}:{listed.path}/{entry.name}")
    try:
        return regular(file)
    except OSError:
        raise StoaError(f"the image of {target} is not on this machine: {file}") from None
