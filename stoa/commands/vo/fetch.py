"""Files of observations, downloaded into a root."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from stoa.catalogue.fields import member_id
from stoa.catalogue.tables import read_table
from stoa.durable import exclusive, make_file, make_folder, sync_folder, write_whole
from stoa.errors import StoaError
from stoa.meta import header
from stoa.meta.defects import Defect
from stoa.opening import open_regular
from stoa.vo import datalink
from stoa.vo.fetching import download, forget, refusal, safe_name
from stoa.vo.tars import unpack
from stoa.vo.web import Question
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    from astropy.table import Table

ASIDE = ".stoa-fetch"
"""Folder in the root for what is not complete, and for notes on what is."""

THIS = "#this"
_PIECE = 1 << 20
_FITS = (".fits", ".fit", ".fits.gz", ".fit.gz", ".fits.fz", ".fits.bz2")
_TARS = (".tar", ".tar.gz", ".tgz")
_FITS_TYPES = ("application/fits", "image/fits", "application/x-fits-bintable")
_TAR_TYPES = ("application/x-tar", "application/tar", "application/x-gtar", "application/x-gtar-compressed")
_HARMLESS = frozenset({Defect.ODD_NAME, Defect.EXTENSIONS_UNREAD, Defect.LENGTH_UNCHECKED})


class Came(StrEnum):
    """What became of a file."""

    FETCHED = "fetched"
    CONTINUED = "continued"  # a part was there from before
    THERE = "there"  # from before, nothing was asked
    FAILED = "failed"
    LISTED = "listed"  # nothing but its name was wanted


class FetchedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file."""

    url: str
    outcome: Came
    place: str = ""  # below the root
    size: int = 0  # bytes; of one that is listed, as its service says
    unpacked: int = 0  # files that were in it, if it is an archive
    reason: str = ""  # why it failed


class FetchReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was downloaded into a root."""

    root: str
    folder: str  # where the root is
    rows: int  # of the table
    files: tuple[FetchedFile, ...]

    @property
    def failed(self) -> int:
        """How many did not come."""
        return sum(file.outcome == Came.FAILED for file in self.files)


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A file to get."""

    url: str
    folder: str  # below the root
    name: str = ""  # where its address has none
    media_type: str = ""
    length: int = 0
    error: str = ""


def fetch(
    ws: Workspace,
    table: Path,
    root: str,
    *,
    service: str = "",
    semantics: str = THIS,
    only: str = "",
    patience_s: float = 86400.0,
    dry_run: bool = False,
    fetched: Callable[[FetchedFile], None] = lambda _file: None,
) -> FetchReport:
    """Download the files of a log's observations into a root, each into the folder of its observation.

    A file is there as a whole, looked at, or not at all: what did not come is continued the next time.

    Parameters
    ----------
    table
        A log with ``access_url`` (ObsCore), of files or of DataLink documents, such as `obscore` writes.
    service
        Address of a service on this machine or its network that the files may come from; all others have to be on
        the Internet.
    semantics
        Which files of DataLink documents are wanted.
    only
        Pattern of file names, such as ``*.pbcor.fits``; "" for all.
    patience_s
        How long one file may take.
    dry_run
        Look the files up, and download none.

    Raises
    ------
    StoaError
        If the table has no column ``access_url``, or the root has no folder on this machine.
    """
    ws.check_given(table)
    rows = read_table(table)
    if "access_url" not in rows.colnames:
        raise StoaError(f"{table} has no column access_url", "`stoa vo obscore` writes tables that have it")
    top = ws.project.root(root)
    if not top.is_dir():
        raise StoaError(f"root {root} is not there: {top}", f"`stoa root add {root} PATH` says where it is")
    aside = top / ASIDE
    if aside.is_symlink():
        raise StoaError(f"{aside} is a link, and downloads would be written where it leads", "remove it")
    make_folder(aside)
    question = _Asking(service, patience_s)
    made: list[FetchedFile] = []
    lock = aside / "lock"
    make_file(lock)
    with exclusive(lock, f"something else is being fetched into root {root}"):
        for wanted in _once(_wanted(rows, question, semantics)):
            if only and not wanted.error and not fnmatchcase(_name(wanted, ""), only):
                continue
            made.append(_get(wanted, top, aside, question, dry_run=dry_run))
            fetched(made[-1])
    return FetchReport(root=root, folder=str(top), rows=len(rows), files=tuple(made))


