"""Where the pixels of an image are on the sky, for the plain headers that interferometers have.

Done here are the zenithal projections SIN, TAN, ARC, ZEA and STG without parameters, on axes in degrees, in ICRS or
FK5 of J2000. Formulae: Calabretta & Greisen 2002, A&A 395, 1077 (numbers of equations below). Every other header is
`None` here and goes to astropy (`stoa.meta.world`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from msgspec import Struct

Getter = Callable[[str], str]
"""Gives the text of a header keyword's value, empty where there is none."""

_STEMS = ("NAXIS", "CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT")

WORLD = re.compile(
    r"NAXIS|WCSAXES|(?:NAXIS|CTYPE|CRVAL|CDELT|CRPIX|CUNIT|CROTA)\d{1,2}|(?:CD|PC|PV|PS)\d{1,2}_\d{1,2}|PC\d{6}"
    r"|LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX|EPOCH|RESTFRQ|RESTFREQ|RESTWAV|VELREF|SPECSYS"
    r"|(?:A|B|AP|BP)_(?:ORDER|\d{1,2}_\d{1,2})|(?:CPDIS|CQDIS|D2IMDIS)\d|D2IMARR"
)
"""Keywords that say where pixels are on the sky and along the spectrum; others do not matter for that."""

WORLD_KEYWORDS = (
    "NAXIS", "WCSAXES", *(f"{stem}{axis}" for axis in range(1, 5) for stem in _STEMS), "CROTA1", "CROTA2",
    *(form.format(i, j) for form in ("CD{}_{}", "PC{}_{}", "PC{:02}_{:02}", "PC{:03}{:03}")
      for i in range(1, 5) for j in range(1, 5)),
    *(f"PV{axis}_{number}" for axis in (1, 2) for number in range(5)), "LONPOLE", "LATPOLE", "RADESYS", "RADECSYS",
    "EQUINOX", "EPOCH", "RESTFRQ", "RESTFREQ", "RESTWAV", "VELREF",
)  # fmt: skip
"""The usual ones of them."""

NAMES = ("RA", "DEC"), ("GLON", "GLAT"), ("ELON", "ELAT"), ("SLON", "SLAT")
"""Longitude and latitude as CTYPE begins: equatorial, galactic, ecliptic, supergalactic."""

SPECTRAL = ("FREQ", "VRAD", "VOPT", "VELO", "FELO", "ZOPT", "BETA", "WAVE", "WAVN", "AWAV", "ENER")
"""How CTYPE of a spectral axis begins (FITS Standard 4.0, table 25, and AIPS)."""

MOST_AXES = 9
_CTYPES = tuple(f"CTYPE{axis}" for axis in range(1, MOST_AXES + 1))
_PLAIN_TYPE = re.compile(r"(?:RA-|DEC)--(SIN|TAN|ARC|ZEA|STG)")
_MATRIX = re.compile(r"(CD|PC)(?:(\d{1,2})_(\d{1,2})|(\d{3})(\d{3}))")
_PARAMETER = re.compile(r"(?:PV|PS)\d|[AB]P?_|CPDIS|CQDIS|D2IM")


def _tan(radius: float) -> float:
    return math.atan2(math.degrees(1), radius)  # (55)


def _sin(radius: float) -> float:
    return math.acos(math.radians(radius))  # (62), xi = eta = 0


def _arc(radius: float) -> float:
    return math.pi / 2 - math.radians(radius)  # (68)


def _zea(radius: float) -> float:
    return math.pi / 2 - 2 * math.asin(math.radians(radius) / 2)  # (72)


def _stg(radius: float) -> float:
    return math.pi / 2 - 2 * math.atan(math.radians(radius) / 2)  # (58)


_ZENITHAL: dict[str, Callable[[float], float]] = {"TAN": _tan, "SIN": _sin, "ARC": _arc, "ZEA": _zea, "STG": _stg}


