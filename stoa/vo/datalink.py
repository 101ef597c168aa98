"""DataLink documents (IVOA, 1.1): which files belong to an observation, and where they are."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import msgspec

from stoa.vo.answers import attributes, examine, in_words
from stoa.vo.web import Question, ServiceError, absolute

MOST_BYTES = 10_000_000
MOST_DEEP = 3
"""Documents that lead to documents are followed so far."""

_TAG = re.compile(rb"<(/?)(?:[\w.-]+:)?(TR|TD|FIELD)\b([^<>]*+)>")
"""No tag is looked for beyond the next one, so that a document full of beginnings takes no longer than another."""


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
    plain = _without_cdata(document)
    names = [attributes(tag[3]).get("name", "") for tag in _TAG.finditer(plain) if tag[2] == b"FIELD" and not tag[1]]
    if "access_url" not in names or "semantics" not in names:
        raise ServiceError(f"{address} has no columns access_url and semantics, as a DataLink document has")
    found = [_link(response.url, dict(zip(names, cells, strict=False))) for cells in _rows(plain)]
    if not found and b"STREAM" in plain:
        raise ServiceError(f"{address} has its rows in binary form, which DataLink documents should not have")
    return found


def _without_cdata(document: bytes) -> bytes:
    """A document whose sections of plain text are escaped as other text is."""
    first, *others = document.split(b"<![CDATA[")
    made = [first]
    for part in others:
        text, _, rest = part.partition(b"]]>")
        made += [html.escape(text.decode("utf-8", "replace")).encode(), rest]
    return b"".join(made)


def _rows(document: bytes) -> Iterator[list[str]]:
    """The texts of the cells of each row."""
    cells: list[str] = []
    start = -1  # of a cell's text
    for tag in _TAG.finditer(document):
        is_end, kind, rest = tag[1] == b"/", tag[2], tag[3]
        if kind == b"TD" and is_end and start >= 0:
            cells.append(html.unescape(document[start : tag.start()].decode("utf-8", "replace")).strip())
            start = -1
        elif kind == b"TD" and rest.endswith(b"/"):
            cells.append("")
        elif kind == b"TD" and not is_end:
            start = tag.end()
        elif kind == b"TR" and is_end:
            yield cells
            cells, start = [], -1


def _link(base: str, given: dict[str, str]) -> Link:
    length = given.get("content_length", "")
    return Link(
        url=absolute(base, given["access_url"]) if given.get("access_url") else "",
        semantics=given.get("semantics", ""), content_type=given.get("content_type", ""),
        length=int(length) if length.isascii() and length.isdecimal() and len(length) < 19 else 0,
        error=" ".join(given.get("error_message", "").split())[:300],
    )  # fmt: skip
