"""A FITS image as planes in Jy/beam, with its position, frequency, beam and primary beam.

The facts of an image come from its header by way of astropy: the celestial axes and the frequency from `astropy.wcs`
(any order of axes, frame, projection, spectral type and unit), units from `astropy.units`. Where STOA runs the
script, `stoa-job.json` adds facts that a header lacks: the role of the file, a beam or date that a sibling has, the
dish. Nothing is guessed: a unit, frame or keyword that is not understood raises an `ImageError` that names it, or
is in `Image.notes` where the search does not need it.

Needs numpy and astropy, and nothing of STOA.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import fitsaxes
import fitsunits
import numpy as np
from astropy import coordinates as frames
from astropy.io import fits
from fitsaxes import ImageError, World
from fitsunits import Beam

LIGHT_M_S = 299792458.0
JOB = "stoa-job.json"
DAMAGED = "the file is cut off or damaged"
DISHES = {"ALMA": 12.0, "ACA": 7.0}  # m, of telescopes whose primary beam is 1.13 lambda / dish wide

_SEVEN_METRES = re.compile(r"(?i)(?:^|[._/-])(?:7m|aca)(?=[._-]|$)")
_CORRECTED = re.compile(r"(?i)[._-]pbcorr?(\.tt0)?$")
_SUFFIX = re.compile(r"(?i)(\.(gz|fz|bz2))?$")
_NO_AXES = frozenset((
    "", "HISTORY", "COMMENT", "BUNIT", "BTYPE", "BMAJ", "BMIN", "BPA", "DATAMAX", "DATAMIN", "DATE", "ORIGIN", "TYPE",
    "USEWEIGH", "OBJECT", "CHECKSUM", "DATASUM",
))  # fmt: skip
"""Keywords that say nothing of the axes; a primary beam has others than its image."""

_PLANE_WCS = re.compile(r"(CTYPE|CRVAL|CDELT|CRPIX|CUNIT|CROTA)[12]|(CD|PC)[12]_[12]|PV[12]_\d+|RADESYS|EQUINOX")


@dataclass(frozen=True)
class Given:
    """What the user says of an image; 0 and "" say nothing.

    Attributes
    ----------
    beam_arcsec, freq_ghz, unit
        Used where the header has none.
    dish_m
        Of the modelled primary beam, in place of the telescope's.
    image_is
        ``corrected`` or ``uncorrected`` (for the primary beam), ``flat`` (no correction applies), or ``auto``.
    stokes
        Name of the plane that is wanted, such as I or V; by default I, or the only one.
    other_unit
        What to do with an image whose unit does not convert to Jy/beam: ``search`` it in its own unit, else an
        `OtherUnitError` is raised.
    """

    beam_arcsec: float = 0.0
    freq_ghz: float = 0.0
    unit: str = ""
    dish_m: float = 0.0
    image_is: str = "auto"
    stokes: str = ""
    other_unit: str = "fail"


@dataclass
class Image:
    """One FITS image or cube; the file stays open until `close`.

    Attributes
    ----------
    hdu, header
        Number of the header and data unit with the image, and its header.
    world
        What its axes say; the parts in use are properties of the image too.
    shape
        Pixels along latitude and longitude.
    facts
        Those of `stoa-job.json`; empty without STOA.
    beams
        One for each channel; empty where the image has no beam (a primary beam has none).
    beam, beam_origin
        The one whose area is the median, and where it comes from; None where there is none.
    unit
        Of `plane`: ``Jy/beam``, or the image's own where that does not convert (`Given.other_unit`).
    correction
        ``corrected`` (divided by the primary beam), ``uncorrected`` or ``flat`` (no correction applies).
    dish_m
        NaN where the primary beam of the telescope is not known.
    has_zero_areas
        Whether a plane that was read had areas of exact zeros, which have no value.
    """

    path: Path
    hdu: int
    header: fits.Header
    world: World
    shape: tuple
    facts: dict
    hdus: fits.HDUList
    role: str = ""
    beams: tuple = ()
    beam: Beam | None = None
    beam_origin: str = ""
    unit: str = ""
    correction: str = "uncorrected"
    dish_m: float = math.nan
    date: str = ""
    has_zero_areas: bool = False
    factors: np.ndarray | None = None  # to `unit`, by channel

    @property
    def wcs(self):
        """Celestial axes of a plane: longitude first, in the header's own frame."""
        return self.world.wcs

    @property
    def freq_hz(self):
        """Frequency of the middle of the band; NaN where there is none."""
        return self.world.freq_hz

    @property
    def notes(self):
        """What was not understood and does not stop a search, in words."""
        return self.world.notes

    @property
    def channels(self):
        """Number of spectral planes."""
        return len(self.world.freqs_hz)

    @property
    def turned(self):
        """Whether latitude comes before longitude in the file; a plane has them the usual way."""
        return self.world.axes.longitude > self.world.axes.latitude

    @property
    def pixel_deg(self):
        """Side of a square with the area of a pixel."""
        return math.sqrt(abs(np.linalg.det(self.wcs.pixel_scale_matrix)))

    def plane(self, channel=0, *, zeros_count=False):
        """One spectral plane in `unit`, with the shape `shape`; NaN where there is no value.

        Infinite pixels and areas of exact zeros (outside the field of some programs' mosaics) have no value. Only this
        plane is read. Its type is float32 where the file's is, else float64.

        Parameters
        ----------
        zeros_count
            Take areas of zeros for values, as in a mask.
        """
        index = [slice(0, 1)] * self.header["NAXIS"]  # of slices alone: astropy's `section` mistakes some whole numbers
        for axis, part in (
            (self.world.axes.longitude, slice(None)),
            (self.world.axes.latitude, slice(None)),
            (self.world.axes.spectral, slice(channel, channel + 1)),
            (self.world.axes.stokes, slice(self.world.stokes_plane, self.world.stokes_plane + 1)),
        ):
            if 0 < axis <= len(index):
                index[-axis] = part
        try:
            data = self.hdus[self.hdu].section[tuple(index)].reshape(self.shape[::-1] if self.turned else self.shape)
        except (OSError, EOFError, TypeError, ValueError) as error:
            raise ImageError(DAMAGED) from error
        if self.turned:
            data = data.T
        plane = np.array(data, dtype=np.float32 if data.dtype == np.dtype(">f4") else np.float64, order="C")
        plane[~np.isfinite(plane)] = np.nan
        zeros = np.zeros(1, dtype=bool) if zeros_count else zero_areas(plane)
        if zeros.any():
            self.has_zero_areas = True
            plane[zeros] = np.nan
        if self.factors is not None and self.factors[channel] != 1:
            plane *= self.factors[channel]
        return plane

    def sky(self, x, y):
        """ICRS right ascension and declination in degrees of pixels of a plane, counted from 0."""
        lon, lat = self.wcs.all_pix2world(x, y, 0)
        if isinstance(self.world.frame, frames.ICRS):
            return lon % 360, lat
        icrs = frames.SkyCoord(lon, lat, unit="deg", frame=self.world.frame).icrs
        return icrs.ra.deg, icrs.dec.deg

    def pixel(self, ra, dec):
        """Pixel coordinates from 0 of ICRS positions in degrees."""
        if not isinstance(self.world.frame, frames.ICRS):
            there = frames.SkyCoord(ra, dec, unit="deg", frame="icrs").transform_to(self.world.frame).spherical
            ra, dec = there.lon.deg, there.lat.deg
        return self.wcs.all_world2pix(ra, dec, 0)

    def local_scale(self, x, y):
        """Degrees towards ICRS east and north (rows) per pixel along x and y (columns), at one pixel."""
        ra, dec = self.sky(np.array([x - 0.5, x + 0.5, x, x]), np.array([y, y, y - 0.5, y + 0.5]))
        east = ((ra[[1, 3]] - ra[[0, 2]] + 180) % 360 - 180) * math.cos(math.radians(dec.mean()))
        return np.array([east, dec[[1, 3]] - dec[[0, 2]]])

    def turn_deg(self, x, y):
        """Angle to add to a position angle measured in the image's plane to have it from ICRS north, at one pixel."""
        north = np.linalg.solve(self.wcs.pixel_scale_matrix, [0.0, 1.0])
        east, up = self.local_scale(x, y) @ north
        return math.degrees(math.atan2(east, up))

    def close(self):
        """Close the file; planes can no longer be read, all else stays."""
        self.hdus.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@dataclass(frozen=True)