class _Asking:
    """Maker of conversations: with the service that the person named, or with any that is on the Internet."""

    def __init__(self, service: str, patience_s: float) -> None:
        self._service = service
        self._patience_s = patience_s

    def __call__(self, url: str) -> Question:
        return Question(self._service or url, self._patience_s, is_named=bool(self._service))


def _wanted(rows: Table, asking: _Asking, semantics: str) -> Iterator[_Wanted]:
    names = ("access_url", "access_format", "member_ous_uid", "obs_id", "obs_publisher_did")
    asked: set[str] = set()
    for written, media_type, member, observation, identity in zip(*(_cells(rows, name) for name in names), strict=True):
        url = written.strip()
        if not url or url in asked:
            continue
        asked.add(url)
        folder = _folder(member, observation or identity)
        if not datalink.is_datalink(media_type):
            yield _Wanted(url=url, folder=folder, name=safe_name(identity), media_type=media_type)
            continue
        try:
            for link in datalink.files(asking(url), url, semantics):
                yield _Wanted(
                    url=link.url or url, folder=folder, name=safe_name(identity), media_type=link.content_type,
                    length=link.length, error=link.error,
                )  # fmt: skip
        except StoaError as problem:
            yield _Wanted(url=url, folder=folder, error=problem.message)


def _cells(rows: Table, name: str) -> list[str]:
    """The texts of a column, empty ones where the table lacks it."""
    import numpy as np

    if name not in rows.colnames:
        return [""] * len(rows)
    return [str(text) for text in np.ma.filled(np.ma.asarray(rows[name]).astype(str), "").tolist()]


def _folder(member: str, observation: str) -> str:
    """Folder of an observation: by the member OUS, as in ALMA's own, else by its name."""
    uid = member_id(member)
    return f"member.uid___{uid}" if uid else safe_name(observation.replace("/", "_")) or "files"


def _once(wanted: Iterator[_Wanted]) -> Iterator[_Wanted]:
    seen: set[str] = set()
    for each in wanted:
        if each.error or each.url not in seen:
            seen.add(each.url)
            yield each


def _name(wanted: _Wanted, given: str) -> str:
    """Name of a file: what the service called it, or its address ends with, or its observation's."""
    return given or safe_name(unquote(urlsplit(wanted.url).path)) or wanted.name or "file"


def _get(wanted: _Wanted, top: Path, aside: Path, asking: _Asking, *, dry_run: bool) -> FetchedFile:
    place = f"{wanted.folder}/{_name(wanted, '')}"
    if wanted.error:
        return FetchedFile(url=wanted.url, outcome=Came.FAILED, reason=wanted.error)
    if dry_run:
        return FetchedFile(url=wanted.url, outcome=Came.LISTED, place=place, size=wanted.length)
    part = aside / hashlib.sha256(wanted.url.encode()).hexdigest()[:32]
    try:
        if there := _there(top, wanted, part):
            return there
        return _placed(wanted, top, part, asking(wanted.url))
    except StoaError as problem:
        return FetchedFile(url=wanted.url, outcome=Came.FAILED, reason=problem.message)
    except OSError as problem:
        return FetchedFile(url=wanted.url, outcome=Came.FAILED, reason=f"it cannot be written: {problem.strerror}")


