"""What the shipped source finders share: reading images, correcting for the primary beam, choosing, writing.

What is searched has the same noise everywhere: the primary-beam-corrected image times the
primary beam, or an uncorrected image as it is. Fluxes are then divided by the gain at the
source. Without a primary beam the gain is that of a Gaussian of FWHM 1.13 lambda / dish
around the pointing. A finder gets such a `Field` and gives `Source`s; every finder's table has
the same columns, units and flags. Needs numpy and astropy, and nothing of STOA.
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
from astropy.wcs import WCS, FITSFixedWarning

LIGHT_M_S = 299792458.0
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
    """No search; the message says why, and ends the script."""


class ImageError(FindingError):
    """The image cannot be searched."""


class ProgramError(FindingError):
    """A program that the finder calls is missing or failed."""


@dataclass(frozen=True)
class Beam:
    """Clean beam as the header gives it: full widths at half maximum and position angle, in degrees."""

    major: float
    minor: float
    pa: float


@dataclass(frozen=True)
class Field:
    """What is searched: flat noise, the gain of every pixel, and how pixels lie on the sky."""

    flat: np.ndarray  # Jy/beam before the primary-beam correction; NaN where there is nothing
    gain: np.ndarray
    gain_is_model: bool
    wcs: WCS
    beam: Beam
    beam_is_given: bool
    freq_hz: float
    channels: int


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


def read_planes(path):
    """Header and data with shape (channels, y, x): first Stokes plane, every spectral channel."""
    try:
        with fits.open(path, memmap=False) as hdus:
            header = hdus[0].header
            data = hdus[0].data
            beams = hdus["BEAMS"].data if "BEAMS" in hdus else None
            data = None if data is None else np.asarray(data, dtype=np.float64)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise ImageError("the file is cut off or damaged") from error
    if data is None or data.ndim < 2:
        raise ImageError("the first HDU holds no image")
    for axis in range(data.ndim, 2, -1):  # FITS axis 3 is the last but two of numpy
        if str(header.get(f"CTYPE{axis}", "")).startswith("STOKES"):
            data = data.take([0], axis=data.ndim - axis)
    return header, beams, data.reshape(-1, *data.shape[-2:])


def celestial(header):
    """The two celestial axes; they have to be the first two."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        try:
            wcs = WCS(header)
        except Exception as error:  # wcslib's errors have no common base
            raise ImageError(f"the world coordinates cannot be read ({type(error).__name__})") from error
    if not wcs.has_celestial or {wcs.wcs.lng, wcs.wcs.lat} != {0, 1}:
        raise ImageError("no celestial coordinates (RA and Dec) on the first two axes")
    return wcs.celestial


def read_beam(header, beams, given_arcsec):
    """The clean beam: of the header, else the median of the BEAMS table, else the one given."""
    if header.get("BMAJ"):
        return Beam(header["BMAJ"], header["BMIN"], header.get("BPA", 0.0)), False
    if beams is not None and np.any(beams["BMAJ"] > 0):
        some = beams[beams["BMAJ"] > 0]
        major, minor, pa = (float(np.median(some[name])) for name in ("BMAJ", "BMIN", "BPA"))
        return Beam(major / 3600, minor / 3600, pa), False  # the table has arcsec
    if given_arcsec > 0:
        return Beam(given_arcsec / 3600, given_arcsec / 3600, 0.0), True
    raise ImageError("no beam: the header has no BMAJ and there is no BEAMS table (parameter beam_arcsec gives one)")


def frequency(header):
    """Frequency of the middle of the band in Hz; nan where the header has none."""
    for axis in range(3, header["NAXIS"] + 1):
        if str(header.get(f"CTYPE{axis}", "")).startswith("FREQ"):
            middle = (header[f"NAXIS{axis}"] + 1) / 2
            return header[f"CRVAL{axis}"] + (middle - header.get(f"CRPIX{axis}", 1)) * header[f"CDELT{axis}"]
    return header.get("RESTFRQ", header.get("RESTFREQ", math.nan))


def is_corrected(header, path, asked):
    """Whether the image is divided by the primary beam: said by TYPE or by the file's name."""
    if asked != "auto":
        return asked == "corrected"
    return header.get("TYPE") == "pbcorimage" or ".pbcor" in Path(path).name.lower()


