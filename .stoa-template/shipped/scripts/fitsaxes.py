"""The axes of a FITS image: where they are on the sky, in which frame, and at which frequencies.

All of it by way of astropy: `astropy.wcs` for every order of axes, projection, spectral type and unit,
`astropy.coordinates` for frames. Needs numpy and astropy, and nothing of STOA.
"""

import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy import coordinates as frames
from astropy.io import fits
from astropy.wcs import WCS, WCSSUB_LATITUDE, WCSSUB_LONGITUDE, WCSSUB_SPECTRAL, WCSSUB_STOKES

_FRAMES = {
    "ICRS": "ICRS", "ICRF": "ICRS", "FK5": "FK5", "J2000": "FK5", "J2000.0": "FK5", "FK4": "FK4", "B1950": "FK4",
    "B1950.0": "FK4", "FK4-NO-E": "FK4-NO-E",
}  # fmt: skip
_STOKES = {
    1: "I", 2: "Q", 3: "U", 4: "V", -1: "RR", -2: "LL", -3: "RL", -4: "LR", -5: "XX", -6: "YY", -7: "XY", -8: "YX",
}  # fmt: skip
_PARALLEL = ("XX", "YY", "RR", "LL")
_NO_WCS = frozenset(("", "HISTORY", "COMMENT", "RADECSYS", "RADESYS"))
_SIZE = re.compile(r"NAXIS\d*")
_NUMERIC = re.compile(r"(?:CRVAL|CDELT|CRPIX|CROTA)\d+|(?:CD|PC|PV)\d+_\d+|LONPOLE|LATPOLE|RESTFRQ|RESTFREQ|RESTWAV")
_WCS_ERRORS = (ValueError, RuntimeError, TypeError, KeyError, IndexError, AssertionError, MemoryError)
"""What astropy raises for headers that it does not understand; wcslib's errors have no common base."""


class ImageError(Exception):
    """The image cannot be used; the message says why."""


@dataclass(frozen=True)
class Axes:
    """Numbers of the axes of the pixels, from 1; 0 where there is none."""

    longitude: int
    latitude: int
    spectral: int
    stokes: int


@dataclass(frozen=True)
class World:
    """What the axes of an image say.

    Attributes
    ----------
    wcs
        Of a plane: longitude first, in the header's own frame.
    frame
        That frame, of astropy.
    stokes_plane, stokes
        Number, from 0, and name of the plane that is used: Stokes I, or the only one.
    freqs_hz
        One for each channel; NaN where they do not follow.
    freq_hz, freq_origin
        Of the middle of the band, and where it comes from.
    notes
        What was not understood, in words.
    """

    axes: Axes
    wcs: WCS
    frame: object
    stokes_plane: int
    stokes: str
    freqs_hz: np.ndarray
    freq_hz: float
    freq_origin: str
    notes: tuple


def read_world(header, hdus, freq_ghz=0.0, stokes=""):
    """The axes of an image.

    Parameters
    ----------
    hdus
        The open file, for distortion tables.
    freq_ghz
        Used where no spectral axis gives a frequency.
    stokes
        Name of the plane that is wanted; by default I, or the only one.

    Raises
    ------
    ImageError
        If it has no celestial axes, or one in the pixels that is not understood.
    """
    notes = []
    whole = _wcs(_understandable(header), hdus, notes)
    axes = Axes(whole.wcs.lng + 1, whole.wcs.lat + 1, whole.wcs.spec + 1, _stokes_axis(whole))
    wcs = _celestial(whole, axes, header)
    frame = _frame(whole, header)
    plane, name = _stokes(whole, axes, header, stokes, notes)
    _check_other_axes(axes, header, notes)
    freqs, middle, origin = _frequencies(whole, axes, header, freq_ghz, notes)
    return World(axes, wcs, frame, plane, name, freqs, middle, origin, tuple(notes))