def _there(top: Path, wanted: _Wanted, part: Path) -> FetchedFile | None:
    """A file that is in its place from before: a note says where what is from this address was put."""
    try:
        with open_regular(_note(part), follow_links=False) as file:
            names = file.read(4096).decode("utf-8", "replace").strip().split("/")
    except OSError:
        return None
    place = top.joinpath(*names)
    if len(names) != 2 or list(map(safe_name, names)) != names or place.is_symlink() or not place.exists():
        return None
    forget(part)
    size = place.stat().st_size if place.is_file() else 0
    return FetchedFile(url=wanted.url, outcome=Came.THERE, place="/".join(names), size=size)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.there")


def _placed(wanted: _Wanted, top: Path, part: Path, question: Question) -> FetchedFile:
    got = download(question, wanted.url, part, wanted.length)
    size = part.stat().st_size
    name = _name(wanted, got.name)
    kinds = f"{wanted.media_type} {got.content_type}".lower()
    try:
        is_tar = _is_tar(part, name, kinds)
        if reason := refusal(part) or ("" if is_tar else _unlike_fits(part, name, kinds)):
            raise StoaError(reason)
        folder = top / wanted.folder
        if folder.is_symlink():
            raise StoaError(f"{wanted.folder} in the root is a link, and nothing is written through it")
        make_folder(folder)
        unpacked, made = 0, part
        if is_tar:
            made = part.with_name(f"{part.name}.unpacked")
            shutil.rmtree(made, ignore_errors=True)
            unpacked = unpack(part, made)
            _check_unpacked(made)
            name = _stem(name)
        elif header.read(part).header is not None and not name.lower().endswith(_FITS):
            name = f"{name}.fits"
        _move(made, folder / name)
    except StoaError:
        forget(part)  # what is wrong as a whole is not continued
        raise
    forget(part)
    write_whole(_note(part), f"{wanted.folder}/{name}\n".encode())
    outcome = Came.CONTINUED if got.was_continued else Came.FETCHED
    return FetchedFile(url=wanted.url, outcome=outcome, place=f"{wanted.folder}/{name}", size=size, unpacked=unpacked)


def _move(made: Path, place: Path) -> None:
    if os.path.lexists(place):
        raise StoaError(f"{place.parent.name}/{place.name} is there already, and is not from this address")
    made.rename(place)
    sync_folder(place.parent)


def _is_tar(file: Path, name: str, kinds: str) -> bool:
    with open_regular(file, follow_links=False) as opened:
        head = opened.read(512)
    return name.lower().endswith(_TARS) or any(kind in kinds for kind in _TAR_TYPES) or head[257:262] == b"ustar"


def _stem(name: str) -> str:
    low = name.lower()
    return next((name[: -len(end)] for end in sorted(_TARS, key=len, reverse=True) if low.endswith(end)), name) or name


def _unlike_fits(file: Path, name: str, kinds: str) -> str:
    """What is wrong with a file that should be FITS; "" where nothing is, or where it need not be FITS."""
    read = header.read(file)
    if read.header is None and not name.lower().endswith(_FITS) and not any(kind in kinds for kind in _FITS_TYPES):
        return ""
    wrong = [str(defect) for defect in read.defects if defect not in _HARMLESS]
    if not wrong and not _inflates(file):
        wrong = ["bad-stream"]
    return f"it is not whole FITS: {', '.join(wrong)}" if wrong else ""


def _inflates(file: Path) -> bool:
    """Whether a file is not of gzip, or comes out of it as its sums say."""
    with open_regular(file, follow_links=False) as opened:
        if opened.read(2) != b"\x1f\x8b":
            return True
        opened.seek(0)
        try:
            with gzip.open(opened) as stream:
                while stream.read(_PIECE):
                    pass
        except (OSError, EOFError, zlib.error):
            return False
    return True


def _check_unpacked(folder: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and (wrong := _unlike_fits(file, file.name, "")):
            shutil.rmtree(folder)
            raise StoaError(f"{file.relative_to(folder)} in the archive: {wrong}")
