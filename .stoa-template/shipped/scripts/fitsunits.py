"""The beam of a FITS image, and its unit in Jy/beam.

Units come from `astropy.units`. Needs numpy and astropy, and nothing of STOA.
"""

import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units
from astropy.io import fits
from fitsaxes import ImageError

JY_BEAM = units.Jy / units.beam
ROUND = 0.01  # relative difference of two widths below which a beam needs no position angle
FAR_OFF = 10  # a beam so many times as wide as the image is none, and one so many times narrower than a pixel

_CLEAN = re.compile(r"CLEAN\s+BMAJ=\s*(\S+)\s+BMIN=\s*(\S+)\s+BPA=\s*(\S+)")
_POWER = re.compile(r"(?:\*\*|\^)\s*\(?\s*([+-]?\d+)\s*\)?")
_SPELLINGS = {
    "jy": "Jy", "mjy": "mJy", "ujy": "uJy", "njy": "nJy", "kjy": "kJy", "beam": "beam", "beams": "beam", "bm": "beam",
    "pix": "pixel", "pixel": "pixel", "pixels": "pixel", "k": "K", "mk": "mK", "kelvin": "K",
}  # fmt: skip


class OtherUnitError(ImageError):
    """The unit of the image does not convert to Jy/beam: it is data of another kind."""


@dataclass(frozen=True)
class Beam:
    """Elliptical Gaussian: full widths at half maximum and position angle from north through east, in degrees."""

    major: float
    minor: float
    pa: float

    @property
    def solid_angle(self):
        """Its area, as a quantity."""
        return math.pi / (4 * math.log(2)) * self.major * self.minor * units.deg**2


def read_beams(image, beam_arcsec=0.0):
    """The beam of each channel, the one in the middle of their areas, and where they come from.

    That is the header, else the BEAMS table, else the last CLEAN in the HISTORY, else STOA, else `beam_arcsec`.
    """
    try:
        beams, middle, origin = _own_beams(image)
        _check_size(middle, image)
    except ImageError as problem:
        if not beam_arcsec > 0:
            raise ImageError(f"no beam: {problem} (parameter beam_arcsec gives one)") from problem
        middle, origin = Beam(beam_arcsec / 3600, beam_arcsec / 3600, 0.0), "given"
        beams = (middle,) * image.channels
    return beams, middle, origin


