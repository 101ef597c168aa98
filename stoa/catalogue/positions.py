"""Where the positions of a table are: which columns, in which unit, which frame; and what they are in ICRS degrees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.frames import Frame, frame_in_words, frame_of, to_icrs, year
from stoa.catalogue.sexagesimal import DEGREES, HOURS, angles, plain

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Column, Table
    from numpy.typing import NDArray

_NAMES = (
    ("_RAJ2000", "_DEJ2000"),
    ("_RA.icrs", "_DE.icrs"),
    ("_RA_icrs", "_DE_icrs"),
    ("_RA", "_DE"),
    ("ra_deg", "dec_deg"),
    ("RAJ2000", "DEJ2000"),
    ("RA_ICRS", "DE_ICRS"),
    ("RAdeg", "DEdeg"),
    ("ALPHA_J2000", "DELTA_J2000"),
    ("s_ra", "s_dec"),
    ("ra", "dec"),
    ("ra", "de"),
    ("ra_hours", "dec_deg"),
    ("right_ascension", "declination"),
    ("_RAB1950", "_DEB1950"),
    ("RAB1950", "DEB1950"),
    ("RA1950", "DE1950"),
)
_GALACTIC_NAMES = (("_Glon", "_Glat"), ("GLON", "GLAT"), ("gal_lon", "gal_lat"))
MAIN = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")
_UCDS = (MAIN, ("pos_eq_ra_main", "pos_eq_dec_main"))
_PLAIN_UCDS = (("pos.eq.ra", "pos.eq.dec"), ("pos_eq_ra", "pos_eq_dec"))
_GALACTIC_UCDS = (
    ("pos.galactic.lon;meta.main", "pos.galactic.lat;meta.main"),
    ("pos.galactic.lon", "pos.galactic.lat"),
)
_PARTS = (("RA", "DE"), ("RA", "Dec"), ("RAB", "DEB"))
"""Beginnings of the names of columns with hours, minutes and so on (Standards for Astronomical Catalogues, CDS)."""

_HOUR_UNITS = frozenset(("h", "hr", "hour", "hours", "hourangle"))
_DEGREE_UNITS = frozenset(("deg", "degree", "degrees", "\u00b0", "arcdeg"))
_WRITTEN = re.compile(r"(h{1,2})[: ]?m{1,2}[: ]?s{1,2}|d{1,2}[: ]?m{1,2}[: ]?s{1,2}")
"""Units of texts: VizieR's ``h:m:s`` and ``d:m:s``, and others like them."""

_IN_HOURS = re.compile(r"(?i)_?(ra|alpha)_?(h|hr|hours?|hms)")

DECIMAL, TEXT, PARTS = "decimal", "text", "parts"


class PositionColumns(Struct, frozen=True):
    """The columns that hold a position: two, or with `PARTS` the beginnings of their names."""

    ra: str
    dec: str
    kind: str = DECIMAL
    is_galactic: bool = False


def position_columns(table: Table, name: str) -> PositionColumns:
    """Which columns hold the positions.

    Decimal columns come before texts, these before separate columns of hours, minutes and seconds, and all of them
    before galactic ones. Within a kind the order is: UCD ``pos.eq.ra;meta.main``, a usual name (VizieR's computed
    ``_RAJ2000`` first, those of B1950 last), UCD ``pos.eq.ra``.

    Parameters
    ----------
    name
        The table's name for the message.

    Raises
    ------
    CatalogueError
        If there is no such pair.
    """
    found = _pair(table)
    if found is None:
        shown = ", ".join(table.colnames[:12]) + (", ..." if len(table.colnames) > 12 else "")
        raise CatalogueError(
            f"{name!r} has no columns for right ascension and declination (it has: {shown})",
            "call them ra_deg and dec_deg (decimal degrees), or give them the UCDs pos.eq.ra;meta.main and the like",
        )
    return found


def has_positions(table: Table) -> bool:
    """Whether some columns hold positions."""
    return _pair(table) is not None


def _pair(table: Table) -> PositionColumns | None:
    decimal = [column for column in table.colnames if table[column].dtype.kind in "fiu" and table[column].ndim == 1]
    texts = [column for column in table.colnames if table[column].dtype.kind in "UO" and table[column].ndim == 1]
    for columns, kind in ((decimal, DECIMAL), (texts + decimal, TEXT)):
        pair = _by_ucd(table, columns, _UCDS) or _by_name(columns, _NAMES) or _by_ucd(table, columns, _PLAIN_UCDS)
        if pair:
            return PositionColumns(*pair, kind)
    if parts := next((pair for pair in _PARTS if all(f"{pair[n]}{'hd'[n]}" in table.colnames for n in (0, 1))), None):
        return PositionColumns(*parts, PARTS)
    galactic = _by_ucd(table, decimal, _GALACTIC_UCDS) or _by_name(decimal, _GALACTIC_NAMES)
    return PositionColumns(*galactic, DECIMAL, is_galactic=True) if galactic else None