def modelled_gain(wcs, shape, freq_hz, dish_m):
    """Gaussian primary beam of FWHM 1.13 lambda / dish around the reference position."""
    if not freq_hz > 0:
        raise ImageError("no primary beam, and no frequency in the header to model one")
    fwhm = math.degrees(1.13 * LIGHT_M_S / freq_hz / dish_m)
    y, x = np.indices(shape)
    offset = np.tensordot(wcs.pixel_scale_matrix, np.array([x + 1 - wcs.wcs.crpix[0], y + 1 - wcs.wcs.crpix[1]]), 1)
    return np.exp(-4 * math.log(2) * (offset**2).sum(axis=0) / fwhm**2)


def read_field(args):
    """The image as it is searched; cubes as the mean of their channels, weighted by 1 / rms^2."""
    header, beams, planes = read_planes(args.image)
    wcs = celestial(header)
    unit = str(header.get("BUNIT", "")).strip().lower()
    if unit not in ("", "jy/beam", "beam-1 jy", "jy beam-1"):
        raise ImageError(f"the unit is {header['BUNIT']!r}, not Jy/beam")
    if not np.isfinite(planes).any():
        raise ImageError("all pixels are NaN")
    beam, beam_is_given = read_beam(header, beams, args.beam_arcsec)
    freq_hz = frequency(header)
    if args.beam:
        gains = read_planes(args.beam)[2]
        if gains.shape[1:] != planes.shape[1:] or len(gains) not in (1, len(planes)):
            raise ImageError("the primary beam is on another grid than the image")
    else:
        gains = modelled_gain(wcs, planes.shape[1:], freq_hz, args.dish_m)[None]
    flat = planes * gains if is_corrected(header, args.image, args.image_is) else planes
    flat = np.where(np.isfinite(gains) & (gains > 0), flat, np.nan)
    weights = np.array([0.0 if not noise(p) > 0 else noise(p) ** -2 for p in flat])
    if not weights.any():
        raise ImageError("rms is zero: the image is empty")
    used = weights > 0
    weights = weights[used] / weights[used].sum()
    gains = np.broadcast_to(gains, flat.shape)[used]
    return Field(
        flat=np.tensordot(weights, flat[used], 1),
        gain=np.tensordot(weights, gains, 1),
        gain_is_model=not args.beam,
        wcs=wcs,
        beam=beam,
        beam_is_given=beam_is_given,
        freq_hz=freq_hz,
        channels=int(used.sum()),
    )


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
    ra, dec = field.wcs.all_pix2world(source.x, source.y, 0)
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
        "pa_deg": source.shape.pa,
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
    numbered = [{"id": i, **r} for i, r in enumerate(rows, 1)]
    columns = [
        fits.Column(
            name, form, unit=unit, array=np.array([r[name] for r in numbered], dtype="i4" if form == "J" else "f8")
        )
        for name, form, unit in COLUMNS
    ]
    table = fits.BinTableHDU.from_columns(columns, name="SOURCES")
    beam = field.beam
    for key, value in (("BMAJ", beam.major), ("BMIN", beam.minor), ("BPA", beam.pa)):
        table.header[key] = (value, "[deg] clean beam")
    table.header["RADESYS"] = field.wcs.wcs.radesys or "ICRS"
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
    return found


def run_program(command):
    """Run a finder's program, what it says going to this script's log; its last line is the cause when it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
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
    header["BUNIT"] = "Jy/beam"
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
    add("--dish-m", type=float, default=12, help="dish diameter, where the primary beam has to be modelled")
    add("--image-is", choices=("auto", "corrected", "uncorrected"), default="auto", help="for the primary beam")
    return made


def main(args, find):
    """Search and report; a FindingError ends the script with its message as the last line."""
    warnings.filterwarnings("ignore", message="File may have been truncated")  # the reading that follows says so
    try:
        results = search(args, find)
    except FindingError as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
    Path("stoa-result.json").write_text(json.dumps(results, indent=1) + "\n")
    print(f"{results['n_sources']} sources of {results['n_detected']} detected, rms {results['rms']:.3g} Jy/beam")
