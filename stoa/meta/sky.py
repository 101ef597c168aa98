"""Where the pixels of an image lie on the sky: the few projections that interferometers use.

Formulae: Calabretta & Greisen 2002, A&A 395, 1077 (numbers of equations below). Distortions, slant orthographic
(``PV2_1``, ``PV2_2``) and projections that are not listed here are not done; an image with them has no centre.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

_LON = ("RA", "GLON")
_LAT = ("DEC", "GLAT")
_DEGREES = {"deg": 1.0, "": 1.0, "arcmin": 1 / 60, "arcsec": 1 / 3600, "rad": math.degrees(1)}

Getter = Callable[[str], str]
"""Gives the text of a header keyword's value, empty where there is none."""

_NUMBERS = range(1, 5)
_CTYPES = tuple(f"CTYPE{axis}" for axis in _NUMBERS)
_AXIS_STEMS = ("NAXIS", "CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT")
_ROTATIONS = ("PC{}_{}", "PC{:02}_{:02}", "PC{:03}{:03}")
ALL_KEYWORDS = (
    *(f"{stem}{axis}" for axis in _NUMBERS for stem in _AXIS_STEMS), "CROTA1", "CROTA2", "LONPOLE",
    *(form.format(i, j) for form in ("CD{}_{}", *_ROTATIONS) for i in (1, 2) for j in (1, 2)),
)  # fmt: skip
"""What is usually asked by `celestial`: where the celestial axes are the first two."""


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
_SINUSOIDAL = frozenset({"SFL", "GLS"})
_PLAIN = frozenset({"CAR", ""})


class Celestial(Struct, frozen=True, kw_only=True):
    """The pair of celestial axes of an image; angles in degrees."""

    lon: int  # number of the axis of longitude, from 1
    lat: int
    system: str  # "equatorial" or "galactic"
    projection: str  # SIN, TAN, ...; "" for none
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
        if self.projection in _ZENITHAL:
            return _from_zenith(plane, _ZENITHAL[self.projection], self.crval, self.lonpole)
        return [self._deproject(x, y) for x, y in plane]

    def _deproject(self, x: float, y: float) -> tuple[float, float] | None:
        lon, lat = self.crval
        if self.projection in _SINUSOIDAL:
            squeeze = math.cos(math.radians(lat + y))
            return ((lon + x / squeeze) % 360, lat + y) if squeeze > 1e-9 and abs(lat + y) <= 90 else None
        if self.projection in _PLAIN and (lat == 0 or not self.projection) and abs(lat + y) <= 90:
            return (lon + x) % 360, lat + y
        return (lon % 360, lat) if x == y == 0 else None


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
        east = math.atan2(-across, up * cos_lat - along * sin_lat)
        return math.degrees(lon + east) % 360, math.degrees(math.asin(max(-1.0, min(1.0, north))))

    return turned


def rotate(phi: float, theta: float, pole: tuple[float, float], phi_pole: float) -> tuple[float, float]:
    """One position as `rotation` gives it."""
    return rotation(pole, phi_pole)(phi, theta)


