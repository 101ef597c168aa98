"""Which observations of a service's log (ObsCore, by TAP) are near positions: asked part by part.

A service that takes tables gets the positions as one, and joins them; others get them in the words of the query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from stoa.vo import asking
from stoa.vo.answers import Answer, Memory
from stoa.vo.web import ServiceError

Place = tuple[float, float]
"""Right ascension and declination, ICRS degrees."""

UPLOAD_PART, QUERY_PART = 500, 25
"""Positions of one question: in a table, and in the words of a query."""

_UPLOAD = "ivo://ivoa.net/std/TAPRegExt#upload-inline"
_NAME = re.compile(r"""(?:[A-Za-z]\w*|"[^"]+")(?:\.(?:[A-Za-z]\w*|"[^"]+")){0,2}\Z""", re.ASCII)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """An answer for some of the positions."""

    answer: Answer
    is_known: bool  # from an earlier question, not asked again
    places: int


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Parameters
    ----------
    table
        The service's name of its log.
    radius
        Degrees. Observations count whose centre is within it, and larger fields that hold the position.
    condition
        A further condition in ADQL.
    """

    table: str = "ivoa.obscore"
    radius: float
    condition: str = ""

    def __post_init__(self) -> None:
        if not _NAME.match(self.table):
            raise ServiceError(f"{self.table!r} is not the name of a table", "for example: ivoa.obscore")

    def query(self) -> str:
        """The query for a service that has got the positions as the table ``TAP_UPLOAD.places``."""
        join = f"SELECT obs.* FROM {self.table} AS obs JOIN TAP_UPLOAD.places AS place ON ({self._near('place.')})"
        return join + (f" WHERE ({self.condition})" if self.condition else "")

    def query_of(self, places: Sequence[Place]) -> str:
        """The query with the positions in its words."""
        near = " OR ".join(self._near("", ra, dec) for ra, dec in places)
        return f"SELECT obs.* FROM {self.table} AS obs WHERE ({near})" + (
            f" AND ({self.condition})" if self.condition else ""
        )

    def _near(self, prefix: str, ra: float | None = None, dec: float | None = None) -> str:
        place = f"{prefix}ra, {prefix}dec" if ra is None or dec is None else f"{_number(ra)}, {_number(dec)}"
        radius = _number(self.radius)
        return (
            f"1 = CONTAINS(POINT('ICRS', obs.s_ra, obs.s_dec), CIRCLE('ICRS', {place}, {radius})) OR "
            f"(obs.s_fov > {_number(2 * self.radius)} AND "
            f"1 = CONTAINS(POINT('ICRS', {place}), CIRCLE('ICRS', obs.s_ra, obs.s_dec, obs.s_fov / 2)))"
        )


def _number(value: float) -> str:
    """A number as every ADQL reads it: some know no exponents."""
    return format(value, ".12f").rstrip("0").rstrip(".") or "0"


def takes_tables(service: str) -> bool:
    """Whether a service says that tables may be sent along with a query; one that does not answer has not said so."""
    try:
        said = asking.capabilities(service)
    except ServiceError:
        return False
    return _UPLOAD in said


def observations(
    memory: Memory,
    service: str,
    wish: Wish,
    places: Sequence[Place],
    *,
    upload: bool,
    size: int = 0,
    most: int = 0,
    as_job: bool = False,
    patience_s: float = 3600.0,
    again: bool = False,
    phase: Callable[[str], None] = lambda _phase: None,
) -> Iterator[Part]:
    """Ask for the observations near positions, part by part; each answer is kept as soon as it is there.

    An answer that the service cut is asked for again in halves, down to a single position.

    Parameters
    ----------
    upload
        Send the positions as a table.
    size
        Positions of one question; 0: as many as are usual.

    Raises
    ------
    ServiceError
        As for `asking.tap`. What was answered before is kept.
    """
    size = size or (UPLOAD_PART if upload else QUERY_PART)
    left = [list(places[start : start + size]) for start in range(0, len(places), size)]
    while left:
        part = left.pop(0)
        table = {"places": votable(part)} if upload else {}
        answer, is_known = asking.tap(
            memory, service, wish.query() if upload else wish.query_of(part), tables=table, most=most, as_job=as_job,
            patience_s=patience_s, again=again, phase=phase,
        )  # fmt: skip
        if answer.is_cut and len(part) > 1:
            middle = len(part) // 2
            left[:0] = [part[:middle], part[middle:]]
            continue
        yield Part(answer=answer, is_known=is_known, places=len(part))


def votable(places: Sequence[Place]) -> bytes:
    """Positions as a VOTable with the columns ``ra`` and ``dec``."""
    rows = "\n".join(f"<TR><TD>{ra!r}</TD><TD>{dec!r}</TD></TR>" for ra, dec in places)
    field = '<FIELD name="{}" datatype="double" unit="deg" ucd="pos.eq.{}"/>'
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE name="places">\n'
        f"{field.format('ra', 'ra')}{field.format('dec', 'dec')}<DATA><TABLEDATA>\n{rows}\n"
        "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>\n"
    ).encode()
