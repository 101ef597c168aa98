"""What follows from a header: where the image is, its beam, frequency, band, field of view.

Every fact is a text, ready for the metadata document; a fact that does not follow is left out.
Numbers are rounded to what they are worth, so that documents are equal on every machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter

from msgspec import Struct

from stoa.meta.beams import Beam, beam_of
from stoa.meta.sky import (
    SPECTRAL,
    WORLD_KEYWORDS,
    Celestial,
    Getter,
    axis_types,
    celestial,
    celestial_pair,
    first_of,
    fk5_to_icrs,
    is_alone,
    number,
    separation,
)  # fmt: skip
from stoa.meta.world import Frame, Unclear, band, frame_of, place

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
_HZ = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9, "": 1.0}
_MOST_HZ = 1e21
_FAR_OFF = 10
"""A beam so many times as wide as the image is none, and one so many times narrower than a pixel."""
_COMPACT = re.compile(r"(?i)(?:^|[._/-])(?:7m|aca)(?=[._-]|$)")
_CLEAN = re.compile(r"CLEAN\s+BMAJ=\s*(\S+)\s+BMIN=\s*(\S+)\s+BPA=\s*(\S+)")


class Spectrum(Struct, frozen=True):
    """The spectral coverage of an image."""

    centre_ghz: float
    width_ghz: float | None
    channels: int


def facts(
    texts: Mapping[str, str],
    plane_beam: Beam | str | None = None,
    history: Callable[[], Iterable[str]] = tuple,
    name: str = "",
    keywords: tuple[str, ...] = WORLD_KEYWORDS,
) -> dict[str, str]:
    """The derived attributes of one image, from its header alone.

    What is there but not understood gives ``no_position``, ``no_frequency`` or ``no_beam``, which say why.

    Parameters
    ----------
    texts
        Text of a keyword's value; has to be empty for any that is not there.
    plane_beam
        Median of its BEAMS table, or what is wrong with that.
    history
        Gives the HISTORY texts; asked only where neither BMAJ nor a table gives the beam.
    name
        Name of the file, which may tell the array.
    keywords
        Those of the header that match `stoa.meta.sky.WORLD`.
    """
    array = texts["TELESCOP"] or texts["INSTRUME"], texts["INSTRUME"]
    axes = _axes_facts(keywords, _picker(keywords)(texts), array, compact=bool(_COMPACT.search(name)))
    beam = _beam(texts.__getitem__, plane_beam, history)
    wrong = _size_problem(beam, axes)
    return {**axes, **({"no_beam": wrong} if wrong else beam)}


@lru_cache(maxsize=256)
def _picker(keywords: tuple[str, ...]) -> Callable[[Mapping[str, str]], tuple[str, ...]]:
    """What takes the texts of keywords out of a header; those of one program have the same keywords."""
    if len(keywords) > 1:
        return itemgetter(*keywords)
    return lambda texts: tuple([texts[keyword] for keyword in keywords])


def _size_problem(beam: Mapping[str, str], axes: Mapping[str, str]) -> str:
    """What is wrong with a beam whose size tells that its unit is another one than degrees."""
    if "beam_major_arcsec" not in beam:
        return ""
    major, minor = number(beam["beam_major_arcsec"]), number(beam["beam_minor_arcsec"])
    radius, pixel = number(axes.get("radius_deg", "")), number(axes.get("pixel_arcsec", ""))
    if minor and radius and minor > _FAR_OFF * 2 * radius * 3600:
        return f"the beam is {minor:g} arcsec wide, far more than the image"
    if major and pixel and major * _FAR_OFF < pixel:
        return f"the beam is {major:g} arcsec wide, far less than a pixel"
    return ""


@lru_cache(maxsize=1024)  # the files of an image have the same axes
def _axes_facts(
    keywords: tuple[str, ...], values: tuple[str, ...], array: tuple[str, str], *, compact: bool
) -> Mapping[str, str]:
    """What follows from the texts of the axes' keywords, and from TELESCOP and INSTRUME."""
    texts = dict(zip(keywords, values, strict=True))
    found: dict[str, str] = {}
    if celestial_pair(axis_types(texts))[0]:
        try:
            frame = frame_of(texts)
            found = {"frame": frame.name}
            found |= _position(texts, frame)
        except Unclear as problem:
            found["no_position"] = str(problem)
    try:
        spectrum = _spectrum(texts)
    except Unclear as problem:
        found["no_frequency"], spectrum = str(problem), None
    if spectrum:
        found |= _frequency(spectrum)
        found |= _array(array, spectrum.centre_ghz, compact=compact)
    stokes = _stokes(texts)
    if stokes:
        found["stokes"] = stokes
    return found


