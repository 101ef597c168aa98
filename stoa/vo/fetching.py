"""Files of services: downloaded aside, continued where they broke off, and not believed.

A page that says "not found" has status 200 at some archives, and a file may end anywhere.
"""

from __future__ import annotations

import os
import re
import time
from email.message import Message
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import requests

from stoa.durable import sync_file, write_whole
from stoa.opening import open_regular
from stoa.vo.answers import examine, in_words
from stoa.vo.web import RETRIES, Question, ServiceError, TooSlowError

_HEAD = 1 << 16
_FIRST_PAUSE_S = 0.3
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})\Z", re.ASCII)
_ODD = re.compile(r"[^\w.+=,@()\[\]-]+")
_LONGEST_NAME = 200


class BrokenOffError(ServiceError):
    """A file of which only a part came; the rest can be asked for."""


class Download(msgspec.Struct, frozen=True):
    """A file that has come as a whole, and is still aside."""

    file: Path
    name: str  # as the service calls it, made safe; "" where it has none
    content_type: str
    was_continued: bool


class _Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a download that is not complete."""

    url: str
    validator: str  # strong ETag or date; only with one can it be continued


def download(question: Question, url: str, aside: Path, length: int = 0) -> Download:
    """Get a file, or the rest of one that was begun before; one that breaks off is continued a few times.

    Parameters
    ----------
    aside
        Where it is written; beside it a record says what it is. Both stay when this fails.
    length
        Bytes that it must have; 0: as many as the service says with it.

    Raises
    ------
    ServiceError
        If it does not come, or not as a whole.
    """
    for left in range(RETRIES, -1, -1):
        try:
            return _attempt(question, url, aside, length)
        except BrokenOffError:
            if not left:
                raise
            time.sleep(_FIRST_PAUSE_S * 2 ** (RETRIES - left))
    raise AssertionError  # the last attempt returns or raises


def _attempt(question: Question, url: str, aside: Path, length: int) -> Download:
    note = aside.with_name(f"{aside.name}.json")
    response, start = _asked(question, url, aside, _begun(note, url))
    if not response.ok:
        said = in_words(question.words(response).encode())
        raise ServiceError(f"{url} answers with status {response.status_code}: {said}")
    total = _total(response, url, start)
    if length and total and length != total:
        response.close()
        raise ServiceError(f"{url} has {total} bytes, where {length} were announced")
    write_whole(note, msgspec.json.encode(_Begun(url=url, validator=_validator(response))))
    _write(question, response, aside, start, length or total)
    sync_file(aside)
    kind = response.headers.get("Content-Type", "")
    return Download(aside, file_name(response.headers.get("Content-Disposition", ""), response.url), kind, start > 0)


def _begun(note: Path, url: str) -> str:
    """What tells whether a file that was begun is still the same; "" where it cannot be continued."""
    try:
        with open_regular(note, follow_links=False) as file:
            begun = msgspec.json.decode(file.read(_HEAD), type=_Begun)
    except (OSError, msgspec.DecodeError):
        return ""
    return begun.validator if begun.url == url else ""


def _asked(question: Question, url: str, aside: Path, validator: str) -> tuple[requests.Response, int]:
    """The answer, and the byte that it begins with."""
    done = aside.lstat().st_size if validator and aside.is_file() and not aside.is_symlink() else 0
    if done:
        response = question.ask(
            "GET", url, headers={"Accept-Encoding": "identity", "Range": f"bytes={done}-", "If-Range": validator}
        )
        is_same = _validator(response) in ("", validator)
        if response.status_code == 206 and is_same:
            return response, done
        if response.status_code not in (206, 416):  # 416: there is nothing behind what has come
            return response, 0
        response.close()
    return question.ask("GET", url, headers={"Accept-Encoding": "identity"}), 0


def _total(response: requests.Response, url: str, start: int) -> int:
    """Bytes of the whole file, 0 where the service does not say."""
    if response.status_code == 206:
        found = _RANGE.match(response.headers.get("Content-Range", "").strip())
        if not start or not found or int(found[1]) != start:
            response.close()
            raise ServiceError(f"{url} sends another part than it was asked for")
        return int(found[2])
    declared = response.headers.get("Content-Length", "")
    is_plain = "Content-Encoding" not in response.headers and len(declared) < 19
    return int(declared) if is_plain and declared.isascii() and declared.isdecimal() else 0


def _validator(response: requests.Response) -> str:
    """What tells that a file is still the same: a strong ETag, else its date (RFC 9110, 13.1.5)."""
    tag = response.headers.get("ETag", "")
    return str(tag if tag.startswith('"') else response.headers.get("Last-Modified", ""))


def _write(question: Question, response: requests.Response, aside: Path, start: int, wanted: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    size = start
    try:
        with open(os.open(aside, flags, 0o666), "wb") as file:
            file.truncate(start)
            file.seek(start)
            for piece in question.pieces(response):
                size += len(piece)
                if wanted and size > wanted:
                    raise ServiceError(f"{response.url} sends more than the {wanted} bytes that it announced")
                file.write(piece)
    except TooSlowError:
        raise
    except ServiceError as problem:
        if size > start and not (wanted and size > wanted):
            raise BrokenOffError(problem.message, "the same command continues it") from problem
        raise
    if wanted and size < wanted:
        raise BrokenOffError(f"{response.url} ends after {size} of {wanted} bytes", "the same command continues it")


def forget(aside: Path) -> None:
    """Delete what was downloaded, so that the next time starts from the beginning."""
    aside.unlink(missing_ok=True)
    aside.with_name(f"{aside.name}.json").unlink(missing_ok=True)


def file_name(disposition: str, url: str) -> str:
    """The name of a file as its service says it, without anything that leads elsewhere; "" where there is none."""
    message = Message()
    message["Content-Disposition"] = disposition.encode("ascii", "replace").decode().replace("\n", " ") or "inline"
    for name in (message.get_filename() or "", unquote(urlsplit(url).path)):
        if safe := safe_name(name):
            return safe
    return ""


def safe_name(name: str) -> str:
    """The last part of a path, with harmless characters alone; neither hidden nor an option to a program."""
    last = _ODD.sub("_", name.replace("\\", "/").rstrip("/").rpartition("/")[2])
    return last[-_LONGEST_NAME:].lstrip(".-_")


def refusal(file: Path) -> str:
    """What a file says if it is a page or an error document, "" where it may be what was wanted."""
    with open_regular(file, follow_links=False) as opened:
        head = opened.read(_HEAD)
    if not head:
        return "nothing came"
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")) or (start.startswith(b"<?xml") and b"<html" in start):
        return f"a page came in its place: {in_words(head)}"
    if b"VOTABLE" in head[:4096]:
        try:
            examine(head, "it")
        except ServiceError as problem:
            return f"an error document came in its place: {problem.message}"
    return ""
