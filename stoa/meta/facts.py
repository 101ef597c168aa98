"""What follows from a header: where the image lies, its beam, frequency, band, field of view.

Every fact is a text, ready for the metadata document; a fact that does not follow is left out.
Numbers are rounded to what they are worth, so that documents are equal on every machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from msgspec import Struct

from stoa.meta.beams import Beam
from stoa.meta.sky import Celestial, Getter, axes_keywords, celestial, number, separation, to_icrs

SPEED_OF_LIGHT = 299792458.0  # m/s
DISH_M = {"ALMA": 12.0, "ACA": 7.0}
HPBW_FACTOR = 1.13
"""Full width at half maximum of the primary beam in units of lambda / D (ALMA Technical Handbook)."""

_BANDS_GHZ = (
    (35, 50, "1"), (67, 84, "2"), (84, 116, "3"), (125, 163, "4"), (163, 211, "5"), (211, 275, "6"),
    (275, 373, "7"), (385, 500, "8"), (602, 720, "9"), (787, 950, "10"),
)  # fmt: skip
_STOKES = {
    1: "I", 2: "Q", 3: "U", 4: "V", -1: "RR", -2: "LL", -3: "RL", -4: "LR", -5: "XX", -6: "YY", -7: "XY", -8: "YX",
}  # fmt: skip
_HZ = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9, "": 1.0}
_M_S = {"m/s": 1.0, "km/s": 1e3, "": 1.0}
_MOST_DEG = 360.0  # of a beam; more is a mistake
_MOST_HZ = 1e21
_COMPACT = re.compile(r"(?i)(?:^|[._/-])(?:7m|aca)(?=[._-]|$)")
_CLEAN = re.compile(r"CLEAN\s+BMAJ=\s*(\S+)\s+BMIN=\s*(\S+)\s+BPA=\s*(\S+)")


_FRAME_KEYWORDS = (
    "RADESYS", "RADECSYS", "EQUINOX", "EPOCH", "RESTFRQ", "RESTFREQ", "VELREF", "TELESCOP", "INSTRUME",
)  # fmt: skip


class Spectrum(Struct, frozen=True):
    """The spectral coverage of an image."""

    centre_ghz: float
    width_ghz: float | None
    channels: int


def facts(
    get: Getter, plane_beam: Beam | None = None, history: Callable[[], Iterable[str]] = tuple, name: str = ""
) -> dict[str, str]:
    """The derived attributes of one image, from its header alone.

    Parameters
    ----------
    get
        Text of a keyword's value.
    plane_beam
        Median of its BEAMS table.
    history
        Gives the HISTORY texts; asked only where neither BMAJ nor a table gives the beam.
    name
        Name of the file, which may tell the array.
    """
    keywords = axes_keywords(get)
    frame = tuple(map(get, _FRAME_KEYWORDS))
    axes = _axes_facts(keywords, tuple(map(get, keywords)), frame, compact=bool(_COMPACT.search(name)))
    return {**axes, **_beam(get, plane_beam, history)}


@lru_cache(maxsize=1024)  # the files of an image have the same axes
def _axes_facts(
    keywords: tuple[str, ...], texts: tuple[str, ...], frame: tuple[str, ...], *, compact: bool
) -> Mapping[str, str]:
    """What follows from the texts of the axes' keywords and of `_FRAME_KEYWORDS`."""
    get = dict(zip((*keywords, *_FRAME_KEYWORDS), (*texts, *frame), strict=True)).__getitem__
    found: dict[str, str] = {}
    axes = celestial(get)
    if axes:
        found |= _position(axes, frame_of(get, axes), equinox_of(get))
    spectrum = _spectrum(get)
    if spectrum:
        found |= _frequency(spectrum)
        found |= _array(get, spectrum.centre_ghz, compact=compact)
    stokes = _stokes(get)
    if stokes:
        found["stokes"] = stokes
    return found


def frame_of(get: Getter, axes: Celestial) -> str:
    """ICRS, FK5, FK4, galactic, or what RADESYS says (FITS Standard 4.0, 8.3)."""
    if axes.system == "galactic":
        return "galactic"
    named = get("RADESYS") or get("RADECSYS")
    if named:
        return named.upper()
    equinox = equinox_of(get)
    if equinox is None:
        return "ICRS"
    return "FK4" if equinox < 1984 else "FK5"