def separation(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Angle between two positions; all in degrees (haversine: exact for what is near, to 1e-6 for antipodes)."""
    a, b = math.radians(one[1]), math.radians(two[1])
    across, up = math.sin(math.radians(two[0] - one[0]) / 2), math.sin((b - a) / 2)
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(up * up + math.cos(a) * math.cos(b) * across * across))))


@lru_cache(maxsize=64)
def _precession(equinox: float) -> tuple[float, float, float]:
    """Angles zeta, z and theta from an equinox to J2000 in degrees (Lieske et al. 1977, A&A 58, 1)."""
    start = (equinox - 2000) / 100
    t = -start
    first = (2306.2181 + 1.39656 * start - 0.000139 * start**2) * t
    zeta = first + (0.30188 - 0.000344 * start) * t**2 + 0.017998 * t**3
    z = first + (1.09468 + 0.000066 * start) * t**2 + 0.018203 * t**3
    theta = (2004.3109 - 0.85330 * start - 0.000217 * start**2) * t
    theta -= (0.42665 + 0.000217 * start) * t**2 + 0.041833 * t**3
    return zeta / 3600, z / 3600, theta / 3600


_EQUINOX_B1950 = 0.525 / 3600
"""What Fricke's correction adds to right ascensions of FK4, in degrees."""


def to_icrs(position: tuple[float, float], frame: str, equinox: float | None = None) -> tuple[float, float] | None:
    """ICRS right ascension and declination in degrees of a position in another frame.

    FK5 counts as ICRS (they differ by 25 mas); FK4 is precessed without its E-terms, good to 1 arcsec. None for a
    frame that is not known.

    Parameters
    ----------
    equinox
        Of FK5 and FK4, where it is not J2000 or B1950.
    """
    if frame == "ICRS":
        return position
    lon, lat = math.radians(position[0]), math.radians(position[1])
    if frame in ("FK5", "FK4"):
        start = equinox or (2000.0 if frame == "FK5" else 1950.0)
        if start == 2000.0:
            return position
        zeta, z, theta = _precession(start)
        lon += math.radians(_EQUINOX_B1950 if frame == "FK4" else 0.0)
        return rotate(lon, lat, (z + 180, 90 - theta), -math.radians(zeta))
    if frame == "galactic":
        return rotate(lon, lat, (192.85948, 27.12825), math.radians(122.93192))
    return None


def number(text: str) -> float | None:
    """A finite number, or None."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@lru_cache(maxsize=64)
def _pair(ctypes: tuple[str, ...]) -> tuple[int, int]:
    """Numbers of the axes of longitude and latitude; zeros if there is no such pair."""
    names = [_kind(ctype)[0] for ctype in ctypes]
    for lon, lat in zip(_LON, _LAT, strict=True):
        if names.count(lon) == names.count(lat) == 1:
            return names.index(lon) + 1, names.index(lat) + 1
    return 0, 0


def axes_keywords(get: Getter) -> tuple[str, ...]:
    """Every keyword that `celestial` may ask of this header."""
    return _axes_keywords(*_pair(tuple(map(get, _CTYPES))))


@lru_cache(maxsize=16)
def _axes_keywords(lon: int, lat: int) -> tuple[str, ...]:
    along = tuple(f"{stem}{axis}" for axis in _NUMBERS for stem in _AXIS_STEMS)
    pairs = [(i, j) for i in (lon, lat) for j in (lon, lat)]
    across = tuple(form.format(i, j) for form in ("CD{}_{}", *_ROTATIONS) for i, j in pairs)
    return (*along, *across, f"CROTA{lat}", "LONPOLE") if lon else along


def celestial(get: Getter) -> Celestial | None:
    """The celestial axes that a header describes, or None if it has no such pair with a scale."""
    lon, lat = _pair(tuple(map(get, _CTYPES)))
    if not lon:
        return None
    system, projection = _kind(get(f"CTYPE{lon}"))
    matrix = _matrix(get, lon, lat)
    shape = _numbers(get, "NAXIS", lon, lat)
    crval = _numbers(get, "CRVAL", lon, lat)
    if matrix is None or shape is None or crval is None:
        return None
    scale = (_DEGREES.get(get(f"CUNIT{lon}").lower(), 1.0), _DEGREES.get(get(f"CUNIT{lat}").lower(), 1.0))
    a, b, c, d = matrix
    lonpole = number(get("LONPOLE"))
    return Celestial(
        lon=lon,
        lat=lat,
        system="equatorial" if system == "RA" else "galactic",
        projection=projection,
        shape=(int(shape[0]), int(shape[1])),
        crpix=_numbers(get, "CRPIX", lon, lat) or (0.0, 0.0),
        crval=(crval[0] * scale[0], crval[1] * scale[1]),
        matrix=(a * scale[0], b * scale[0], c * scale[1], d * scale[1]),
        lonpole=180.0 if lonpole is None else lonpole,
    )


def _kind(ctype: str) -> tuple[str, str]:
    """Name and projection: ``RA---SIN`` is RA and SIN, ``RA---SIN-SIP`` and ``RA`` too are understood."""
    name, _, projection = ctype.upper().partition("-")
    return name.strip(), projection.strip("-").partition("-")[0].strip()


def _numbers(get: Getter, stem: str, lon: int, lat: int) -> tuple[float, float] | None:
    first, second = number(get(f"{stem}{lon}")), number(get(f"{stem}{lat}"))
    return None if first is None or second is None else (first, second)


def _matrix(get: Getter, lon: int, lat: int) -> tuple[float, float, float, float] | None:
    """Pixels to intermediate coordinates, in the unit of the axes: CD, or CDELT with PC or CROTA."""
    cd = [number(get(f"CD{i}_{j}")) or 0.0 for i in (lon, lat) for j in (lon, lat)]
    if any(cd):
        return cd[0], cd[1], cd[2], cd[3]
    cdelt = _numbers(get, "CDELT", lon, lat)
    if cdelt is None or not cdelt[0] or not cdelt[1]:
        return None
    rotation = number(get(f"CROTA{lat}"))
    if rotation:
        cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
        return cdelt[0] * cos, -cdelt[1] * sin, cdelt[0] * sin, cdelt[1] * cos
    a, b, c, d = _rotation(get, lon, lat)
    return cdelt[0] * a, cdelt[0] * b, cdelt[1] * c, cdelt[1] * d


def _rotation(get: Getter, lon: int, lat: int) -> tuple[float, float, float, float]:
    """The PC matrix of the two axes, in the spelling of any CASA: PC1_1, PC01_01 or PC001001."""
    for keywords in _pc_keywords(lon, lat):
        texts = [get(keyword) for keyword in keywords]
        if any(texts):
            a, b, c, d = map(number, texts)
            return 1.0 if a is None else a, b or 0.0, c or 0.0, 1.0 if d is None else d
    return 1.0, 0.0, 0.0, 1.0


@lru_cache(maxsize=32)
def _pc_keywords(lon: int, lat: int) -> tuple[tuple[str, ...], ...]:
    pairs = ((lon, lon), (lon, lat), (lat, lon), (lat, lat))
    return tuple(tuple(form.format(i, j) for i, j in pairs) for form in _ROTATIONS)
