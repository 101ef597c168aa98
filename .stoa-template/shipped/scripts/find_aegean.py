#!/usr/bin/env python
"""Find sources in one interferometric image with Aegean (Hancock et al. 2012, MNRAS 422, 1812; 2018, PASA 35, e011).

Aegean sees islands and their summits. A summit that is noise on a wide source is dropped (`joining.py`); each of the
others is fitted with a free Gaussian (`measuring.py`), with errors of Condon (1997, PASP 109, 166). With
`--fits aegean` shapes, fluxes and errors are Aegean's own; where it gives no error, or a smaller one, that of Condon is
taken. The noise is that of each place as the other finders have it, one number for the image, or BANE's map
(`--background`). What is searched, and how it is corrected for the primary beam, is in `searched.py` and `finding.py`.

Needs numpy and astropy, and the programs `aegean` and `BANE` of AegeanTools, which may live in an environment of their
own; nothing of STOA.
"""

import csv
import math
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import finding
import numpy as np
import programs
from astropy.io import fits
from finding import FLOOR, SEED
from fitsunits import Beam
from gaussians import condon
from joining import joined
from local_noise import NoiseMap
from measuring import fitter_of, marked, measured
from rows import Source

PACKAGE = 'pip install AegeanTools "numpy<2.4" into a venv, then `stoa env add NAME --environ AEGEAN=.../bin/aegean`'
NAMES = {"lon": "ra", "lat": "dec", "err_lon": "err_ra", "err_lat": "err_dec"}  # in galactic coordinates
NUMBERS = ("local_rms", "ra", "dec", "peak_flux", "int_flux", "a", "b", "pa")
NOT_FITTED = 2 | 4 | 8 | 16  # bits of Aegean's flags: fit failed, shape fixed to that of the beam, not fitted


def detect(field, depth, args, folder):
    """Rows of Aegean's table of components, as texts by column; none where it found nothing.

    With `--fits shared` it fits nothing: they are the brightest pixels of its summits.
    """
    program = programs.executable("Aegean", args.program, PACKAGE)
    flat = folder / "flat.fits"
    programs.write_flat(field, flat, blank=np.nan)
    if args.background == "bane":
        beside = Path(program).with_name("BANE")
        bane = programs.executable("BANE", str(beside) if beside.is_file() else "BANE", PACKAGE)
        programs.run_program([bane, "--cores", "1", "--out", str(folder / "flat"), str(flat)])
        noise = ["--background", str(folder / "flat_bkg.fits"), "--noise", str(folder / "flat_rms.fits")]
    elif args.background == "constant" or depth.map.nodes.size == 1:
        noise = ["--forcerms", repr(depth.rms), "--forcebkg", "0"]
    else:
        level = depth.over(field.flat.shape)
        programs.write_flat(replace(field, flat=level), folder / "flat_rms.fits", blank=np.nan)
        programs.write_flat(replace(field, flat=0 * level), folder / "flat_bkg.fits", blank=np.nan)
        noise = ["--background", str(folder / "flat_bkg.fits"), "--noise", str(folder / "flat_rms.fits")]
    command = [program, str(flat), *noise, "--seedclip", str(SEED * args.snr), "--floodclip", str(FLOOR)]
    # As CSV: in its FITS tables Aegean writes positions in single precision, steps of 0.05 arcsec.
    if args.fits == "shared":
        command += ["--maxsummits", "0"]
    programs.run_program([*command, "--cores", "1", "--table", str(folder / "found.csv")])
    table = folder / "found_comp.csv"
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as lines:
        return [{NAMES.get(name, name): text for name, text in row.items()} for row in csv.DictReader(lines)]