class Celestial(Struct, frozen=True, kw_only=True):
    """The pair of celestial axes of an image with a plain header; angles in degrees."""

    lon: int  # number of the axis of longitude, from 1
    lat: int
    projection: str  # SIN, TAN, ...
    shape: tuple[int, int]  # pixels along longitude and latitude
    crpix: tuple[float, float]
    crval: tuple[float, float]
    matrix: tuple[float, float, float, float]  # degrees per pixel, by rows
    lonpole: float

    @property
    def pixel_deg(self) -> float:
        """Side of a square with the area of a pixel."""
        a, b, c, d = self.matrix
        return math.sqrt(abs(a * d - b * c))

    @property
    def centre(self) -> tuple[float, float]:
        """Pixel coordinates of the centre; the centre of the first pixel is (1, 1)."""
        return (self.shape[0] + 1) / 2, (self.shape[1] + 1) / 2

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Pixel coordinates of the centres of the corner pixels, from the first, clockwise in pixel space."""
        width, height = self.shape
        return (1, 1), (1, height), (width, height), (width, 1)

    def sky(self, *pixels: tuple[float, float]) -> list[tuple[float, float] | None]:
        """Longitude and latitude of pixels in the header's own frame; None where there is no sky."""
        a, b, c, d = self.matrix
        offsets = [(x - self.crpix[0], y - self.crpix[1]) for x, y in pixels]
        plane = [(a * x + b * y, c * x + d * y) for x, y in offsets]
        return _from_zenith(plane, _ZENITHAL[self.projection], self.crval, self.lonpole)


def _from_zenith(
    plane: list[tuple[float, float]],
    latitude: Callable[[float], float],
    pole: tuple[float, float],
    lonpole: float,
) -> list[tuple[float, float] | None]:
    """Positions of points in the plane of a zenithal projection, whose native pole is the reference point."""
    turned = rotation(pole, math.radians(lonpole))
    found: list[tuple[float, float] | None] = []
    for x, y in plane:
        try:
            theta = latitude(math.hypot(x, y))
        except ValueError:
            found.append(None)
        else:
            found.append(turned(math.atan2(x, -y), theta))  # (14)
    return found


def rotation(pole: tuple[float, float], phi_pole: float) -> Callable[[float, float], tuple[float, float]]:
    """What gives longitude and latitude in degrees of a native longitude and latitude in radians (2).

    Parameters
    ----------
    pole
        Longitude and latitude of the native pole in degrees.
    phi_pole
        Native longitude of the celestial pole in radians.
    """
    lon = math.radians(pole[0])
    sin_lat, cos_lat = math.sin(math.radians(pole[1])), math.cos(math.radians(pole[1]))

    def turned(phi: float, theta: float) -> tuple[float, float]:
        up, out = math.sin(theta), math.cos(theta)
        along, across = out * math.cos(phi - phi_pole), out * math.sin(phi - phi_pole)
        north = up * sin_lat + along * cos_lat
        level = up * cos_lat - along * sin_lat
        return math.degrees(lon + math.atan2(-across, level)) % 360, math.degrees(
            math.atan2(north, math.hypot(level, across))
        )

    return turned


