"""Beams: of the cards BMAJ, BMIN and BPA, and of each plane of a cube from the binary table ``BEAMS`` of CASA."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence

from msgspec import Struct

from stoa.meta.sky import number

MAX_TABLE = 8 * 1024 * 1024
_FORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])")
_WIDTH = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_CODES = {"E": ">f", "D": ">d", "I": ">h", "J": ">i", "K": ">q"}
_MOST_DEG = 360.0  # of a beam; more is a mistake
_ROUND = 0.01  # relative difference of two widths below which a beam needs no position angle
_ARCSEC = {"arcsec": 1.0, "deg": 3600.0, "arcmin": 60.0, "mas": 0.001, "rad": math.degrees(1) * 3600}


class Beam(Struct, frozen=True):
    """An elliptical Gaussian beam: full widths at half maximum, position angle from north through east."""

    major_arcsec: float
    minor_arcsec: float
    pa_deg: float
    planes: int = 1  # it is the median of these


def beam_of(major: str, minor: str, angle: str) -> Beam | str:
    """The beam of the texts of BMAJ, BMIN and BPA in degrees, or what is wrong with them in words.

    Without BPA only a beam that is round to a hundredth is one.
    """
    a, b, turn = number(major), number(minor), number(angle)
    for keyword, text, value in (("BMAJ", major, a), ("BMIN", minor, b), ("BPA", angle, turn)):
        if value is None and (text or keyword != "BPA"):
            return f"{keyword} is {text!r}, which is not a number" if text else f"there is no {keyword}"
    if not (a and b and 0 < a < _MOST_DEG and 0 < b < _MOST_DEG):
        return f"BMAJ and BMIN are {major} and {minor}"
    if turn is None:
        if abs(a - b) > _ROUND * max(a, b):
            return "there is no BPA"
        turn = 0.0
    return _ordered(a * 3600, b * 3600, turn)


def is_exchanged(major: str, minor: str) -> bool:
    """Whether the text of BMIN is a larger number than that of BMAJ, by more than a hundredth."""
    a, b = number(major), number(minor)
    return a is not None and b is not None and b > a * (1 + _ROUND)


def _ordered(major: float, minor: float, angle: float) -> Beam:
    return Beam(major, minor, angle) if major >= minor else Beam(minor, major, angle + 90)


class _Column(Struct, frozen=True):
    offset: int
    code: str  # of `struct`
    unit: str


def median_beam(beams: Sequence[Beam | None]) -> Beam | None:
    """The beam whose area is the median of all planes; of an even number the smaller of the two.

    It is one of them, so that its axes and angle belong together. Planes without a positive beam (CASA's empty
    channels) do not count; None if there is no other.
    """
    positive = sorted((b for b in beams if b), key=lambda b: (b.major_arcsec * b.minor_arcsec, b.major_arcsec))
    if not positive:
        return None
    middle = positive[(len(positive) - 1) // 2]
    return Beam(middle.major_arcsec, middle.minor_arcsec, middle.pa_deg, len(positive))


def table_beams(text: Callable[[str], str], data: bytes) -> tuple[Beam | None, ...] | str:
    """The beam of each channel of the first Stokes plane, None where that is not positive.

    Parameters
    ----------
    text
        Text of a keyword's value in the header of the table; units are read from it, arcsec if it names none.
    data
        Its rows.

    Returns
    -------
    beams
        Empty if the table lacks a column; a text that says so if a unit is not an angle.
    """
    columns = _columns(text)
    if not {"BMAJ", "BMIN", "BPA"} <= columns.keys():
        return ()
    scales = []
    for name in ("BMAJ", "BMIN", "BPA"):
        scale = _arcsec(columns[name].unit or ("deg" if name == "BPA" else "arcsec"))
        if scale is None:
            return f"column {name} of the BEAMS table has the unit {columns[name].unit!r}, which is not an angle"
        scales.append(scale)
    row = int(text("NAXIS1") or 0)
    starts = range(0, len(data) - row + 1, row) if row else range(0)
    planes = [(_whole(columns, "POL", data, start), _whole(columns, "CHAN", data, start), start) for start in starts]
    first = min((stokes for stokes, *_ in planes), default=0)
    return tuple(_beam(columns, data, start, scales) for stokes, _, start in sorted(planes) if stokes == first)


def _whole(columns: dict[str, _Column], name: str, data: bytes, start: int) -> int:
    """A whole number of a row; 0 where the table has no such column."""
    column = columns.get(name)
    try:
        return int(struct.unpack_from(column.code, data, start + column.offset)[0]) if column else 0
    except (struct.error, ValueError, OverflowError):  # ValueError, OverflowError: NaN, infinite
        return 0


def _arcsec(unit: str) -> float | None:
    """Arcseconds in a unit of angle; None if it is no such unit."""
    if unit in _ARCSEC:
        return _ARCSEC[unit]
    from astropy import units

    try:
        return float(units.Unit(unit).to(units.arcsec))
    except (ValueError, TypeError):  # TypeError: no angle
        return None


def _columns(text: Callable[[str], str]) -> dict[str, _Column]:
    """Columns of numbers by name; a format that is not known ends the list."""
    columns: dict[str, _Column] = {}
    offset = 0
    count = text("TFIELDS")
    for column in range(1, (int(count) if count.isdigit() else 0) + 1):
        form = _FORM.match(text(f"TFORM{column}"))
        if not form:
            break
        repeat = int(form[1] or 1)
        if form[2] in _CODES and repeat == 1:
            code = _CODES[form[2]]
            columns[text(f"TTYPE{column}").upper()] = _Column(offset, code, text(f"TUNIT{column}").lower())
        offset += -(-repeat // 8) if form[2] == "X" else repeat * _WIDTH[form[2]]
    return columns


def _beam(columns: dict[str, _Column], data: bytes, start: int, scales: list[float]) -> Beam | None:
    try:
        values = [struct.unpack_from(c.code, data, start + c.offset)[0] for c in _three(columns)]
    except struct.error:
        return None
    major, minor, angle = (value * scale for value, scale in zip(values, scales, strict=True))
    if not (major > 0 and minor > 0 and all(map(math.isfinite, values))):
        return None
    return _ordered(major, minor, angle / 3600)


def _three(columns: dict[str, _Column]) -> list[_Column]:
    return [columns[name] for name in ("BMAJ", "BMIN", "BPA")]