def positions(table: Table, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ascension and declination in ICRS degrees, each of shape (rows,), NaN where a row has none.

    Raises
    ------
    CatalogueError
        If no columns hold positions; if unit, frame or a value are not understood, or a value is outside the sky. The
        message has column, row and value.
    """
    found = position_columns(table, name)
    if found.kind == PARTS:
        lon, lat = _from_parts(table, found, name)
    else:
        lon = _degrees(table[found.ra], name, is_ra=not found.is_galactic)
        lat = _degrees(table[found.dec], name, is_ra=False)
    _check_range(lon, lat, found, name)
    frame = frame_of_positions(table, found, name)
    if frame.is_icrs:
        return lon % 360, lat
    return to_icrs(lon % 360, lat, frame)


def frame_of_positions(table: Table, found: PositionColumns, name: str) -> Frame:
    """The frame of columns: as they refer to it, else as their names, their description or the table have it."""
    if found.is_galactic:
        return Frame("galactic")
    first = f"{found.ra}h" if found.kind == PARTS else found.ra
    column = table[first]
    told = str(column.meta.get("frame", "")) if hasattr(column, "meta") else ""
    if told:
        frame = frame_of(told, f"{name!r}, column {first}")
    elif re.search(r"B?1950", first) or (found.kind == PARTS and found.ra == "RAB"):
        frame = Frame("fk4", "B1950.0")
    elif (in_words := frame_in_words(str(column.description or ""))) is not None:
        frame = in_words
    elif "icrs" in first.lower():
        frame = Frame()
    else:
        frame = _of_table(table, name)
    if not frame.is_equatorial:
        raise CatalogueError(f"{name!r}: {first} is a right ascension by its name, and {frame.name} by its frame")
    return frame


def _of_table(table: Table, name: str) -> Frame:
    """The frame that the facts of a table name: ``frame``, or RADESYS and EQUINOX of FITS."""
    facts = {str(key).lower(): value for key, value in table.meta.items()}
    if told := str(facts.get("frame", "")).strip():
        return frame_of(told, repr(name))
    system = str(facts.get("radesys", facts.get("radecsys", ""))).strip()
    equinox = str(facts.get("equinox", "")).strip()
    if not system and equinox:
        system = "FK4" if year(equinox, repr(name)).startswith("B") else "FK5"
    return frame_of(system, repr(name), equinox)


def _check_range(lon: NDArray[np.float64], lat: NDArray[np.float64], found: PositionColumns, name: str) -> None:
    import numpy as np

    with np.errstate(invalid="ignore"):
        outside = (np.abs(lat) > 90) | (lon < -180) | (lon > 360)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise CatalogueError(
            f"{name!r}, row {row + 1}: {found.ra} {lon[row]:g} and {found.dec} {lat[row]:g} are no position in degrees"
        )


def _by_ucd(table: Table, columns: Sequence[str], wanted: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    ucds = {str(table[column].meta.get("ucd", "")).lower(): column for column in reversed(columns)}
    return next(((ucds[ra], ucds[dec]) for ra, dec in wanted if ra in ucds and dec in ucds), None)


def _by_name(columns: Sequence[str], wanted: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    lower = {column.lower(): column for column in reversed(columns)}
    pairs = ((lower.get(ra.lower()), lower.get(dec.lower())) for ra, dec in wanted)
    return next(((ra, dec) for ra, dec in pairs if ra and dec), None)


def _degrees(column: Column, name: str, *, is_ra: bool) -> NDArray[np.float64]:
    import numpy as np

    unit, scale = _unit(column, name, is_ra=is_ra)
    if column.dtype.kind in "UO":
        texts: Any = np.ma.filled(np.ma.asarray(column, dtype=object), "")
        if unit is None:
            raise _no_angle(column, name)
        texts = ["" if text is None else text for text in texts]
        return angles(texts, unit, is_ra=is_ra, where=f"{name!r}: {column.name}")
    values = np.asarray(np.ma.filled(np.ma.asarray(column.data, dtype=np.float64), np.nan))
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise CatalogueError(f"{name!r}, row {row + 1}: {column.name} is {values[row]:g}, which is not an angle")
    return values if scale == 1 else values * scale


def _unit(column: Column, name: str, *, is_ra: bool) -> tuple[str | None, float]:
    """Unit of the first part of a text (None: no unit of texts), and degrees in the unit of a number."""
    from astropy import units

    words = str(column.unit or "").strip().strip('"').lower()
    if not words:
        in_hours = is_ra and _IN_HOURS.fullmatch(column.name) is not None
        in_degrees = "deg" in column.name.lower()
        return HOURS if in_hours else DEGREES if in_degrees else "", 15.0 if in_hours else 1.0
    written = _WRITTEN.fullmatch(words)
    if written and column.dtype.kind not in "UO":
        raise _no_angle(column, name)
    if words in _DEGREE_UNITS or (written and not written[1]):
        return DEGREES, 1.0
    if words in _HOUR_UNITS or written:
        if not is_ra:
            raise CatalogueError(f"{name!r}: column {column.name} has the unit {column.unit}, which no declination has")
        return HOURS, 15.0
    try:
        return None, float(units.Unit(column.unit).to(units.deg))
    except (units.UnitConversionError, TypeError, ValueError) as problem:
        raise _no_angle(column, name) from problem


def _no_angle(column: Column, name: str) -> CatalogueError:
    return CatalogueError(f"{name!r}: column {column.name} has the unit {column.unit}, which is not an angle")


def _from_parts(table: Table, found: PositionColumns, name: str) -> tuple[Any, Any]:
    """Positions from columns such as RAh, RAm, RAs, DE-, DEd, DEm, DEs."""
    import numpy as np

    hours = _summed(table, found.ra, ("h", "m", "s"), name)
    degrees = _summed(table, found.dec, ("d", "m", "s"), name)
    return hours * 15, np.where(_is_south(table, found, name), -1, 1) * degrees


def _summed(table: Table, start: str, ends: tuple[str, str, str], name: str) -> NDArray[np.float64]:
    """Hours or degrees without their sign, from up to three columns; NaN where the first has no value."""
    import numpy as np

    known = {"h": _HOUR_UNITS, "d": _DEGREE_UNITS, "m": {"min", "arcmin", "m"}, "s": {"s", "arcsec"}}
    total = np.zeros(len(table))
    absent = np.zeros(len(table), dtype=bool)
    for place, end in enumerate(ends):
        column = start + end
        if column not in table.colnames:
            break
        unit = str(table[column].unit or "").lower()
        if unit and unit not in known[end]:
            raise CatalogueError(f"{name!r}: column {column} has the unit {unit}, which is not part of a position")
        values = _part(table[column], column, name)
        wrong = ~absent & (values >= (360 if end == "d" else 24.0000001 if end == "h" else 60.0000001))
        wrong |= (absent & np.isfinite(values)) if place else (values < 0) & (end == "h")
        wrong |= (values < 0) & (place > 0)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise CatalogueError(f"{name!r}, row {row + 1}: {column} is {values[row]:g}, no part of a position")
        absent |= ~np.isfinite(values)
        whole = values if place == 0 else np.where(np.isfinite(values), values, 0)
        total = total + np.abs(whole) / 60**place
    return total


def _part(column: Column, title: str, name: str) -> NDArray[np.float64]:
    import numpy as np

    if column.dtype.kind in "fiu":
        return np.asarray(np.ma.filled(np.ma.asarray(column.data, dtype=np.float64), np.nan))
    values = np.full(len(column), np.nan)
    for row, text in enumerate(np.ma.filled(np.ma.asarray(column, dtype=object), "")):
        if written := plain(str(text)):
            try:
                values[row] = float(written)
            except ValueError:
                raise CatalogueError(f"{name!r}, row {row + 1}: {title} is {text!r}, which is not a number") from None
    return values


def _is_south(table: Table, found: PositionColumns, name: str) -> NDArray[np.bool_]:
    """Which declinations are negative: by the column of signs, else by the sign of the degrees."""
    import numpy as np

    signs, degrees = f"{found.dec}-", f"{found.dec}d"
    if signs in table.colnames:
        south = np.zeros(len(table), dtype=bool)
        for row, sign in enumerate(np.ma.filled(np.ma.asarray(table[signs], dtype=object), "")):
            written = plain(str(sign))
            if written not in ("", "+", "-"):
                raise CatalogueError(f"{name!r}, row {row + 1}: {signs} is {str(sign)!r}, which is not a sign")
            south[row] = written == "-"
        return south
    column = table[degrees]
    if column.dtype.kind in "UO":
        return np.array([plain(str(text)).startswith("-") for text in np.ma.filled(np.ma.asarray(column), "")])
    values = _part(column, degrees, name)
    if column.dtype.kind in "iu" and (values == 0).any() and (values < 0).any():
        row = int(np.flatnonzero(values == 0)[0])
        raise CatalogueError(
            f"{name!r}, row {row + 1}: {degrees} is 0, whose sign is not known", f"a column {signs!r} has the signs"
        )
    return np.signbit(values)
