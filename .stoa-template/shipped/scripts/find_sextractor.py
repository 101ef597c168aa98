#!/usr/bin/env python
"""Find sources in one interferometric image with Source Extractor (Bertin & Arnouts 1996, A&AS 117, 393).

Peaks are those of the fit with the clean beam (FLUX_PSF), positions windowed ones, integrated fluxes isophotal ones
corrected for a Gaussian profile (FLUX_ISOCOR), shapes isophotal moments corrected for what lies below the isophote.
Its own errors take the noise of pixels as independent; those here follow Condon (1997, PASP 109, 166). What is
searched, and how it is corrected for the primary beam, stands in `finding.py`.

Needs numpy, astropy and the program `source-extractor` (also called `sex`), and nothing of STOA. Its settings, columns
and filter stand in `sextractor.sex`, `.param` and `.conv` beside this script.
"""

import math
import shutil
import sys
import tempfile
from pathlib import Path

import finding
import numpy as np
from astropy.io import fits
from finding import FLOOR, SEED, SIGMA_PER_FWHM, Source, condon, longest_fwhm, position_error
from fitsimage import Beam

HERE = Path(__file__).parent
SETTINGS = ("sextractor.sex", "sextractor.param", "sextractor.conv")
PACKAGE = "install the Debian package source-extractor, or --set program=PATH"
WINDOWED = 4 / 3
"""Error of a windowed position over that of a fit: twice the sum of w x n over that of w f has this standard deviation
when window w, source f and the correlation of the noise n are all Gaussians of the beam's width."""
MERGED = 2  # bit of FLAGS: the object was deblended
LEAST_SHARE = 0.1  # of the second moment above the isophote, below which it says nothing of the shape


def write_psf(field, path):
    """The clean beam as a PSFEx file of one plane that does not vary; gives its sum, the beam's area in pixels."""
    inverse = field.wcs.pixel_scale_matrix
    half = math.ceil(2.5 * longest_fwhm(field))
    y, x = np.indices((2 * half + 1, 2 * half + 1)) - half
    east, north = np.tensordot(inverse, np.array([x, y]), 1)
    pa = math.radians(field.beam.pa)
    along, across = east * math.sin(pa) + north * math.cos(pa), east * math.cos(pa) - north * math.sin(pa)
    plane = np.exp(-4 * math.log(2) * ((along / field.beam.major) ** 2 + (across / field.beam.minor) ** 2))
    size = len(plane)
    mask = (plane / plane.sum()).astype(np.float32)[None]
    table = fits.BinTableHDU.from_columns(
        [fits.Column("PSF_MASK", f"{size * size}E", dim=f"({size},{size},1)", array=[mask])], name="PSF_DATA"
    )
    cards = {
        "LOADED": 1, "ACCEPTED": 1, "CHI2": 1.0, "POLNAXIS": 0, "POLNGRP": 0, "PSF_FWHM": longest_fwhm(field),
        "PSF_SAMP": 1.0, "PSFNAXIS": 3, "PSFAXIS1": size, "PSFAXIS2": size, "PSFAXIS3": 1,
    }  # fmt: skip
    table.header.update(cards)
    table.writeto(path)
    return float(plane.sum())


def detect(field, rms, args, folder):
    """Source Extractor's table of the flat image, and the area of the beam in pixels."""
    program = finding.executable("Source Extractor", args.program, PACKAGE)
    finding.write_flat(field, folder / "flat.fits", blank=0.0)
    area = write_psf(field, folder / "beam.psf")
    threshold = f"{FLOOR * rms:.6g}"
    for name in SETTINGS:  # its file names stay plain: brackets, commas and blanks in a path mean something to it
        shutil.copyfile(HERE / name, folder / name)
    command = [program, "flat.fits", "-c", "sextractor.sex"]
    options = {
        "PARAMETERS_NAME": "sextractor.param", "FILTER_NAME": "sextractor.conv", "FILTER": "Y" if args.smooth else "N",
        "DETECT_THRESH": threshold, "ANALYSIS_THRESH": threshold, "PSF_NAME": "beam.psf",
        "CATALOG_NAME": "detected.fits",
    }  # fmt: skip
    for name, value in options.items():
        command += [f"-{name}", value]
    finding.run_program(command, folder)
    return np.asarray(fits.getdata(folder / "detected.fits", 1)), area


def measure(field, rms, args):
    """The peaks of a field that may reach the wanted signal to noise, measured."""
    with tempfile.TemporaryDirectory(dir=Path(args.out).absolute().parent) as folder:
        table, area = detect(field, rms, args, Path(folder))
    found = [source(field, rms, values, area) for values in table]
    return [one for one in found if one.peak >= SEED * args.snr * rms]


def source(field, rms, values, beam_pixels):
    """One source from a row of Source Extractor's table."""
    fitted = values["FLUX_PSF"] > 0
    peak = float(values["FLUX_PSF"]) / beam_pixels if fitted else float(values["FLUX_MAX"])
    flux = max(float(values["FLUX_ISOCOR"]) / beam_pixels, 0.0)
    extent = shape(field, values, FLOOR * rms / peak)
    area = flux / peak
    relative, whole_relative = condon(peak / rms, max(area, 0.1))
    e_ra, e_dec = position_error(field.beam, peak / rms / WINDOWED)
    return Source(
        x=float(values["XWIN_IMAGE"]) - 1, y=float(values["YWIN_IMAGE"]) - 1, peak=peak, e_peak=peak * relative,
        flux=flux, e_flux=flux * whole_relative, rms=rms, e_ra=e_ra, e_dec=e_dec, shape=extent or field.beam,
        area=area, deblended=bool(values["FLAGS"] & MERGED), has_shape=extent is not None,
    )  # fmt: skip


def shape(field, values, level):
    """Widths from second moments above an isophote at `level` of the peak, for a Gaussian; None if it has too little.

    The mean of u exp(-u) up to u = -ln(level) gives the share 1 + level ln(level) / (1 - level) of the whole moment.
    """
    share = 1 + level * math.log(level) / (1 - level) if 0 < level < 1 else 0.0
    if share < LEAST_SHARE or not values["B_IMAGE"] > 0:
        return None
    angle = math.radians(float(values["THETA_IMAGE"]))
    axes = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    pixels = axes @ np.diag([float(values[name]) ** 2 / share for name in ("A_IMAGE", "B_IMAGE")]) @ axes.T
    scale = field.wcs.pixel_scale_matrix
    size, axes = np.linalg.eigh(scale @ pixels @ scale.T)
    minor, major = np.sqrt(size) / SIGMA_PER_FWHM
    return Beam(float(major), float(minor), math.degrees(math.atan2(axes[0, 1], axes[1, 1])) % 180)


def search(args):
    """Search one image, write its sources, and give the results."""
    return finding.search(args, measure)


def arguments(argv):
    """The command line; names and defaults are those of `sextractor.yaml`."""
    parser = finding.parser(__doc__)
    parser.add_argument("--program", default="source-extractor", help="Source Extractor: a name on PATH or a path")
    parser.add_argument(
        "--smooth", type=finding.truth, default=False, help="detect on the image convolved with sextractor.conv"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    finding.main(arguments(sys.argv[1:]), measure)