class Gain:
    """The primary beam of an image; `origin` says where it comes from: ``file``, ``model`` or ``flat``."""

    origin: str
    shape: tuple
    image: Image | None = None
    modelled: np.ndarray | None = None

    @cached_property
    def channels(self):
        """How many different planes there are; 1 where all channels share one."""
        return self.image.channels if self.image else 1

    def plane(self, channel=0):
        """Gain of every pixel for one spectral plane of the image; NaN where there is none."""
        if self.image is not None:
            return self.image.plane(channel if self.channels > 1 else 0)
        return self.modelled if self.modelled is not None else np.ones(self.shape, dtype=np.float32)

    def close(self):
        """Close the file, if there is one."""
        if self.image:
            self.image.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# Reading


def job_facts(path, job=JOB):
    """Facts that STOA gives for the input with this path; empty without STOA."""
    try:
        described = json.loads(Path(job).read_text(encoding="utf-8"))
        names = [name for name, file in described["inputs"].items() if file and Path(file) == Path(path)]
        return described.get("facts", {}).get(names[0], {}) or {}
    except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError):
        return {}


def read_image(path, given=None, facts=None):
    """An image with everything that a search needs.

    Parameters
    ----------
    given
        A `Given`.
    facts
        Of `stoa-job.json`; by default they are looked up there.

    Raises
    ------
    ImageError
        If the file is no image, or has no position, no unit or no beam that is understood.
    """
    given = given or Given()
    image = read_plane(path, given, facts)
    try:
        image.beams, image.beam, image.beam_origin = fitsunits.read_beams(image, given.beam_arcsec)
        image.unit, image.factors = fitsunits.read_unit(image, given.unit, given.other_unit)
    except BaseException:
        image.close()
        raise
    image.correction = _correction(image, given)
    image.dish_m = _dish(image, given)
    image.date = str(image.header.get("DATE-OBS") or image.facts.get("date_obs") or "")
    return image


