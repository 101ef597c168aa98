"""What the shipped source finders share: correcting for the primary beam, choosing, writing.

What is searched has the same noise everywhere: the primary-beam-corrected image times the
primary beam, or an uncorrected image as it is. Fluxes are then divided by the gain at the
source. Without a primary beam the gain is that of a Gaussian of FWHM 1.13 lambda / dish
around the pointing. A finder gets such a `Field` and gives `Source`s; every finder's table has
the same columns, units and flags. Images are read by `fitsimage.py`. Needs numpy and astropy, and nothing of STOA.
"""

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from fitsimage import Beam, Given, Image, ImageError, read_gain, read_image

SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))
FLOOR = 3.0  # sigma; a peak grows down to it
SEED = 0.9  # of the wanted S/N; a peak between two pixels shows less than its fit will have
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
DEBLENDED, NO_SHAPE, GAIN_MODEL, BEAM_GIVEN = 1, 2, 4, 8  # bits of the column `flags`

COLUMNS = (  # name, FITS format, unit
    ("id", "J", None),
    ("ra_deg", "D", "deg"),
    ("dec_deg", "D", "deg"),
    ("e_ra_arcsec", "D", "arcsec"),
    ("e_dec_arcsec", "D", "arcsec"),
    ("peak_flux", "D", "Jy/beam"),
    ("e_peak_flux", "D", "Jy/beam"),
    ("flux", "D", "Jy"),
    ("e_flux", "D", "Jy"),
    ("rms", "D", "Jy/beam"),
    ("snr", "D", None),
    ("gain", "D", None),
    ("major_arcsec", "D", "arcsec"),
    ("minor_arcsec", "D", "arcsec"),
    ("pa_deg", "D", "deg"),
    ("freq_ghz", "D", "GHz"),
    ("dynamic_range", "D", None),
    ("edge_beams", "D", None),
    ("area_beams", "D", None),
    ("flags", "J", None),
    ("x", "D", "pix"),
    ("y", "D", "pix"),
)


class FindingError(Exception):
    """No search; the message says why, and ends the script, as does that of an `ImageError`."""


class ProgramError(FindingError):
    """A program that the finder calls is missing or failed."""


@dataclass(frozen=True)
class Field:
    """What is searched: flat noise, the gain of every pixel, and how pixels lie on the sky."""

    flat: np.ndarray  # in `image.unit` before the primary-beam correction; NaN where there is nothing
    gain: np.ndarray
    gain_is_model: bool
    image: Image
    channels: int  # that were averaged

    @property
    def wcs(self):
        """The celestial axes, longitude first, in the image's own frame."""
        return self.image.wcs

    @property
    def beam(self):
        """The clean beam; its position angle is that of the image's own frame."""
        return self.image.beam

    @property
    def beam_is_given(self):
        """Whether the user gave the beam, not the image."""
        return self.image.beam_origin == "given"

    @property
    def freq_hz(self):
        """Frequency of the middle of the band; NaN where there is none."""
        return self.image.freq_hz


@dataclass(frozen=True)
class Source:
    """What a finder measured, before the primary-beam correction; pixels are counted from 0."""

    x: float
    y: float
    peak: float  # Jy/beam
    e_peak: float
    flux: float  # Jy
    e_flux: float
    rms: float  # Jy/beam, at the source
    e_ra: float  # degrees, times cos(dec)
    e_dec: float
    shape: Beam  # not deconvolved; the clean beam where no shape was fitted
    area: float  # in beams
    deblended: bool
    has_shape: bool


# Reading


def given(args):
    """What the options say of the image."""
    return Given(
        beam_arcsec=args.beam_arcsec, freq_ghz=args.freq_ghz, unit=args.unit, dish_m=args.dish_m,
        image_is=args.image_is, other_unit=args.other_unit,
    )  # fmt: skip