def _position(texts: Mapping[str, str], frame: Frame) -> Mapping[str, str]:
    """Centre, corners and size of a pixel: by own arithmetic of a plain header, else by astropy."""
    axes = celestial(texts) if _is_plain(frame) else None
    if axes:
        pixel_deg = axes.pixel_deg
        centre, *corners = _plain_positions(axes, frame)
    else:
        found = place(texts, frame)
        pixel_deg, centre, corners = found.pixel_deg, found.centre, list(found.corners)
    if not math.isfinite(pixel_deg * 3600):
        raise Unclear("the pixels are larger than any number")
    here = {"pixel_arcsec": _short(pixel_deg * 3600)}
    if centre is None:
        raise Unclear("the centre of the image is not on the sky")
    here |= {"ra_deg": _longitude(centre[0]), "dec_deg": _angle(centre[1])}
    if None not in corners:
        inside = [corner for corner in corners if corner]
        here["radius_deg"] = _short(max([separation(centre, corner) for corner in inside]))
        here["footprint"] = " ".join([f"{_longitude(ra)} {_angle(dec)}" for ra, dec in inside])
    return here


def _is_plain(frame: Frame) -> bool:
    return frame.name == "ICRS" or (frame.name == "FK5" and frame.equinox in (None, 2000.0))


def _plain_positions(axes: Celestial, frame: Frame) -> list[tuple[float, float] | None]:
    """Centre and corners in ICRS."""
    found = axes.sky(axes.centre, *axes.corners)
    return found if frame.name == "ICRS" else [position and fk5_to_icrs(position) for position in found]


def _spectrum(texts: Mapping[str, str]) -> Spectrum | None:
    types = axis_types(texts)
    axis = first_of(SPECTRAL, types)
    if axis:
        edges = _plain_edges_hz(texts, axis)
        middle = sum(edges) / 2 if edges else 0.0
        if edges is None:
            found = band(texts)
            if found is None:
                raise Unclear(f"CTYPE{axis} is {texts[f'CTYPE{axis}']!r}, which is not a spectral axis that is known")
            edges, middle = (found.first, found.last), found.middle
        if not all(0 < edge < _MOST_HZ for edge in edges):
            raise Unclear(f"the frequencies of axis {axis} are not between 0 and {_MOST_HZ:g} Hz")
        channels = int(number(texts.get(f"NAXIS{axis}", "")) or 1)
        return Spectrum(middle / 1e9, abs(edges[1] - edges[0]) / 1e9, channels)
    text = texts.get("RESTFRQ") or texts.get("RESTFREQ") or ""
    rest = number(text)
    if text and rest is None:
        raise Unclear(f"RESTFRQ is {text!r}, which is not a number")
    return Spectrum(rest / 1e9, None, 1) if rest and 0 < rest < _MOST_HZ else None


def _plain_edges_hz(texts: Mapping[str, str], axis: int) -> tuple[float, float] | None:
    """Frequencies of the outer edges of the first and last channel of a plain axis; None where astropy has to be asked.

    Plain is a FREQ axis with CDELT, in Hz or a decimal multiple, that no matrix scales or ties to another axis.
    """
    scale = _HZ.get(texts.get(f"CUNIT{axis}", ""))
    if scale is None or texts.get(f"CTYPE{axis}") != "FREQ" or not is_alone(texts, axis):
        return None
    value, step = number(texts.get(f"CRVAL{axis}", "")), number(texts.get(f"CDELT{axis}", ""))
    reference = number(texts.get(f"CRPIX{axis}") or "0")
    if value is None or step is None or reference is None:
        return None
    count = number(texts.get(f"NAXIS{axis}", "")) or 1.0
    first = (value + (0.5 - reference) * step) * scale
    last = (value + (count + 0.5 - reference) * step) * scale
    return (first, last) if first > 0 and last > 0 else None