def equinox_of(get: Getter) -> float | None:
    """The year that the header names; None where it names none within 1800 and 2200."""
    equinox = number((get("EQUINOX") or get("EPOCH")).lstrip("JB"))
    return equinox if equinox and 1800 <= equinox <= 2200 else None


def _position(axes: Celestial, frame: str, equinox: float | None) -> Mapping[str, str]:
    found = {"frame": frame}
    if math.isfinite(axes.pixel_deg * 3600):
        found["pixel_arcsec"] = _short(axes.pixel_deg * 3600)
    here, *corners = axes.sky(axes.centre, *axes.corners)
    centre = here and to_icrs(here, frame, equinox)
    if not here or not centre:
        return found
    found["ra_deg"], found["dec_deg"] = _longitude(centre[0]), _angle(centre[1])
    if None not in corners:
        inside = [corner for corner in corners if corner]
        found["radius_deg"] = _short(max([separation(here, corner) for corner in inside]))
        placed = [to_icrs(corner, frame, equinox) or corner for corner in inside]
        found["footprint"] = " ".join([f"{_longitude(ra)} {_angle(dec)}" for ra, dec in placed])
    return found


@lru_cache(maxsize=64)
def _axis(ctypes: tuple[str, ...], names: tuple[str, ...]) -> int:
    """Number of the axis whose CTYPE begins with one of the names; 0 if there is none."""
    return next((axis for axis, ctype in enumerate(ctypes, 1) if ctype.upper().startswith(names)), 0)


def _ctypes(get: Getter) -> tuple[str, ...]:
    return get("CTYPE1"), get("CTYPE2"), get("CTYPE3"), get("CTYPE4")


def _spectrum(get: Getter) -> Spectrum | None:
    axis = _axis(_ctypes(get), ("FREQ", "VRAD", "VOPT", "VELO", "FELO"))
    edges = _edges_hz(get, axis) if axis else None
    if edges and all(0 < edge < _MOST_HZ for edge in edges):
        channels = int(number(get(f"NAXIS{axis}")) or 1)
        return Spectrum((edges[0] + edges[1]) / 2e9, abs(edges[1] - edges[0]) / 1e9, channels)
    rest = _rest_hz(get)
    return Spectrum(rest / 1e9, None, 1) if rest else None


def _edges_hz(get: Getter, axis: int) -> tuple[float, float] | None:
    """Frequencies of the outer edges of the first and last channel."""
    value, step = number(get(f"CRVAL{axis}")), number(get(f"CDELT{axis}"))
    if value is None or step is None:
        return None
    reference, count = number(get(f"CRPIX{axis}")) or 0.0, number(get(f"NAXIS{axis}")) or 1.0
    first = value + (0.5 - reference) * step
    last = value + (count + 0.5 - reference) * step
    unit = get(f"CUNIT{axis}").lower().replace(" ", "")
    if get(f"CTYPE{axis}").upper().startswith("FREQ"):
        scale = _HZ.get(unit, 1.0)
        return (first * scale, last * scale) if first > 0 and last > 0 else None
    rest = _rest_hz(get)
    scale = _M_S.get(unit, 1.0) / SPEED_OF_LIGHT
    optical = get(f"CTYPE{axis}").upper().startswith(("VOPT", "FELO")) or get("VELREF") in ("1", "2", "3")
    return (
        (_doppler(rest, first * scale, optical=optical), _doppler(rest, last * scale, optical=optical))
        if rest
        else None
    )


def _doppler(rest: float, beta: float, *, optical: bool) -> float:
    return rest / (1 + beta) if optical else rest * (1 - beta)


def _rest_hz(get: Getter) -> float | None:
    value = number(get("RESTFRQ") or get("RESTFREQ"))
    return value if value and 0 < value < _MOST_HZ else None