def read_field(args):
    """The image as it is searched; cubes as the mean of their channels, weighted by 1 / rms^2."""
    with read_image(args.image, given(args)) as image, read_gain(image, args.beam, given(args)) as gain:
        for note in image.notes:
            print(f"note: {note}")
        if image.world.axes.longitude > image.world.axes.latitude:
            raise ImageError(
                "latitude comes before longitude in the image, and `x` and `y` of a table count the other way"
            )
        flats, gains, weights = [], [], []
        for channel in range(image.channels):
            flat, weight = flat_plane(image, gain, channel)
            rms = noise(flat)
            if rms > 0:
                flats.append(flat)
                gains.append(weight)
                weights.append(rms**-2)
        if not weights:
            raise ImageError(empty_because(image, gain))
    shares = np.array(weights) / sum(weights)
    return Field(
        flat=np.tensordot(shares, np.array(flats), 1),
        gain=np.tensordot(shares, np.array(gains), 1),
        gain_is_model=gain.origin == "model",
        image=image,
        channels=len(weights),
    )


def flat_plane(image, gain, channel):
    """One channel with the same noise everywhere, and its gain; NaN where either has no value."""
    plane, weight = image.plane(channel).astype(float), gain.plane(channel).astype(float)
    flat = plane * weight if image.correction == "corrected" else plane
    return np.where(np.isfinite(weight) & (weight > 0), flat, np.nan), weight


def empty_because(image, gain):
    """Why no channel has noise to search in."""
    planes = [image.plane(channel) for channel in range(image.channels)]
    if not any(np.isfinite(plane).any() for plane in planes):
        return "all pixels are exactly zero or NaN" if image.has_zero_areas else "all pixels are NaN"
    if not any((np.isfinite(plane) & (gain.plane(i) > 0)).any() for i, plane in enumerate(planes)):
        return "no pixel with a value has a gain above zero"
    return "rms is zero: most pixels with a value are exactly zero"


def noise(values):
    """Robust rms about zero, where an interferometer's image has its mean: median of |value|, outliers clipped."""
    values = np.abs(values[np.isfinite(values)])
    rms = math.inf
    for _ in range(10):
        kept = values[values < 4 * rms]
        before, rms = rms, 1.4826 * float(np.median(kept)) if kept.size else 0.0
        if rms == before:
            break
    return rms


# Measuring


def condon(snr, area):
    """Relative errors of peak and integrated flux (Condon 1997, equation 21, for noise correlated over one beam).

    `area` is that of the fitted Gaussian in beams; for a point source the first one is 1 / S/N.
    """
    peak = 4 / (snr * math.sqrt(area) * (1 + 1 / area) ** 1.5) / math.sqrt(2)
    return peak, math.sqrt(peak**2 + 2 * peak**2 / area)


def position_error(beam, snr):
    """Errors in RA and Dec of a point source, in degrees: half widths of the beam over S/N, projected."""
    along, across = (width * SIGMA_PER_FWHM / snr for width in (beam.major, beam.minor))
    sin, cos = math.sin(math.radians(beam.pa)), math.cos(math.radians(beam.pa))
    return math.hypot(along * sin, across * cos), math.hypot(along * cos, across * sin)


def edge_distance(valid, x, y, fwhm, limit):
    """Distance from the nearest pixel without data, or from the border, in beams; at most `limit` is looked at."""
    half = math.ceil(limit * fwhm) + 1
    ny, nx = valid.shape
    border = min(x + 0.5, y + 0.5, nx - 0.5 - x, ny - 0.5 - y)
    x0, y0 = max(int(x) - half, 0), max(int(y) - half, 0)
    py, px = np.nonzero(~valid[y0 : int(y) + half + 1, x0 : int(x) + half + 1])
    hole = np.hypot(px + x0 - x, py + y0 - y).min() if len(px) else math.inf
    return float(min(border / fwhm, hole / fwhm, limit))


def longest_fwhm(field):
    """Longer width of the beam in pixels."""
    return field.beam.major / math.sqrt(abs(np.linalg.det(field.wcs.pixel_scale_matrix)))