def measure(field, depth, args):
    """The components of a field, measured."""
    with tempfile.TemporaryDirectory(dir=Path(args.out).absolute().parent) as folder:
        table = detect(field, depth, args, Path(folder))
        if args.fits == "shared":
            return shared(*as_detected(field, depth, args, Path(folder)), table, args)
    islands = [row["island"] for row in table]
    found = [source(field, depth, row, deblended=islands.count(row["island"]) > 1) for row in table]
    return marked(field, depth, [one for one in found if one is not None])


def shared(field, depth, table, args):
    """Aegean's summits, fitted as those of the other finders."""

    def least(x, y):
        return SEED * args.snr * depth.at(x, y)

    return measured(field, depth, joined(fitter_of(field, depth), starts(field, table, least), least))


def as_detected(field, depth, args, folder):
    """A field and its noise as Aegean had them: less BANE's background, with BANE's noise, or with one number."""
    if args.background == "local":
        return field, depth
    level = np.array([[depth.rms]])
    if args.background == "bane":
        field = replace(field, flat=field.flat - np.nan_to_num(fits.getdata(folder / "flat_bkg.fits")))
        level = fits.getdata(folder / "flat_rms.fits").astype(float)
        level[~(level > 0)] = depth.rms  # where there are no data
    return field, replace(depth, map=NoiseMap(nodes=level, first=(0, 0), step=(1, 1)))


def starts(field, table, least):
    """The summits that may reach the wanted signal to noise, brightest first: (value, x, y)."""
    found = []
    for row in table:
        x, y = (float(one) for one in field.wcs.all_world2pix(float(row["ra"]), float(row["dec"]), 0))
        value = float(row["peak_flux"])
        if value >= least(x, y):
            found.append((value, x, y))
    return sorted(found, reverse=True)


def source(field, depth, row, *, deblended):
    """One source from a row of Aegean's table; None where its numbers are not finite."""
    number = {name: float(row[name]) for name in NUMBERS}
    beam, rms, peak = field.beam, number["local_rms"], number["peak_flux"]
    if not (rms > 0 and peak > 0 and all(map(math.isfinite, number.values()))):
        return None
    x, y = field.wcs.all_world2pix(number["ra"], number["dec"], 0)
    extent = Beam(number["a"] / 3600, number["b"] / 3600, number["pa"] % 180)
    area = extent.major * extent.minor / (beam.major * beam.minor)
    errors = condon(peak / rms, extent.major / beam.major, extent.minor / beam.minor, depth.smoothed)
    e_ra, e_dec = errors.position(extent)
    return Source(
        x=float(x), y=float(y), peak=peak, e_peak=stated(row, "err_peak_flux", peak * errors.peak),
        flux=number["int_flux"], e_flux=stated(row, "err_int_flux", number["int_flux"] * errors.flux),
        rms=rms, e_ra=stated(row, "err_ra", e_ra), e_dec=stated(row, "err_dec", e_dec),
        shape=extent, area=area, deblended=deblended, has_shape=not int(float(row["flags"])) & NOT_FITTED,
        e_major=errors.major * extent.major, e_minor=errors.minor * extent.minor,
    )  # fmt: skip


def stated(row, name, least):
    """An error that Aegean gives, but no less than Condon's; it writes -1, or nothing finite, where it has none."""
    try:
        value = float(row[name])
    except ValueError:
        return least
    return max(value, least) if math.isfinite(value) else least


def search(args):
    """Search one image, write its sources, and give the results."""
    return finding.search(args, measure)


def arguments(argv):
    """The command line; names and defaults are those of `aegean.yaml`."""
    parser = finding.parser(__doc__)
    here = os.environ.get("AEGEAN") or "aegean"
    parser.add_argument("--program", default=here, help="Aegean, by default $AEGEAN or on PATH; BANE is beside it")
    parser.add_argument(
        "--background", choices=("local", "constant", "bane"), default="local", help="noise and background of the image"
    )
    parser.add_argument(
        "--fits", choices=("shared", "aegean"), default="shared", help="those of the other finders, or Aegean's own"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    finding.main(arguments(sys.argv[1:]), measure)