def _frequency(spectrum: Spectrum) -> dict[str, str]:
    found = {"freq_ghz": f"{spectrum.centre_ghz:.6f}"}
    if spectrum.width_ghz is None:
        found["freq_origin"] = "RESTFRQ"
    else:
        found["bandwidth_ghz"] = _short(spectrum.width_ghz)
        found["channels"] = str(spectrum.channels)
    return found


def _array(get: Getter, freq_ghz: float, *, compact: bool) -> dict[str, str]:
    """Band and model of the primary beam, of ALMA alone."""
    dish = DISH_M.get((get("TELESCOP") or get("INSTRUME")).upper())
    if not dish:
        return {}
    named = compact or bool(_COMPACT.search(get("INSTRUME")))
    band = next((name for low, high, name in _BANDS_GHZ if low <= freq_ghz < high), "")
    model = modelled(freq_ghz, 7.0 if named else dish, "as the name says" if compact else "")
    return ({"band": band} if band else {}) | model


def modelled(freq_ghz: float, dish_m: float, why: str = "") -> dict[str, str]:
    """The half width of the primary beam of a dish as derived attributes."""
    origin = f"{HPBW_FACTOR} lambda / {dish_m:g} m"
    width = _short(half_width_arcsec(freq_ghz, dish_m))
    return {"pb_hwhm_arcsec": width, "pb_hwhm_origin": f"{origin}, {why}" if why else origin}


def dish_of_half_width(width_arcsec: float, freq_ghz: float) -> float:
    """Diameter in metres of the ALMA antenna that has about this beam: 12 or 7; 0 for neither, as of a mosaic."""
    if not freq_ghz or not width_arcsec:
        return 0.0
    return next((dish for dish in (12.0, 7.0) if 0.8 < width_arcsec / half_width_arcsec(freq_ghz, dish) < 1.25), 0.0)


def half_width_arcsec(freq_ghz: float, dish_m: float) -> float:
    """Half width at half maximum of the primary beam of a dish."""
    return math.degrees(HPBW_FACTOR * SPEED_OF_LIGHT / (freq_ghz * 1e9) / dish_m) * 3600 / 2


def _stokes(get: Getter) -> str:
    axis = _axis(_ctypes(get), ("STOKES",))
    first = number(get(f"CRVAL{axis}")) if axis else None
    if first is None:
        return ""
    step, reference = number(get(f"CDELT{axis}")) or 1.0, number(get(f"CRPIX{axis}")) or 1.0
    count = min(int(number(get(f"NAXIS{axis}")) or 1), 8)
    codes = [round(first + (plane - reference) * step) for plane in range(1, count + 1)]
    return "".join(_STOKES.get(code, "?") for code in codes)


def _beam(get: Getter, plane_beam: Beam | None, history: Callable[[], Iterable[str]]) -> dict[str, str]:
    major, minor, angle = number(get("BMAJ")), number(get("BMIN")), number(get("BPA"))
    if major and minor and 0 < major < _MOST_DEG and 0 < minor < _MOST_DEG:
        return beam_facts(Beam(major * 3600, minor * 3600, angle or 0.0), "header")
    if plane_beam:
        return beam_facts(plane_beam, f"BEAMS table, median of {plane_beam.planes} planes")
    for line in history():
        if found := _CLEAN.search(line):
            values = [number(text) for text in found.groups()]
            if values[0] and values[1] and max(values[0], values[1]) < _MOST_DEG:
                return beam_facts(Beam(values[0] * 3600, values[1] * 3600, values[2] or 0.0), "HISTORY, CLEAN")
    return {}


def beam_facts(beam: Beam, origin: str) -> dict[str, str]:
    """A beam as derived attributes."""
    return {
        "beam_major_arcsec": _short(beam.major_arcsec),
        "beam_minor_arcsec": _short(beam.minor_arcsec),
        "beam_pa_deg": _short(beam.pa_deg),
        "beam_origin": origin,
    }


def _angle(degrees: float) -> str:
    text = f"{degrees:.7f}"  # 0.4 mas
    return text if text != "-0.0000000" else "0.0000000"


def _longitude(degrees: float) -> str:
    return _angle(round(degrees, 7) % 360)


def _short(value: float) -> str:
    return f"{value:.6g}"
