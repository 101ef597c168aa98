"""DataLink documents (IVOA, 1.1): which files belong to an observation, and where they are."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import msgspec

from stoa.vo.answers import attributes, examine, in_words
from stoa.vo.web import Question, ServiceError, absolute

MOST_BYTES = 50_000_000
MOST_DEEP = 3
"""Documents that lead to documents are followed so far."""

_ROW = re.compile(rb"<(?:[\w.-]+:)?TR\b[^>]*+>(.*?)</(?:[\w.-]+:)?TR>", re.DOTALL)
_CELL = re.compile(rb"<(?:[\w.-]+:)?TD\b(?:[^>]*/>|[^>]*>(.*?)</(?:[\w.-]+:)?TD>)", re.DOTALL)
_CDATA = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_FIELD = re.compile(rb"<(?:[\w.-]+:)?FIELD\b([^>]*+)>")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a document names."""

    url: str
    semantics: str = ""
    content_type: str = ""
    length: int = 0  # bytes as the service says; 0: it does not
    error: str = ""


def is_datalink(media_type: str) -> bool:
    """Whether a format is that of a DataLink document, and not of the data."""
    return "content=datalink" in media_type.replace(" ", "").replace('"', "").lower()


def files(question: Question, address: str, semantics: str, deep: int = 0) -> Iterator[Link]:
    """The files of a document that are what is wanted, and those of the documents that it leads to.

    Parameters
    ----------
    semantics
        What a file is, such as ``#this``.

    Raises
    ------
    ServiceError
        If it is no DataLink document, or leads from document to document.
    """
    if deep >= MOST_DEEP:
        raise ServiceError(f"{address} leads from DataLink document to DataLink document")
    for link in links(question, address):
        if link.semantics != semantics:
            continue
        if is_datalink(link.content_type) and not link.error:
            yield from files(question, link.url, semantics, deep + 1)
        else:
            yield link


def links(question: Question, address: str) -> list[Link]:
    """All rows of a document.

    Raises
    ------
    ServiceError
        If it does not come, or is something else.
    """
    response = question.ask("GET", address)
    document = question.content(response, MOST_BYTES)
    if not response.ok:
        raise ServiceError(f"{address} answers with status {response.status_code}: {in_words(document)}")
    examine(document, address)
    names = [attributes(found[1]).get("name", "") for found in _FIELD.finditer(document)]
    if "access_url" not in names or "semantics" not in names:
        raise ServiceError(f"{address} has no columns access_url and semantics, as a DataLink document has")
    rows = list(_ROW.finditer(document))
    if not rows and re.search(rb"<(?:[\w.-]+:)?STREAM\b", document):
        raise ServiceError(f"{address} has its rows in binary form, which DataLink documents should not have")
    return [_link(response.url, names, row[1]) for row in rows]


def _link(base: str, names: list[str], row: bytes) -> Link:
    texts = [_text(cell[1] or b"") for cell in _CELL.finditer(row)]
    given = dict(zip(names, texts, strict=False))
    length = given.get("content_length", "")
    return Link(
        url=absolute(base, given["access_url"]) if given.get("access_url") else "",
        semantics=given.get("semantics", ""), content_type=given.get("content_type", ""),
        length=int(length) if length.isascii() and length.isdecimal() and len(length) < 19 else 0,
        error=" ".join(given.get("error_message", "").split())[:300],
    )  # fmt: skip


def _text(cell: bytes) -> str:
    plain = _CDATA.sub(lambda found: html.escape(found[1].decode("utf-8", "replace")).encode(), cell)
    return html.unescape(plain.decode("utf-8", "replace")).strip()