def _understandable(header):
    """A header of the WCS cards alone, in which common spellings are those of the FITS standard.

    Comments are left out, and the sizes of the axes, as there may be more axes than the pixels have.
    """
    system = str(header.get("RADECSYS", "") or "").strip()
    system = str(header.get("RADESYS", "") or "").strip() or system
    cards = []
    for card in header.cards:
        keyword = card.keyword
        if keyword in _NO_WCS or _SIZE.fullmatch(keyword):
            continue
        value = card.value
        cards.append((keyword, _meant(keyword, value)) if isinstance(value, str) and not card.field_specifier else card)
    if system:
        cards.append(("RADESYS", _FRAMES.get(system.upper(), system)))
    return fits.Header(cards)


def _meant(keyword, text):
    """The value of a card that is written as a text: types in upper case, numbers and years as numbers."""
    if re.fullmatch(r"CTYPE\d+", keyword):
        return text.upper()
    year = keyword in ("EQUINOX", "EPOCH")
    if not (year or _NUMERIC.fullmatch(keyword)) or not text.strip():
        return text
    try:
        return float(text.strip().upper().lstrip("JB") if year else text)
    except ValueError:
        raise ImageError(f"{keyword} is {text!r}, which is no {'year' if year else 'number'}") from None


def _wcs(header, hdus, notes):
    """The world coordinates; without its other axes where one of these is not understood."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return WCS(header, hdus)
        except _WCS_ERRORS as error:
            first = error
        kept = header.copy()
        for keyword in header:
            found = re.fullmatch(r"CTYPE(\d+)", keyword)
            if found and not str(header[keyword]).startswith(("RA", "DEC", "GL", "EL", "SL", "STOKES")):
                notes.append(f"{keyword} = {header[keyword]!r} ({_said(first)})")
                del kept[keyword]
                kept.remove(f"CUNIT{found[1]}", ignore_missing=True)
        try:
            return WCS(kept, hdus)
        except _WCS_ERRORS:
            raise ImageError(f"the world coordinates cannot be read: {_said(first)}") from first


def _said(error):
    """What wcslib says is wrong, without the place in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("ERROR")]
    return (lines[0] if lines else str(error)).rstrip(".")[:120]


