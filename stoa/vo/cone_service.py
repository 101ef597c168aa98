"""A Simple Cone Search service (IVOA SCS 1.03 and 1.1) over one table: from a request to an answer, without a server.

Errors and overflow are told as DALI 1.1 (section 4.4) wants them, and errors as SCS 1.03 wants them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.errors import StoaError
from stoa.vo.sphere import Sky
from stoa.vo.tabledata import Cells, escaped

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

VOTABLE = "application/x-votable+xml"
XML = "text/xml; charset=utf-8"
STANDARD = "ivo://ivoa.net/std/ConeSearch"
MOST_ROWS = 100_000
"""Rows of one answer."""

_FORMATS = frozenset(("votable", "votable/td", "text/xml", "text/xml;content=x-votable", VOTABLE))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_AT_ONCE = 10_000  # rows of a download in memory

Parameters = Mapping[str, Sequence[str]]
"""Name as it was written -> values."""


class Reply(msgspec.Struct, frozen=True):
    """An answer: status of HTTP, media type, and the content, whole or in pieces."""

    status: int
    media_type: str
    content: bytes | Path | Callable[[], Iterator[bytes]]


class _UsageError(Exception):
    """A request that the standard forbids."""


class ConeService:
    """One table, searchable by cones.

    Parameters
    ----------
    table
        With exactly one column each of the UCDs ``ID_MAIN``, ``POS_EQ_RA_MAIN`` and ``POS_EQ_DEC_MAIN``.
    empty
        The same table without rows as a VOTable document, which says what the columns are.
    ra, dec
        ICRS degrees of the rows.
    fits
        The table as a FITS file, if FITS can hold it.
    most
        Rows of one answer.
    """

    def __init__(
        self,
        table: Table,
        empty: str,
        ra: NDArray[np.float64],
        dec: NDArray[np.float64],
        *,
        fits: Path | None = None,
        most: int = MOST_ROWS,
    ) -> None:
        self._sky = Sky(ra, dec)
        self._cells = Cells(table)
        self._count = len(table)
        self._most = most
        self._fits = fits
        self._head, self._tail = _halves(empty)
        self._test = next(((float(a), float(d)) for a, d in zip(ra, dec, strict=True) if a == a and d == d), None)

    @property
    def searchable(self) -> int:
        """How many rows have a position."""
        return len(self._sky)

    def answer(self, path: str, parameters: Parameters, address: str) -> Reply:
        """What a request gets.

        Parameters
        ----------
        path
            ``/cone``, ``/capabilities``, ``/availability``, ``/table.vot`` or ``/table.fits``.
        address
            Where the client reaches the service: ``http://127.0.0.1:8481``.
        """
        if path == "/cone":
            try:
                return self._cone({name.upper(): list(values) for name, values in _joined(parameters).items()})
            except _UsageError as problem:
                return _error(str(problem))
        if path == "/capabilities":
            return Reply(200, XML, self._capabilities(address).encode())
        if path == "/availability":
            return Reply(200, XML, _AVAILABILITY.encode())
        if path == "/table.vot":
            return Reply(200, VOTABLE, self._whole)
        if path == "/table.fits" and self._fits is not None:
            return Reply(200, "application/fits", self._fits)
        if path == "/":
            return Reply(200, "text/plain; charset=utf-8", _WELCOME.format(address=address).encode())
        return Reply(404, "text/plain; charset=utf-8", b"There is no such resource.\n")

    def _cone(self, given: Mapping[str, list[str]]) -> Reply:
        ra, dec, radius = _number(given, "RA", 0, 360), _number(given, "DEC", -90, 90), _number(given, "SR", 0, 180)
        asked = _whole_number(given, "MAXREC")
        wanted = (_single(given, "RESPONSEFORMAT") or "votable").lower().replace(" ", "")
        if wanted.removesuffix(";serialization=tabledata") not in _FORMATS:
            raise _UsageError(f"RESPONSEFORMAT {wanted[:80]} is not offered, only VOTable in TABLEDATA")
        if radius == 0 or asked == 0:  # a question for the columns alone
            rows, is_cut = self._sky.cone(0, 0, 180)[:0], False
        else:
            found = self._sky.cone(ra, dec, radius)
            most = self._most if asked is None else min(asked, self._most)
            rows, is_cut = found[:most], len(found) > most
        text = f"{self._head}<DATA><TABLEDATA>\n{self._cells.rows(rows)}</TABLEDATA></DATA>\n{self._tail[0]}"
        overflow = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>\n' if is_cut else ""
        return Reply(200, VOTABLE, f"{text}{overflow}{self._tail[1]}".encode())

    def _whole(self) -> Iterator[bytes]:
        import numpy as np

        yield f"{self._head}<DATA><TABLEDATA>\n".encode()
        for first in range(0, self._count, _AT_ONCE):
            yield self._cells.rows(np.arange(first, min(first + _AT_ONCE, self._count))).encode()
        yield f"</TABLEDATA></DATA>\n{self._tail[0]}{self._tail[1]}".encode()

    def _capabilities(self, address: str) -> str:
        test = ""
        if self._test:
            ra, dec = self._test
            test = f"<testQuery><ra>{ra!r}</ra><dec>{dec!r}</dec><sr>0.001</sr></testQuery>"
        return _CAPABILITIES.format(address=escaped(address), most=self._most, test=test)


def _halves(empty: str) -> tuple[str, tuple[str, str]]:
    """A document before its data, and after them within TABLE and within RESOURCE."""
    opening = re.search(r"<RESOURCE[^>]*>", empty)
    closing = empty.rindex("</TABLE>")
    if opening is None:
        raise StoaError("the table cannot be written as a VOTable")
    facts = re.search(r"<INFO ID=.fact_1.", empty)
    data = facts.start() if facts else closing
    status = '\n  <INFO name="QUERY_STATUS" value="OK"/>'
    after = closing + len("</TABLE>")
    return empty[: opening.end()] + status + empty[opening.end() : data], (empty[data:after] + "\n", empty[after:])


def _joined(parameters: Parameters) -> dict[str, list[str]]:
    """Values by name, whatever the case of the name."""
    found: dict[str, list[str]] = {}
    for name, values in parameters.items():
        found.setdefault(name.upper(), []).extend(values)
    return found


def _single(given: Mapping[str, list[str]], name: str) -> str:
    values = given.get(name, [])
    if len(values) > 1:
        raise _UsageError(f"{name} is given {len(values)} times")
    return values[0].strip() if values else ""


def _number(given: Mapping[str, list[str]], name: str, least: float, most: float) -> float:
    text = _single(given, name)
    if not text:
        raise _UsageError(f"{name} is missing")
    if not _NUMBER.fullmatch(text):
        raise _UsageError(f"{name} is {text[:40]!r}, not a decimal number")
    value = float(text)
    if not least <= value <= most:
        raise _UsageError(f"{name} is {text[:40]}, not between {least} and {most} degrees")
    return value


def _whole_number(given: Mapping[str, list[str]], name: str) -> int | None:
    text = _single(given, name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise _UsageError(f"{name} is {text[:40]!r}, not a whole number")
    return int(text)


def _error(message: str) -> Reply:
    return Reply(400, VOTABLE, _ERROR.format(message=escaped(message)).encode())


_ERROR = """\
<?xml version="1.0" encoding="utf-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
 <INFO ID="Error" name="Error" value="{message}"/>
 <RESOURCE type="results">
  <INFO name="QUERY_STATUS" value="ERROR">UsageError: {message}</INFO>
 </RESOURCE>