def _frequency(spectrum: Spectrum) -> dict[str, str]:
    found = {"freq_ghz": f"{spectrum.centre_ghz:.6f}"}
    if spectrum.width_ghz is None:
        found["freq_origin"] = "RESTFRQ"
    else:
        found["bandwidth_ghz"] = _short(spectrum.width_ghz)
        found["channels"] = str(spectrum.channels)
    return found


def _array(array: tuple[str, str], freq_ghz: float, *, compact: bool) -> dict[str, str]:
    """Band and model of the primary beam, of ALMA alone."""
    telescope, instrument = array
    dish = DISH_M.get(telescope.upper())
    if not dish:
        return {}
    named = compact or bool(_COMPACT.search(instrument))
    band = next((name for low, high, name in _BANDS_GHZ if low <= freq_ghz < high), "")
    model = modelled(freq_ghz, 7.0 if named else dish, "as the name says" if compact else "")
    return ({"band": band} if band else {}) | model


def modelled(freq_ghz: float, dish_m: float, why: str = "") -> dict[str, str]:
    """The half width of the primary beam of a dish as derived attributes."""
    origin = f"{HPBW_FACTOR} lambda / {dish_m:g} m"
    width = _short(half_width_arcsec(freq_ghz, dish_m))
    words = f"{origin}, {why}" if why else origin
    return {"pb_hwhm_arcsec": width, "pb_hwhm_origin": words, "dish_m": f"{dish_m:g}"}


def dish_of_half_width(width_arcsec: float, freq_ghz: float) -> float:
    """Diameter in metres of the ALMA antenna that has about this beam: 12 or 7; 0 for neither, as of a mosaic."""
    if not freq_ghz or not width_arcsec:
        return 0.0
    return next((dish for dish in (12.0, 7.0) if 0.8 < width_arcsec / half_width_arcsec(freq_ghz, dish) < 1.25), 0.0)


def half_width_arcsec(freq_ghz: float, dish_m: float) -> float:
    """Half width at half maximum of the primary beam of a dish."""
    return math.degrees(HPBW_FACTOR * SPEED_OF_LIGHT / (freq_ghz * 1e9) / dish_m) * 3600 / 2


def _stokes(texts: Mapping[str, str]) -> str:
    axis = first_of(("STOKES",), axis_types(texts))
    first = number(texts.get(f"CRVAL{axis}", "")) if axis else None
    if first is None:
        return ""
    step = number(texts.get(f"CDELT{axis}") or texts.get(f"CD{axis}_{axis}", "")) or 1.0
    reference = number(texts.get(f"CRPIX{axis}", "")) or 1.0
    count = min(int(number(texts.get(f"NAXIS{axis}", "")) or 1), 8)
    return "".join([_STOKES.get(round(first + (plane - reference) * step), "?") for plane in range(1, count + 1)])


def _beam(get: Getter, plane_beam: Beam | str | None, history: Callable[[], Iterable[str]]) -> dict[str, str]:
    """The beam of the header, else of the BEAMS table, else of the last CLEAN in the history."""
    found = beam_of(get("BMAJ"), get("BMIN"), get("BPA")) if get("BMAJ") or get("BMIN") else None
    if isinstance(found, Beam):
        return beam_facts(found, "header")
    if isinstance(plane_beam, Beam):
        found_there = beam_facts(plane_beam, f"BEAMS table, median of {plane_beam.planes} planes")
        return found_there | {"beam_planes": str(plane_beam.planes)}
    for line in reversed(list(history())):
        if clean := _CLEAN.search(line):
            said = beam_of(*clean.groups())
            if isinstance(said, Beam):
                return beam_facts(said, "HISTORY, CLEAN")
    problems = [problem for problem in (found, plane_beam) if problem]
    return {"no_beam": "; ".join(map(str, problems))} if problems else {}


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
    """The text of an angle from 0 to 360 degrees; what is rounded to 360 is 0."""
    text = f"{degrees:.7f}"
    return text if text != "360.0000000" else "0.0000000"


def _short(value: float) -> str:
    return f"{value:.6g}"