def _celestial(whole, axes, header):
    if not axes.longitude or not axes.latitude:
        types = ", ".join(repr(header.get(f"CTYPE{axis}", "")) for axis in range(1, header["NAXIS"] + 1))
        raise ImageError(f"no celestial coordinates: CTYPE is {types}, no pair such as RA and DEC")
    if max(axes.longitude, axes.latitude) > header["NAXIS"]:
        raise ImageError("no celestial coordinates: longitude and latitude are no axes of the pixels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if axes.longitude < axes.latitude:
                return whole.celestial
            return whole.sub([WCSSUB_LONGITUDE, WCSSUB_LATITUDE])
        except _WCS_ERRORS as error:
            raise ImageError(f"the celestial axes cannot be taken alone: {_said(error)}") from error


def _frame(whole, header):
    """The frame of the celestial axes, of astropy (FITS Standard 4.0, 8.3)."""
    kind = whole.wcs.lngtyp.strip()
    if kind in ("GLON", "SLON"):
        return frames.Galactic() if kind == "GLON" else frames.Supergalactic()
    equinox = whole.wcs.equinox
    system = whole.wcs.radesys.strip() or ("ICRS" if math.isnan(equinox) else "FK4" if equinox < 1984 else "FK5")
    if kind == "RA" and system == "ICRS":
        return frames.ICRS()
    named = {"FK5": frames.FK5, "FK4": frames.FK4, "FK4-NO-E": frames.FK4NoETerms}
    made = frames.BarycentricMeanEcliptic if kind == "ELON" else named.get(system) if kind == "RA" else None
    if made is None:
        which = f"RADESYS = {system!r}" if kind == "RA" else f"CTYPE = {header.get(f'CTYPE{whole.wcs.lng + 1}')!r}"
        raise ImageError(f"the frame of {which} is not known")
    if math.isnan(equinox):
        return made()
    if not 1800 <= equinox <= 2200:
        raise ImageError(f"EQUINOX is {equinox:g}, which is not a year")
    return made(equinox=f"{'B' if system.startswith('FK4') else 'J'}{equinox}")


def _stokes_axis(whole):
    return next((axis for axis, kind in enumerate(whole.wcs.ctype, 1) if kind.strip() == "STOKES"), 0)


def _stokes(whole, axes, header, wanted, notes):
    """Number and name of the plane that is used: the wanted one, else that of Stokes I, else the only one.

    One of two parallel hands counts as I, with a note.
    """
    count = header.get(f"NAXIS{axes.stokes}", 1) if 0 < axes.stokes <= header["NAXIS"] else 1
    if not axes.stokes and wanted in ("", "I"):
        return 0, ""
    if not axes.stokes:
        raise ImageError(f"the image has no Stokes axis, and so no plane {wanted}")
    values = whole.sub([WCSSUB_STOKES]).all_pix2world(np.arange(count)[:, None], 0)[:, 0]
    names = [_STOKES.get(round(value), f"{value:g}") for value in values]
    if (wanted or "I") in names:
        return names.index(wanted or "I"), wanted or "I"
    if count == 1 and wanted == "I" and names[0] in _PARALLEL:
        notes.append(f"the plane is {names[0]}, which is Stokes I only for what is not polarised")
        return 0, names[0]
    if count == 1 and not wanted:
        return 0, names[0]
    raise ImageError(
        f"the image has Stokes {', '.join(names)} and not {wanted or 'I'} (parameter stokes names the plane)"
    )


def _check_other_axes(axes, header, notes):
    for axis in range(1, header["NAXIS"] + 1):
        if axis not in (axes.longitude, axes.latitude, axes.spectral, axes.stokes) and header[f"NAXIS{axis}"] > 1:
            why = next((note for note in notes if note.startswith(f"CTYPE{axis} ")), "")
            kind = why or f"CTYPE{axis} = {header.get(f'CTYPE{axis}', '')!r}"
            raise ImageError(f"axis {axis} has {header[f'NAXIS{axis}']} planes and is not understood: {kind}")


def _frequencies(whole, axes, header, freq_ghz, notes):
    """Frequency of each channel and of the middle of the band in Hz, and where they come from."""
    count = header.get(f"NAXIS{axes.spectral}", 1) if 0 < axes.spectral <= header["NAXIS"] else 1
    if axes.spectral:
        found = _of_axis(whole, count, notes)
        if found is not None:
            return found[:-1], float(found[-1]), f"axis {axes.spectral}"
    for value, origin in ((freq_ghz * 1e9, "given"), (None if notes else whole.wcs.restfrq, "RESTFRQ")):
        if value and value > 0:
            return np.full(count, float(value)), float(value), origin
    return np.full(count, math.nan), math.nan, ""


def _of_axis(whole, count, notes):
    """Frequencies of the channels and of the middle; None, and a note, where they do not follow.

    wcslib's own translation to frequency is used instead of `SpectralCoord`, which takes a wavelength in air for one in
    vacuum and a redshift or a beta for a frequency; for all other types the two agree.
    """
    spectral = whole.sub([WCSSUB_SPECTRAL])
    kind = spectral.wcs.ctype[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if not kind.startswith("FREQ"):
                spectral.wcs.sptr("FREQ-???", 0)
            pixels = np.append(np.arange(count), (count - 1) / 2)
            hz = spectral.wcs_pix2world(pixels[:, None], 0)[:, 0]
        except _WCS_ERRORS as error:
            without = kind[:4] in ("VRAD", "VOPT", "VELO", "ZOPT", "BETA") and not (
                whole.wcs.restfrq or whole.wcs.restwav
            )
            why = "there is no rest frequency (RESTFRQ)" if without else _said(error)
            notes.append(f"no frequency follows from the spectral axis {kind!r}: {why}")
            return None
    if not (np.isfinite(hz).all() and (hz > 0).all()):
        notes.append(f"the spectral axis {kind!r} gives frequencies that are not positive")
        return None
    return hz