def read_plane(path, given=None, facts=None, like=None):
    """An image with its axes, position and frequency; beam and unit are not looked at.

    Parameters
    ----------
    like
        An image whose celestial axes count where the header describes no axes at all.
    """
    given, path = given or Given(), Path(path)
    facts = job_facts(path) if facts is None else facts
    try:
        hdus = fits.open(path, memmap=False)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise ImageError(DAMAGED) from error
    try:
        return _described(path, hdus, given, facts, like)
    except BaseException:
        hdus.close()
        raise


def _described(path, hdus, given, facts, like):
    try:
        number = _image_hdu(hdus, facts)
        header = hdus[number].header.copy()
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise ImageError(DAMAGED) from error
    if like is not None and not any(keyword.startswith("CTYPE") for keyword in header):
        header.update({key: like.header[key] for key in like.header if _PLANE_WCS.fullmatch(key)})
    same = like is not None and _axes_cards(header) == _axes_cards(like.header)
    world = like.world if same else fitsaxes.read_world(header, hdus, given.freq_ghz, "" if like else given.stokes)
    shape = header[f"NAXIS{world.axes.latitude}"], header[f"NAXIS{world.axes.longitude}"]
    return Image(path, number, header, world, shape, facts, hdus, role=str(facts.get("role", "")))


def _axes_cards(header):
    """The cards of a header that may say something of its axes, with their values."""
    return {(card.keyword, str(card.value)) for card in header.cards if card.keyword not in _NO_AXES}


def read_gain(image, path, given=None):
    """The primary beam of an image: of a file on the same grid, else a model, else 1 everywhere.

    The model is a Gaussian of FWHM 1.13 lambda / dish round the pointing, which is the reference position.
    """
    given = given or Given()
    if image.correction == "flat":
        return Gain("flat", image.shape)
    if path:
        try:
            beam = read_plane(path, given, like=image)
        except ImageError as problem:
            raise ImageError(f"the primary beam: {problem}") from problem
        if not same_grid(image, beam):
            beam.close()
            raise ImageError("the primary beam is on another grid than the image")
        return Gain("file", image.shape, image=beam)
    return Gain("model", image.shape, modelled=_modelled(image))