def separation(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Angle between two positions; all in degrees (haversine: exact for what is near, to 1e-6 for antipodes)."""
    a, b = math.radians(one[1]), math.radians(two[1])
    across, up = math.sin(math.radians(two[0] - one[0]) / 2), math.sin((b - a) / 2)
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(up * up + math.cos(a) * math.cos(b) * across * across))))


def _bias() -> tuple[tuple[float, ...], ...]:
    """Rotation from FK5 of J2000 to ICRS (Feissel & Mignard 1998, A&A 331, L33, as in the SOFA routine fk5hip)."""
    x, y, z = (math.radians(mas / 3.6e6) for mas in (19.9, 9.1, -22.9))
    length = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / length, y / length, z / length
    c, s, d = math.cos(length), math.sin(length), 1 - math.cos(length)
    return (
        (c + x * x * d, x * y * d - z * s, x * z * d + y * s),
        (x * y * d + z * s, c + y * y * d, y * z * d - x * s),
        (x * z * d - y * s, y * z * d + x * s, c + z * z * d),
    )


_FK5_TO_ICRS = _bias()


def fk5_to_icrs(position: tuple[float, float]) -> tuple[float, float]:
    """ICRS right ascension and declination of a position in FK5 of J2000; all in degrees."""
    lon, lat = math.radians(position[0]), math.radians(position[1])
    at = (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
    x, y, z = (sum(part * coordinate for part, coordinate in zip(row, at, strict=True)) for row in _FK5_TO_ICRS)
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def number(text: str) -> float | None:
    """A finite number, or None."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def axis_types(texts: Mapping[str, str]) -> tuple[str, ...]:
    """CTYPE of the first nine axes, in upper case."""
    return _in_capitals(tuple([texts.get(keyword, "") for keyword in _CTYPES]))


@lru_cache(maxsize=64)
def _in_capitals(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([text.upper() for text in texts])


@lru_cache(maxsize=256)
def first_of(kinds: tuple[str, ...], ctypes: tuple[str, ...]) -> int:
    """Number of the first axis whose CTYPE begins with one of some words, 0 if none does."""
    return next((axis for axis, ctype in enumerate(ctypes, 1) if ctype.startswith(kinds)), 0)


class _Parts(Struct, frozen=True):
    """Keywords of a header by what they do."""

    matrix: tuple[str, ...]  # CD and PC
    parameters: tuple[str, ...]  # of projections and distortions
    bends: tuple[str, ...]  # CROTA, PV and PS


@lru_cache(maxsize=256)  # headers by one program have the same keywords
def _parts(names: tuple[str, ...]) -> _Parts:
    return _Parts(
        matrix=tuple(name for name in names if _MATRIX.fullmatch(name)),
        parameters=tuple(name for name in names if _PARAMETER.match(name)),
        bends=tuple(name for name in names if name.startswith(("CROTA", "PV", "PS"))),
    )


@lru_cache(maxsize=64)
def celestial_pair(ctypes: tuple[str, ...]) -> tuple[int, int, str]:
    """Numbers of the axes of longitude and latitude and the name of the longitude; zeros if there is no such pair."""
    names = [ctype.partition("-")[0].strip() for ctype in ctypes]
    for lon, lat in NAMES:
        if names.count(lon) == names.count(lat) == 1:
            return names.index(lon) + 1, names.index(lat) + 1, lon
    return 0, 0, ""


def celestial(texts: Mapping[str, str]) -> Celestial | None:
    """The celestial axes of a plain header; None where there are none, or where astropy has to be asked.

    Parameters
    ----------
    texts
        Texts by keyword of all cards that match `WORLD`.
    """
    lon, lat, _ = celestial_pair(axis_types(texts))
    projection = _plain_projection(texts[f"CTYPE{lon}"], texts[f"CTYPE{lat}"]) if lon else ""
    if not projection or not {texts.get(f"CUNIT{lon}", ""), texts.get(f"CUNIT{lat}", "")} <= {"", "deg"}:
        return None
    if any(texts[name] and number(texts[name]) != 0 for name in _parts(tuple(texts)).parameters):
        return None
    matrix = linear(texts, lon, lat)
    shape, crval, crpix = (_numbers(texts, stem, lon, lat) for stem in ("NAXIS", "CRVAL", "CRPIX"))
    if matrix is None or shape is None or crval is None or crpix is None or abs(crval[1]) > 90:
        return None
    lonpole = number(texts.get("LONPOLE", "")) if texts.get("LONPOLE") else (180.0 if crval[1] < 90 else 0.0)
    if lonpole is None or min(shape) < 1:
        return None
    return Celestial(
        lon=lon, lat=lat, projection=projection, shape=(int(shape[0]), int(shape[1])),
        crpix=crpix, crval=crval, matrix=matrix, lonpole=lonpole,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _plain_projection(lon: str, lat: str) -> str:
    """The projection that two CTYPEs name, "" if they do not name one of those done here."""
    one, two = _PLAIN_TYPE.fullmatch(lon), _PLAIN_TYPE.fullmatch(lat)
    return one[1] if one and two and one[1] == two[1] else ""


def _numbers(texts: Mapping[str, str], stem: str, lon: int, lat: int) -> tuple[float, float] | None:
    first, second = number(texts.get(f"{stem}{lon}", "")), number(texts.get(f"{stem}{lat}", ""))
    return None if first is None or second is None else (first, second)


def linear(texts: Mapping[str, str], *pair: int) -> tuple[float, float, float, float] | None:
    """Pixels to intermediate coordinates in the unit of two axes: CD, or CDELT with PC (any CASA's spelling) or CROTA.

    None where they are singular, mixed, tied to other axes, or no numbers.
    """
    names = _parts(tuple(texts)).matrix
    terms = _terms(names, tuple([texts[name] for name in names]), pair)
    if terms is None:
        return None
    cells = [(i, j) for i in pair for j in pair]
    turns = [texts.get(f"CROTA{axis}", "") for axis in pair]
    turned = any(text and number(text) != 0 for text in turns)
    if terms["CD"]:
        matrix = [terms["CD"].get(cell, 0.0) for cell in cells]
        if turned or terms["PC"]:
            return None
    else:
        steps = _numbers(texts, "CDELT", *pair)
        if steps is None or (turned and terms["PC"]):
            return None
        parts = _turned(turns) if turned else [terms["PC"].get((i, j), float(i == j)) for i, j in cells]
        if parts is None:
            return None
        if turned:  # CROTA turns the scaled axes, PC the pixels
            cos, sin = parts[0], parts[2]
            matrix = [steps[0] * cos, -steps[1] * sin, steps[0] * sin, steps[1] * cos]
        else:
            matrix = [steps[0] * parts[0], steps[0] * parts[1], steps[1] * parts[2], steps[1] * parts[3]]
    a, b, c, d = matrix
    return (a, b, c, d) if a * d != b * c else None


@lru_cache(maxsize=256)  # few images are turned: most headers have the same matrix
def _terms(
    names: tuple[str, ...], values: tuple[str, ...], pair: tuple[int, ...]
) -> Mapping[str, Mapping[tuple[int, int], float]] | None:
    """What the CD and the PC cards have for the rows of some axes; None for no numbers and ties to other axes."""
    terms: dict[str, dict[tuple[int, int], float]] = {"CD": {}, "PC": {}}
    for (kind, i, j), text in zip(map(_place, names), values, strict=True):
        if not text or (text == "0.0" and kind == "PC" and i != j):
            continue
        value = number(text)
        if value is None or (value and (i in pair) != (j in pair)):
            return None
        if i in pair:
            terms[kind][i, j] = value
    return terms


def _place(name: str) -> tuple[str, int, int]:
    """CD or PC and its two axes."""
    found = _MATRIX.fullmatch(name)
    assert found
    return found[1], int(found[2] or found[4]), int(found[3] or found[5])


def _turned(turns: list[str]) -> list[float] | None:
    """Rotation by CROTA of the latitude; None where the longitude has one, too."""
    angle = number(turns[1])
    if angle is None or (turns[0] and number(turns[0]) != 0):
        return None
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return [cos, -sin, sin, cos]


def is_alone(texts: Mapping[str, str], axis: int) -> bool:
    """Whether nothing but CRVAL, CDELT and CRPIX places the pixels of an axis: no CD, PV or CROTA, PC of unity."""
    parts = _parts(tuple(texts))
    if not _is_apart(parts.matrix, tuple([texts[name] for name in parts.matrix]), axis):
        return False
    own = (f"CROTA{axis}", f"PV{axis}_", f"PS{axis}_")
    return not any(texts[name] for name in parts.bends if name.startswith(own))


@lru_cache(maxsize=256)
def _is_apart(names: tuple[str, ...], values: tuple[str, ...], axis: int) -> bool:
    """Whether there is no CD card, and no PC card that ties an axis to another or scales it."""
    for (kind, i, j), text in zip(map(_place, names), values, strict=True):
        if text and (kind == "CD" or (axis in (i, j) and number(text) != float(i == j))):
            return False
    return True