def row(field, source, brightest):
    """The columns of one source but `id`, corrected for the primary beam."""
    shape = np.array(field.flat.shape)
    gain = float(field.gain[tuple(np.clip(np.rint([source.y, source.x]).astype(int), 0, shape - 1))])
    ra, dec = field.image.sky(source.x, source.y)
    bits = (DEBLENDED, source.deblended), (NO_SHAPE, not source.has_shape), (GAIN_MODEL, field.gain_is_model)
    return {
        "ra_deg": float(ra) % 360,
        "dec_deg": float(dec),
        "e_ra_arcsec": source.e_ra * 3600,
        "e_dec_arcsec": source.e_dec * 3600,
        "peak_flux": source.peak / gain,
        "e_peak_flux": source.e_peak / gain,
        "flux": source.flux / gain,
        "e_flux": source.e_flux / gain,
        "rms": source.rms / gain,
        "snr": source.peak / source.rms,
        "gain": gain,
        "major_arcsec": source.shape.major * 3600,
        "minor_arcsec": source.shape.minor * 3600,
        "pa_deg": (source.shape.pa + field.image.turn_deg(source.x, source.y)) % 180,
        "freq_ghz": field.freq_hz / 1e9,
        "dynamic_range": brightest / source.peak,
        "edge_beams": edge_distance(np.isfinite(field.flat), source.x, source.y, longest_fwhm(field), 10),
        "area_beams": source.area,
        "flags": sum(bit for bit, on in (*bits, (BEAM_GIVEN, field.beam_is_given)) if on),
        "x": source.x + 1,
        "y": source.y + 1,
    }


# Choosing


def choose(rows, args, separation_arcsec):
    """The rows that pass, and how many each cut removed; a row counts for the first cut that it fails."""
    cuts = {
        "gain": lambda r: r["gain"] >= args.min_gain,
        "edge": lambda r: r["edge_beams"] >= args.edge_beams,
        "shape": lambda r: r["area_beams"] >= args.min_area,
        "sidelobe": lambda r: r["dynamic_range"] <= args.max_dynamic_range,
        "double": lambda r: all(distance(r, k) > separation_arcsec for k in kept),
    }
    kept, removed = [], dict.fromkeys(cuts, 0)
    for r in rows:
        failed = next((name for name, passes in cuts.items() if not passes(r)), None)
        if failed is None:
            kept.append(r)
        else:
            removed[failed] += 1
    return kept, removed


def distance(a, b):
    """Angle between two rows in arcsec; they lie in one small field."""
    east = ((a["ra_deg"] - b["ra_deg"] + 180) % 360 - 180) * math.cos(math.radians(a["dec_deg"]))
    return math.hypot(east, a["dec_deg"] - b["dec_deg"]) * 3600


def write_table(rows, field, path):
    """The sources as a FITS binary table; no row is a table too."""
    own = field.image.unit
    units = {} if own == "Jy/beam" else {"Jy/beam": own, "Jy": f"{own} beam"}
    numbered = [{"id": i, **r} for i, r in enumerate(rows, 1)]
    columns = [
        fits.Column(
            name,
            form,
            unit=units.get(unit, unit),
            array=np.array([r[name] for r in numbered], dtype="i4" if form == "J" else "f8"),
        )
        for name, form, unit in COLUMNS
    ]
    table = fits.BinTableHDU.from_columns(columns, name="SOURCES")
    beam = field.beam
    for key, value in (("BMAJ", beam.major), ("BMIN", beam.minor), ("BPA", beam.pa)):
        table.header[key] = (value, "[deg] clean beam")
    table.header["RADESYS"] = "ICRS"
    table.writeto(path, overwrite=True)


# A finder of its own


def executable(name, given, package):
    """Path of a program that a finder calls.

    Parameters
    ----------
    given
        Its name on PATH or its path.
    package
        What to install, for the message.
    """
    found = shutil.which(given)
    if not found:
        raise ProgramError(f"{name} is missing, {given!r} is no program here: {package}")
    return str(Path(found).absolute())


def run_program(command, folder=None):
    """Run a finder's program, what it says going to this script's log; its last line is the cause when it fails.

    Parameters
    ----------
    folder
        Its working directory, by default this one.
    """
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
    )
    said = COLOUR.sub("", done.stdout)
    sys.stdout.write(said)
    sys.stdout.flush()
    if done.returncode:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        words = lines[-1][-100:] if lines else "nothing"
        raise ProgramError(f"{Path(command[0]).name} ended with exit status {done.returncode}, saying: {words}")


