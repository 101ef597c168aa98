"""What some rows of pixels tell: how wide a primary beam is, and whether an image has values at all."""

from __future__ import annotations

import math
import struct
import sys
from array import array

from stoa.meta.header import FitsFile, Header, Span
from stoa.meta.sky import number

MAX_ROW = 100_000
_CODES = {-32: "f", -64: "d"}
_SIZES = {"-32": 4, "-64": 8}
_MOSAIC = 1.1
_TOO_FLAT = 0.8
"""Gain at the edge of an image above which a Gaussian through it is wrong by more than some per cent."""


LOOKED_AT = 16
"""Rows of an image that have to be without a value for it to be called blank."""


def central_row(header: Header) -> Span | None:
    """Where the row through the reference pixel is in the data, of a cube that of the middle plane.

    None if there is no such row, or it does not hold real numbers.
    """
    width, height = _width(header), header.integer("NAXIS2") or 1
    row = round(number(header.text("CRPIX2")) or 0.0) - 1
    if not width or not 0 <= row < height:
        return None
    depth, stokes = header.integer("NAXIS3") or 1, header.integer("NAXIS4") or 1
    plane = stokes // 2 * depth if header.text("CTYPE3").upper().startswith("STOKES") else depth // 2
    return Span((plane * height + row) * width, width)


def _width(header: Header) -> int:
    """Bytes of a row; 0 where pixels are no real numbers or a row is too short or long."""
    size, pixels = _SIZES.get(header.text("BITPIX"), 0), header.integer("NAXIS1") or 1
    return size * pixels if 3 <= pixels <= MAX_ROW else 0


def sampled_rows(header: Header) -> list[Span]:
    """Where up to 16 rows are in the data, evenly spread over all planes; none where pixels are no real numbers."""
    length = _width(header)
    if not length:
        return []
    rows = math.prod(max(header.integer(f"NAXIS{axis}") or 1, 1) for axis in (2, 3, 4))
    count = min(rows, LOOKED_AT)
    return [Span((2 * number + 1) * rows // (2 * count) * length, length) for number in range(count)]


def is_blank(header: Header, pixels: bytes) -> bool:
    """Whether all of some pixels are NaN; False for none."""
    if not pixels:
        return False
    code = _CODES[header.integer("BITPIX") or 0]
    length = struct.calcsize(code)
    (middle,) = struct.unpack_from(f">{code}", pixels, len(pixels) // length // 2 * length)
    return middle != middle and all(value != value for value in _values(header, pixels))  # NaN differs from itself


def _values(header: Header, pixels: bytes) -> array[float]:
    """The numbers that some bytes of the data are."""
    values: array[float] = array(_CODES[header.integer("BITPIX") or 0])
    values.frombytes(pixels)
    if sys.byteorder == "little":
        values.byteswap()
    return values


def measured(fits: FitsFile, pixel_arcsec: str, name: str) -> dict[str, str]:
    """The half width at half maximum of the primary beam along the row that was read; empty if it cannot be told."""
    pixel = number(pixel_arcsec)
    if fits.header is None or not fits.pixels or not pixel:
        return {}
    found = half_width(_values(fits.header, fits.pixels).tolist(), round(number(fits.header.text("CRPIX1")) or 0.0) - 1)
    if not found:
        return {}
    row = round(number(fits.header.text("CRPIX2")) or 0.0)
    return {"pb_hwhm_arcsec": f"{found[0] * pixel:.6g}", "pb_hwhm_origin": f"{name}, row {row}{found[1]}"}


def half_width(gains: list[float], centre: int) -> tuple[float, str] | None:
    """Pixels from the middle of a beam to half of its gain there, and a word if that was not seen but follows.

    Where the image ends before the beam has fallen to a half, a Gaussian through its last pixels takes its place.

    Parameters
    ----------
    gains
        Along a row; NaN where the beam was not computed.
    centre
        Index of the middle.

    Returns
    -------
    width
        None where the gain grows away from the middle, as in a mosaic, or has hardly fallen where the image ends.
    """
    if not 0 <= centre < len(gains) or not gains[centre] > 0:
        return None
    right, left = _outwards(gains[centre:], gains[centre]), _outwards(gains[centre::-1], gains[centre])
    if right is None or left is None:
        return None
    seen = [width for side in (right, left) if (width := _crossing(side))]
    if seen:
        return sum(seen) / len(seen), ""
    followed = [width for side in (right, left) if (width := _gaussian(side))]
    return (sum(followed) / len(followed), ", Gaussian through its end") if followed else None


def _outwards(side: list[float], peak: float) -> list[float] | None:
    """Relative gains from the middle until one is below a half or the beam ends; None if they grow."""
    found: list[float] = []
    for gain in side:
        relative = gain / peak
        if relative > _MOSAIC:
            return None
        if not relative >= 0.5:
            return [*found, relative] if relative < 0.5 else found
        found.append(relative)
    return found


def _crossing(side: list[float]) -> float | None:
    """Where the gain falls through a half, on a straight line between two pixels."""
    if len(side) < 2 or side[-1] >= 0.5:
        return None
    inner, outer = side[-2:]
    return len(side) - 2 + (inner - 0.5) / (inner - outer)


def _gaussian(side: list[float]) -> float | None:
    """Half width of the Gaussian that has the gain of the last pixel."""
    if len(side) < 2 or not 0.5 <= side[-1] < _TOO_FLAT:
        return None
    return (len(side) - 1) * math.sqrt(math.log(2) / -math.log(side[-1]))