def _own_beams(image):
    """Those that the file or STOA tells, as `read_beams` gives them."""
    table = _beam_table(image)
    one, problem = _header_beam(image.header)
    if one:
        return (one,) * image.channels, one, "header"
    if table:
        usable = sorted((beam for beam in table if beam), key=lambda beam: (beam.major * beam.minor, beam.major))
        middle = usable[(len(usable) - 1) // 2]
        return tuple(beam or middle for beam in table), middle, "BEAMS table"
    one, origin = _history_beam(image.header), "HISTORY"
    if not one:
        one, origin = _facts_beam(image.facts), "STOA"
    if not one:
        raise ImageError(problem or "the header has no BMAJ and there is no BEAMS table")
    return (one,) * image.channels, one, origin


def _check_size(beam, image):
    """Refuse a beam whose size tells that its unit is not the one that it should have."""
    major, minor, pixel = (3600 * width for width in (beam.major, beam.minor, image.pixel_deg))
    side = pixel * max(image.shape)
    if minor > FAR_OFF * side:
        raise ImageError(f"its width is {minor:g} arcsec, and the image is {side:.4g} arcsec wide")
    if major * FAR_OFF < pixel:
        raise ImageError(f"its width is {major:g} arcsec, and a pixel is {pixel:.4g} arcsec wide")


def _header_beam(header):
    """The beam of BMAJ, BMIN and BPA, or what is wrong with them."""
    if "BMAJ" not in header and "BMIN" not in header:
        return None, ""
    try:
        major, minor = (_number(header, keyword) for keyword in ("BMAJ", "BMIN"))
        if not (major > 0 and minor > 0):
            return None, f"BMAJ and BMIN are {major:g} and {minor:g}"
        angle = 0.0 if abs(major - minor) <= ROUND * major and not _has(header, "BPA") else _number(header, "BPA")
    except ImageError as problem:
        return None, str(problem)
    return _ordered(major, minor, angle), ""


def _has(header, keyword):
    value = header.get(keyword)
    return value is not None and not isinstance(value, fits.card.Undefined) and str(value).strip() != ""


def _number(header, keyword):
    """A finite number, also where it is as a text."""
    if not _has(header, keyword):
        raise ImageError(f"the header has no {keyword}")
    try:
        value = float(header[keyword])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ImageError(f"{keyword} is {header[keyword]!r}, which is not a number")
    return value


def _ordered(major, minor, angle):
    return Beam(major, minor, angle) if major >= minor else Beam(minor, major, angle + 90)


def _history_beam(header):
    """The beam of the last CLEAN in the HISTORY, as AIPS writes it."""
    found = [_CLEAN.search(str(line)) for line in header.get("HISTORY", ())]
    for match in reversed([match for match in found if match]):
        try:
            major, minor, angle = (float(text) for text in match.groups())
        except ValueError:
            continue
        if major > 0 and minor > 0 and math.isfinite(major * minor * angle):
            return _ordered(major, minor, angle)
    return None


def _facts_beam(facts):
    """The beam that STOA knows, such as that of a sibling."""
    beam = facts.get("beam")
    if not isinstance(beam, dict):
        return None
    return Beam(beam["major_arcsec"] / 3600, beam["minor_arcsec"] / 3600, beam["pa_deg"])


def _beam_table(image):
    """A beam, or None, for each channel of the Stokes plane in use; empty without a BEAMS table with a usable beam."""
    if "BEAMS" not in image.hdus:
        return ()
    table, names = image.hdus["BEAMS"], image.hdus["BEAMS"].columns.names
    if not {"BMAJ", "BMIN", "BPA"} <= set(names):
        return ()
    found = [None] * image.channels
    rows = table.data
    factors = [
        _column_factor(table.columns[name], unit)
        for name, unit in (("BMAJ", "arcsec"), ("BMIN", "arcsec"), ("BPA", "deg"))
    ]
    for number, row in enumerate(rows):
        channel = int(row["CHAN"]) if "CHAN" in names else number
        if "POL" in names and int(row["POL"]) != image.world.stokes_plane and len(set(rows["POL"])) > 1:
            continue
        major, minor, angle = (float(row[name]) * f for name, f in zip(("BMAJ", "BMIN", "BPA"), factors, strict=True))
        if 0 <= channel < len(found) and major > 0 and minor > 0 and math.isfinite(major * minor * angle):
            found[channel] = _ordered(major, minor, angle)
    return tuple(found) if any(found) else ()


def _column_factor(column, usual):
    """Degrees in the unit of a column of the BEAMS table; CASA writes arcsec and deg."""
    try:
        return units.Unit((column.unit or usual).strip().lower()).to(units.deg)
    except (ValueError, units.UnitConversionError):
        raise ImageError(f"column {column.name} of the BEAMS table has the unit {column.unit!r}, no angle") from None


def understood_unit(text):
    """The unit of a text as programs write it: FITS, CASA, str of astropy, powers with ``^`` or ``**``.

    Raises
    ------
    ValueError
        If it is not understood.
    """
    plain = " ".join(_POWER.sub(r"\1", text).replace("*", " ").split())

    def word(match):
        mega = match[0].startswith("MJ")  # MJY may be meant as mJy: not understood
        return match[0] if mega else _SPELLINGS.get(match[0].lower(), match[0])

    plain = re.sub(r"[A-Za-zµ]+", word, plain.replace("µ", "u").replace("μ", "u"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)  # of several slashes
        return units.Unit(plain.replace(" / ", "/").replace("/ ", "/").replace(" /", "/"))


def read_unit(image, unit="", other="fail"):
    """Name of the unit of planes, and the factor to it of each channel; None for 1.

    Parameters
    ----------
    unit
        Used where the header has none.
    other
        ``search`` takes an image whose unit does not convert to Jy/beam as it is.
    """
    text = str(image.header.get("BUNIT") or "").strip() or unit.strip()
    if not text:
        raise ImageError("no unit: the header has no BUNIT (parameter unit gives one)")
    try:
        own = understood_unit(text)
        factors = [
            _to_jy_beam(own, beam, hz, image) for beam, hz in zip(image.beams, image.world.freqs_hz, strict=True)
        ]
    except (ValueError, TypeError):
        if other == "search":
            return text, None
        raise OtherUnitError(
            f"the unit is {text!r}, which does not convert to Jy/beam (parameter other_unit=search takes it as it is)"
        ) from None
    return "Jy/beam", np.array(factors)


def _to_jy_beam(unit, beam, hz, image):
    """Factor from a unit to Jy/beam: of flux per beam, per pixel or per solid angle, or a brightness temperature."""
    if unit.is_equivalent(units.K):
        if not hz > 0:
            raise ImageError(f"the unit is {unit}, and its conversion needs a frequency (parameter freq_ghz gives one)")
        unit = (1 * unit).to(units.Jy / units.sr, units.brightness_temperature(hz * units.Hz))
    one = units.Quantity(1, unit) if isinstance(unit, units.UnitBase) else unit
    if one.unit.is_equivalent(units.Jy / units.pixel):
        one = (one * units.pixel / (image.pixel_deg * units.deg) ** 2).to(units.Jy / units.sr)
    if one.unit.is_equivalent(units.Jy / units.sr):
        return (one * beam.solid_angle).to_value(units.Jy)
    return one.to_value(JY_BEAM)