def same_grid(image, beam):
    """Whether the pixels of a primary beam are those of an image, to half a pixel."""
    if beam.shape != image.shape or beam.channels not in (1, image.channels):
        return False
    corners = np.array([[0, image.shape[1] - 1], [0, image.shape[0] - 1]], dtype=float)
    there = np.array(beam.pixel(*image.sky(*corners)))
    outside = ~np.isfinite(there)  # a corner may be no sky
    return bool((outside | (np.abs(there - corners) < 0.5)).all())


def zero_areas(plane):
    """Where a plane is exactly zero over at least 3 x 3 pixels: nothing was computed there."""
    zero = plane == 0
    if zero.sum() < 9:
        return np.zeros(plane.shape, dtype=bool)
    inner = _of_neighbours(zero, np.logical_and, border=True)
    return _of_neighbours(inner, np.logical_or, border=False)


def _of_neighbours(pixels, combine, *, border):
    """A mask combined over 3 x 3 pixels."""
    for axis in (0, 1):
        wide = np.pad(pixels, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], constant_values=border)
        parts = [np.take(wide, range(start, start + pixels.shape[axis]), axis) for start in (0, 1, 2)]
        pixels = combine(combine(parts[0], parts[1]), parts[2])
    return pixels


def _image_hdu(hdus, facts):
    """Number of the HDU with the image: the one STOA names, else the first with a plane of pixels."""
    if isinstance(facts.get("hdu"), int) and facts["hdu"] < len(hdus):
        return facts["hdu"]
    for number, hdu in enumerate(hdus):
        if hdu.is_image and hdu.header.get("NAXIS", 0) > 1 and all(hdu.shape):
            return number
    raise ImageError("the file holds no image: no HDU has a plane of pixels")


# Primary beam


def _correction(image, given):
    """Whether an image is divided by the primary beam: by its role, else by TYPE or the file's name."""
    if given.image_is != "auto":
        return given.image_is
    if image.role in ("correctedImage", "image", "dirtyImage", "singleDish"):
        return {"correctedImage": "corrected", "singleDish": "flat"}.get(image.role, "uncorrected")
    stem = re.sub(r"(?i)\.(fits?|fts)$", "", _SUFFIX.sub("", image.path.name))
    return "corrected" if image.header.get("TYPE") == "pbcorimage" or _CORRECTED.search(stem) else "uncorrected"


def _dish(image, given):
    """Diameter of the dish in metres, NaN where it is not known."""
    if given.dish_m > 0:
        return given.dish_m
    known = (image.facts.get("primary_beam") or {}).get("dish_m")
    if known:
        return float(known)
    telescope = str(image.header.get("TELESCOP") or image.header.get("INSTRUME") or image.facts.get("telescope") or "")
    dish = DISHES.get(telescope.strip().upper(), math.nan)
    marks = (str(image.path.name), str(image.header.get("INSTRUME", "")))
    return 7.0 if dish == 12.0 and any(_SEVEN_METRES.search(mark) for mark in marks) else dish


def _modelled(image):
    if not image.freq_hz > 0:
        why = f"; {'; '.join(image.notes)}" if image.notes else ""
        raise ImageError(f"no primary beam, and no frequency to model one{why} (parameter freq_ghz gives it)")
    if not image.dish_m > 0:
        name = image.header.get("TELESCOP") or ""
        raise ImageError(
            f"no primary beam, and no dish to model one: TELESCOP is {name!r} "
            "(parameter dish_m gives it; image_is=flat corrects nothing)"
        )
    fwhm = math.degrees(1.13 * LIGHT_M_S / image.freq_hz / image.dish_m)
    zenithal = image.wcs.wcs.ctype[0].strip()[-3:] in ("SIN", "TAN", "ARC", "ZEA", "STG")
    centre = image.wcs.wcs.crpix - 1 if zenithal else np.array([image.shape[1] - 1, image.shape[0] - 1]) / 2
    y, x = (np.arange(n, dtype=np.float32) for n in image.shape)
    x, y = (x - np.float32(centre[0]))[None, :], (y - np.float32(centre[1]))[:, None]
    a, b, c, d = (float(part) for part in (image.wcs.pixel_scale_matrix / fwhm).ravel())  # not to make doubles of all
    squared = (a * x + b * y) ** 2
    squared += (c * x + d * y) ** 2
    squared *= -4 * math.log(2)
    return np.exp(squared, out=squared)
