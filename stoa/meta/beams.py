"""The beam of each plane of a cube, from the binary table ``BEAMS`` that CASA writes."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable

from msgspec import Struct

MAX_TABLE = 8 * 1024 * 1024
_FORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])")
_WIDTH = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_ARCSEC = {"arcsec": 1.0, "deg": 3600.0, "arcmin": 60.0, "mas": 0.001, "rad": math.degrees(1) * 3600}


class Beam(Struct, frozen=True):
    """An elliptical Gaussian beam: full widths at half maximum, position angle from north through east."""

    major_arcsec: float
    minor_arcsec: float
    pa_deg: float
    planes: int = 1  # of which it is the median


class _Column(Struct, frozen=True):
    offset: int
    code: str  # of `struct`
    unit: str


def median_beam(text: Callable[[str], str], data: bytes) -> Beam | None:
    """The beam whose area is the median of all planes; of an even number the smaller of the two.

    It is one of the table's rows, so that its axes and angle belong together. Rows without a positive beam (CASA's
    empty channels) do not count.

    Parameters
    ----------
    text
        Text of a keyword's value in the header of the table; units are read from it, arcsec if it names none.
    data
        Its rows.

    Returns
    -------
    beam
        None if the table lacks a column or has no positive beam.
    """
    columns = _columns(text)
    if not {"BMAJ", "BMIN", "BPA"} <= columns.keys():
        return None
    row = int(text("NAXIS1") or 0)
    beams = [_beam(columns, data, start) for start in range(0, len(data) - row + 1, row)] if row else []
    positive = sorted((b for b in beams if b), key=lambda b: (b.major_arcsec * b.minor_arcsec, b.major_arcsec))
    if not positive:
        return None
    middle = positive[(len(positive) - 1) // 2]
    return Beam(middle.major_arcsec, middle.minor_arcsec, middle.pa_deg, len(positive))


def _columns(text: Callable[[str], str]) -> dict[str, _Column]:
    """Columns of real numbers by name; a format that is not known ends the list."""
    columns: dict[str, _Column] = {}
    offset = 0
    count = text("TFIELDS")
    for number in range(1, (int(count) if count.isdigit() else 0) + 1):
        form = _FORM.match(text(f"TFORM{number}"))
        if not form:
            break
        repeat = int(form[1] or 1)
        if form[2] in "ED" and repeat == 1:
            code = ">f" if form[2] == "E" else ">d"
            columns[text(f"TTYPE{number}").upper()] = _Column(offset, code, text(f"TUNIT{number}").lower())
        offset += -(-repeat // 8) if form[2] == "X" else repeat * _WIDTH[form[2]]
    return columns


def _beam(columns: dict[str, _Column], data: bytes, start: int) -> Beam | None:
    try:
        values = [struct.unpack_from(c.code, data, start + c.offset)[0] for c in _three(columns)]
    except struct.error:
        return None
    major, minor, angle = values
    if not (major > 0 and minor > 0 and all(map(math.isfinite, values))):
        return None
    scale = [_ARCSEC.get(column.unit, 1.0) for column in _three(columns)[:2]]
    turn = math.degrees(1) if columns["BPA"].unit == "rad" else 1.0
    return Beam(major * scale[0], minor * scale[1], angle * turn)


def _three(columns: dict[str, _Column]) -> list[_Column]:
    return [columns[name] for name in ("BMAJ", "BMIN", "BPA")]