def write_flat(field, path, blank):
    """The searched image as two-dimensional FITS with its beam in degrees; pixels without data become `blank`."""
    header = field.wcs.to_header()
    header["BUNIT"] = field.image.unit
    header["BMAJ"], header["BMIN"], header["BPA"] = field.beam.major, field.beam.minor, field.beam.pa
    data = np.where(np.isfinite(field.flat), field.flat, blank).astype(np.float32)
    fits.PrimaryHDU(data, header).writeto(path, overwrite=True)


# The whole


def search(args, find):
    """Search one image, write its sources, and give the results.

    Parameters
    ----------
    find
        The finder: called with the `Field`, its rms and the arguments, gives `Source`s.
    """
    field = read_field(args)
    searched = np.isfinite(field.flat) & (field.gain >= args.min_gain)
    if not searched.any():
        raise ImageError(f"the gain is below {args.min_gain:g} everywhere")
    rms = noise(field.flat[searched])
    if not rms > 0:
        raise ImageError("rms is zero: the image is empty")
    found = [source for source in find(field, rms, args) if source.peak > 0]
    brightest = max((source.peak for source in found), default=0.0)
    rows = sorted((row(field, source, brightest) for source in found), key=lambda r: -r["snr"])
    detected = [r for r in rows if r["snr"] >= args.snr]
    sources, removed = choose(detected, args, 0.5 * field.beam.minor * 3600)
    write_table(sources, field, args.out)
    return {
        "n_detected": len(detected),
        "n_sources": len(sources),
        **{f"n_cut_{name}": count for name, count in removed.items()},
        "rms": rms,
        "peak": float(field.flat[searched].max()),
        "lowest_sigma": float(field.flat[searched].min()) / rms,
        "beam_major_arcsec": field.beam.major * 3600,
        "beam_minor_arcsec": field.beam.minor * 3600,
        "gain_is_model": field.gain_is_model,
        "channels": field.channels,
    }


def truth(text):
    """True or false as STOA writes them."""
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def parser(doc):
    """The options that every finder has; names and defaults are those of its definition."""
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    add = made.add_argument
    add("--image", required=True, help="FITS image or cube, Jy/beam")
    add("--beam", default="", help="FITS file of the primary beam on the same grid")
    add("--out", default="sources.fits", help="table that is written")
    add("--snr", type=float, default=5, help="lowest signal to noise of the fitted peak")
    add("--min-gain", type=float, default=0.3, help="lowest primary-beam gain")
    add("--edge-beams", type=float, default=1, help="least distance from pixels without data, in beams")
    add("--min-area", type=float, default=0.4, help="least fitted area, in beams")
    add("--max-dynamic-range", type=float, default=200, help="most that a source may be fainter than the brightest")
    add("--beam-arcsec", type=float, default=0, help="clean beam where the header has none; 0: that is a failure")
    add("--freq-ghz", type=float, default=0, help="frequency where the header has none; 0: not known")
    add("--unit", default="", help="unit where the header has no BUNIT; empty: that is a failure")
    add("--other-unit", choices=("fail", "search"), default="fail", help="for units that do not convert to Jy/beam")
    add("--dish-m", type=float, default=0, help="dish diameter, to model the primary beam; 0: that of the telescope")
    add(
        "--image-is", choices=("auto", "corrected", "uncorrected", "flat"), default="auto",
        help="for the primary beam; flat: no correction",
    )  # fmt: skip
    return made


def main(args, find):
    """Search and report; a FindingError ends the script with its message as the last line."""
    warnings.filterwarnings("ignore", message="File may have been truncated")  # the reading that follows says so
    try:
        results = search(args, find)
    except (FindingError, ImageError) as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
    Path("stoa-result.json").write_text(json.dumps(results, indent=1) + "\n")
    print(f"{results['n_sources']} sources of {results['n_detected']} detected, rms {results['rms']:.3g} Jy/beam")