</VOTABLE>
"""

_AVAILABILITY = """\
<?xml version="1.0" encoding="utf-8"?>
<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">
 <vosi:available>true</vosi:available>
</vosi:availability>
"""

_CAPABILITIES = f"""\
<?xml version="1.0" encoding="utf-8"?>
<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0"
 xmlns:cs="http://www.ivoa.net/xml/ConeSearch/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <capability standardID="{STANDARD}" xsi:type="cs:ConeSearch">
  <interface xsi:type="vs:ParamHTTP" role="std" version="1.1">
   <accessURL use="base">{{address}}/cone?</accessURL>
   <queryType>GET</queryType><queryType>POST</queryType>
   <resultType>{VOTABLE}</resultType>
   <param use="required" std="true"><name>RA</name><unit>deg</unit><dataType>real</dataType></param>
   <param use="required" std="true"><name>DEC</name><unit>deg</unit><dataType>real</dataType></param>
   <param use="required" std="true"><name>SR</name><unit>deg</unit><dataType>real</dataType></param>
   <param use="optional" std="true"><name>MAXREC</name><dataType>integer</dataType></param>
  </interface>
  <maxSR>180</maxSR>
  <maxRecords>{{most}}</maxRecords>
  <verbosity>false</verbosity>
  {{test}}
 </capability>
 <capability standardID="ivo://ivoa.net/std/VOSI#capabilities">
  <interface xsi:type="vs:ParamHTTP" version="1.0">
   <accessURL use="full">{{address}}/capabilities</accessURL>
  </interface>
 </capability>
 <capability standardID="ivo://ivoa.net/std/VOSI#availability">
  <interface xsi:type="vs:ParamHTTP" version="1.0">
   <accessURL use="full">{{address}}/availability</accessURL>
  </interface>
 </capability>
</vosi:capabilities>
"""

_WELCOME = """\
A table served by STOA.

Simple Cone Search  {address}/cone?RA=...&DEC=...&SR=...
the whole table     {address}/table.vot  {address}/table.fits
about the service   {address}/capabilities  {address}/availability
"""
