"""Where pixels are on the sky and along the spectrum, for every header that is not plain: by way of astropy.

astropy is imported only when such a header is met. A keyword that is not understood raises `Unclear`; nothing is
taken as absent or as 1.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.meta.sky import MOST_AXES, axis_types, celestial_pair, number

if TYPE_CHECKING:
    from astropy.io.fits import Header
    from astropy.wcs import WCS

_NUMERIC = re.compile(
    r"(?:CRVAL|CDELT|CRPIX|CROTA)\d+|(?:CD|PC|PV)\d+_\d+|PC\d{6}|WCSAXES|LONPOLE|LATPOLE|RESTFRQ"
    r"|RESTFREQ|RESTWAV|VELREF"
)
_SYSTEMS = {
    "ICRS": "ICRS", "ICRF": "ICRS", "FK5": "FK5", "J2000": "FK5", "J2000.0": "FK5", "FK4": "FK4", "B1950": "FK4",
    "B1950.0": "FK4", "FK4-NO-E": "FK4-NO-E",
}  # fmt: skip
_VELOCITIES = ("VRAD", "VOPT", "VELO", "FELO", "ZOPT", "BETA")
_REST = ("RESTFRQ", "RESTFREQ", "RESTWAV")
_OTHER_FRAMES = {"GLON": "galactic", "ELON": "ecliptic", "SLON": "supergalactic"}
_OLD_PC = re.compile(r"PC0(\d)_0(\d)|PC(\d{3})(\d{3})")
_ERRORS = (ValueError, RuntimeError, TypeError, KeyError, IndexError, AssertionError, MemoryError, OSError)
"""What astropy raises for headers that it does not understand; wcslib's errors have no common base."""


class Unclear(Exception):
    """What a header says is not understood; the message says which card and why."""


class Frame(Struct, frozen=True):
    """Frame of the celestial axes: ICRS, FK5, FK4, FK4-NO-E, galactic, ecliptic or supergalactic."""

    name: str
    equinox: float | None = None  # where the frame has one and the header names it


class Place(Struct, frozen=True):
    """Where an image is; positions are ICRS in degrees, None where a pixel is not on the sky."""

    pixel_deg: float
    centre: tuple[float, float] | None
    corners: tuple[tuple[float, float] | None, ...]


class Band(Struct, frozen=True):
    """The spectral axis in Hz: middle, and outer edges of the first and the last channel."""

    middle: float
    first: float
    last: float


def frame_of(texts: Mapping[str, str]) -> Frame:
    """The frame of the celestial axes (FITS Standard 4.0, 8.3).

    Raises
    ------
    Unclear
        If RADESYS is not a frame that is known, or the year of the equinox is needed and is none within 1800 and 2200.
    """
    lon = celestial_pair(axis_types(texts))[2]
    if lon in ("GLON", "SLON"):
        return Frame(_OTHER_FRAMES[lon])
    named = (texts.get("RADESYS") or texts.get("RADECSYS") or "").strip().upper()
    if named and named not in _SYSTEMS:
        raise Unclear(f"RADESYS is {named!r}, which is not a frame that is known")
    if lon == "ELON":
        return Frame("ecliptic", _equinox(texts))
    system = _SYSTEMS.get(named, "")
    if system == "ICRS":
        return Frame(system)
    equinox = _equinox(texts)
    if not system:
        system = "ICRS" if equinox is None else "FK4" if equinox < 1984 else "FK5"
    return Frame(system, None if system == "ICRS" else equinox)


def _equinox(texts: Mapping[str, str]) -> float | None:
    for keyword in ("EQUINOX", "EPOCH"):
        if text := texts.get(keyword, "").strip():
            year = number(text.upper().lstrip("JB"))
            if year is None or not 1800 <= year <= 2200:
                raise Unclear(f"{keyword} is {text!r}, which is not a year")
            return year
    return None


def place(texts: Mapping[str, str], frame: Frame) -> Place:
    """Size of a pixel, centre and corners of an image with celestial axes.

    Raises
    ------
    Unclear
        If astropy does not understand the celestial axes.
    """
    import numpy as np
    from astropy.wcs import WCSSUB_LATITUDE, WCSSUB_LONGITUDE
    from astropy.wcs.utils import proj_plane_pixel_area

    whole = _wcs(texts, celestial_pair(axis_types(texts))[:2])
    try:
        wcs = whole.celestial if whole.wcs.lng < whole.wcs.lat else whole.sub([WCSSUB_LONGITUDE, WCSSUB_LATITUDE])
        width, height = (_length(texts, axis + 1) for axis in (whole.wcs.lng, whole.wcs.lat))
        if width < 1 or height < 1:
            raise Unclear("the celestial axes have no pixels")
        middle = (width + 1) / 2, (height + 1) / 2
        pixels = np.array([middle, (1, 1), (1, height), (width, height), (width, 1)], dtype=float)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sky = wcs.all_pix2world(pixels, 1)
            size = math.sqrt(proj_plane_pixel_area(wcs))
    except _ERRORS as error:
        raise Unclear(_said(error)) from error
    centre, *corners = _icrs(sky, frame)
    return Place(size, centre, tuple(corners))


