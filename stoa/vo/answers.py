"""Answers of services: what kind of document one is, before anything else reads it; and a memory of them."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stoa.durable import make_folder, write_whole
from stoa.vo.web import ServiceError

MOST_CELL_BYTES = 2_000_000_000
"""What the declared columns and rows may take in memory."""

_ATTRIBUTES = rb"""(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+"""
_TAG = rb"<(?:[\w.-]+:)?%b\b(" + _ATTRIBUTES + rb")>"
_INFO = re.compile(rb"<(?:[\w.-]+:)?(?:INFO|PARAM)\b(" + _ATTRIBUTES + rb")>(?:([^<]*)<)?")
_FIELD = re.compile(_TAG % b"FIELD")
_TABLE = re.compile(_TAG % b"TABLE")
_ROW = re.compile(rb"<(?:[\w.-]+:)?TR\b")
_VALUE = re.compile(rb"""([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ROOT = re.compile(
    rb"\A\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>\[]*>\s*)*<(?:[\w.-]+:)?VOTABLE\b", re.DOTALL
)
_BYTES = {b"double": 8, b"long": 8, b"float": 4, b"int": 4, b"unicodeChar": 4, b"char": 4, b"doubleComplex": 16}
_MOST_MESSAGE = 500


class Status(msgspec.Struct, frozen=True):
    """What a document says of itself."""

    is_cut: bool  # there is more than the service gives in one answer
    remark: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is kept."""

    service: str
    query: str
    retrieved: str  # UTC
    sha256: str
    is_cut: bool = False


def examine(document: bytes, service: str) -> Status:
    """Look at a VOTable without building anything of it.

    Raises
    ------
    ServiceError
        If it is not a VOTable, says that the question failed, or would take more memory than it may.
    """
    if not _ROOT.match(document[:_HEAD].removeprefix(b"\xef\xbb\xbf")):
        raise ServiceError(f"{service} did not answer with a VOTable: {in_words(document)}")
    if b"<!ENTITY" in document:
        raise ServiceError(f"the answer of {service} defines entities, which no table needs")
    status = Status(is_cut=False)
    has_table = _TABLE.search(document) is not None
    for found in _INFO.finditer(document):
        given = attributes(found[1])
        text = html.unescape((found[2] or b"").decode("utf-8", "replace")).strip()
        name, value = given.get("name", ""), given.get("value", "")
        if (name == "QUERY_STATUS" and value.upper() == "ERROR") or (name == "Error" and not has_table):
            message = text if name == "QUERY_STATUS" and text else value or text
            raise ServiceError(f"{service} refuses: {' '.join(message.split())[:_MOST_MESSAGE] or 'no reason given'}")
        if name == "QUERY_STATUS" and value.upper() == "OVERFLOW":
            status = Status(is_cut=True, remark=text[:_MOST_MESSAGE])
    _check_size(document, service)
    return status


_HEAD = 1 << 16


def _check_size(document: bytes, service: str) -> None:
    """Refuse columns and rows that are only declared: a hundred bytes may ask for all of the memory."""
    width = sum(_width(attributes(found[1])) for found in _FIELD.finditer(document))
    declared = [attributes(found[1]).get("nrows", "") for found in _TABLE.finditer(document)]
    rows = max([len(_ROW.findall(document)), *map(_whole, declared)])
    if width * max(rows, 1) > MOST_CELL_BYTES or rows > len(document):
        raise ServiceError(f"the answer of {service} declares {rows} rows of {width} bytes, more than can be read")


def _width(field: Mapping[str, str]) -> int:
    """Bytes of a cell of fixed size."""
    product = _BYTES.get(field.get("datatype", "").encode(), 2)
    for part in field.get("arraysize", "").split("x"):
        product *= _whole(part) or 1
    return product


def _whole(text: str) -> int:
    """A number as it is declared, 0 where there is none; one of many digits is many."""
    digits = text.strip()
    return (int(digits) if len(digits) < 19 else 10**18) if digits.isascii() and digits.isdecimal() else 0


def attributes(written: bytes) -> dict[str, str]:
    """Attributes of an element."""
    found = ((name.decode("ascii", "replace"), (one or two).decode("utf-8", "replace"))
             for name, one, two in _VALUE.findall(written))  # fmt: skip
    return {name: html.unescape(value) for name, value in found}


def error_in(document: bytes) -> str:
    """The reason that an error document gives, or the beginning of its words."""
    try:
        examine(document, "")
    except ServiceError as problem:
        refusal = problem.message.partition(" refuses: ")[2]
        return refusal or in_words(document)
    return in_words(document)


def in_words(document: bytes) -> str:
    """The beginning of a page or text, without its elements."""
    text = document[:_HEAD].decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", text)
    return " ".join(html.unescape(text).split())[:200] or "nothing"


class Memory:
    """Answers by their questions, in a folder that may be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, service: str, query: str) -> Answer | None:
        """The answer to a question that was asked before, if it is still whole."""
        try:
            answer = msgspec.json.decode(self._entry(service, query).read_bytes(), type=Answer)
            content = self.file(answer).read_bytes()
        except (OSError, msgspec.DecodeError):
            return None
        known = (answer.service, answer.query) == (service, query)
        return answer if known and hashlib.sha256(content).hexdigest() == answer.sha256 else None

    def keep(self, answer: Answer, content: bytes) -> None:
        """Remember an answer."""
        make_folder(self._folder)
        write_whole(self.file(answer), content)
        write_whole(self._entry(answer.service, answer.query), msgspec.json.encode(answer))

    def file(self, answer: Answer) -> Path:
        """The content of an answer, a VOTable."""
        return self._folder / f"{answer.sha256}.vot"

    def _entry(self, service: str, query: str) -> Path:
        key = hashlib.sha256(f"{service}\0{query}".encode()).hexdigest()
        return self._folder / f"{key}.json"