def band(texts: Mapping[str, str]) -> Band | None:
    """The spectral axis in frequencies; None where the header has none.

    wcslib's own translation gives frequencies from every type of axis, in every unit and convention.

    Raises
    ------
    Unclear
        If no frequencies follow from it.
    """
    import numpy as np
    from astropy.wcs import WCSSUB_SPECTRAL

    types = axis_types(texts)
    pair = celestial_pair(types)[:2]
    for axis, kind in enumerate(types, 1):
        if kind.startswith(_VELOCITIES) and not any(number(texts.get(rest, "")) for rest in _REST):
            raise Unclear(f"CTYPE{axis} is {kind!r}, a velocity, and there is no rest frequency (RESTFRQ)")
    whole = _wcs(texts, tuple(axis for axis in range(1, MOST_AXES + 1) if axis not in pair))
    axis = whole.wcs.spec + 1
    if not axis:
        return None
    count = max(_length(texts, axis), 1)
    try:
        spectral = whole.sub([WCSSUB_SPECTRAL])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not spectral.wcs.ctype[0].startswith("FREQ"):
                spectral.wcs.sptr("FREQ-???", 0)
            pixels = np.array([[(count + 1) / 2], [0.5], [count + 0.5]])
            middle, first, last = spectral.wcs_pix2world(pixels, 1)[:, 0].tolist()
    except _ERRORS as error:
        raise Unclear(f"CTYPE{axis} is {types[axis - 1]!r}: {_said(error)}") from error
    if not all(math.isfinite(hz) and hz > 0 for hz in (middle, first, last)):
        raise Unclear(f"CTYPE{axis} is {types[axis - 1]!r}, and its frequencies are not all positive")
    return Band(middle, first, last)


def _length(texts: Mapping[str, str], axis: int) -> int:
    return int(number(texts.get(f"NAXIS{axis}", "")) or 0)


def _icrs(sky: Any, frame: Frame) -> list[tuple[float, float] | None]:
    from astropy import coordinates
    from astropy.coordinates import SkyCoord

    year = f"{'B' if frame.name.startswith('FK4') else 'J'}{frame.equinox}"
    equinox = {} if frame.equinox is None else {"equinox": year}
    frames = {
        "ICRS": coordinates.ICRS, "FK5": coordinates.FK5, "FK4": coordinates.FK4,
        "FK4-NO-E": coordinates.FK4NoETerms, "galactic": coordinates.Galactic,
        "ecliptic": coordinates.BarycentricMeanEcliptic, "supergalactic": coordinates.Supergalactic,
    }  # fmt: skip
    found: list[tuple[float, float] | None] = []
    for lon, lat in sky.tolist():
        if not (math.isfinite(lon) and math.isfinite(lat) and abs(lat) <= 90):
            found.append(None)
            continue
        icrs = SkyCoord(lon, lat, unit="deg", frame=frames[frame.name](**equinox)).icrs
        found.append((float(icrs.ra.deg), float(icrs.dec.deg)))
    return found


def _wcs(texts: Mapping[str, str], wanted: tuple[int, ...]) -> WCS:
    """The world coordinates; of the wanted axes alone where astropy does not understand all."""
    from astropy.wcs import WCS

    header = _header(texts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return WCS(header)
        except _ERRORS as error:
            first = error
        for keyword in list(header):
            found = re.fullmatch(r"(?:CTYPE|CUNIT)(\d+)", keyword)
            if found and int(found[1]) not in wanted:
                del header[keyword]
        try:
            return WCS(header)
        except _ERRORS:
            raise Unclear(_said(first)) from first


def _header(texts: Mapping[str, str]) -> Header:
    """The cards as astropy takes them, with common spellings as the standard has them."""
    from astropy.io.fits import Header

    header = Header()
    for keyword, text in texts.items():
        if not text or keyword.startswith("NAXIS") or keyword in ("RADESYS", "RADECSYS", "EQUINOX", "EPOCH"):
            continue  # there may be more axes than the pixels have
        if _NUMERIC.fullmatch(keyword):
            value = number(text)
            if value is None:
                raise Unclear(f"{keyword} is {text!r}, which is not a number")
            header[_matrix_name(keyword)] = int(value) if keyword.startswith(("WCSAXES", "VELREF")) else value
        else:
            value = number(text)
            header[keyword] = text.upper() if keyword.startswith("CTYPE") else text if value is None else value
    return header


def _matrix_name(keyword: str) -> str:
    """PC01_02 and PC001002 of an old CASA as PC1_2."""
    found = _OLD_PC.fullmatch(keyword)
    return f"PC{int(found[1] or found[3])}_{int(found[2] or found[4])}" if found else keyword


def _said(error: Exception) -> str:
    """What astropy says is wrong, without the place in wcslib's source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("ERROR")]
    return (lines[0] if lines else str(error)).rstrip(".")[:160]
