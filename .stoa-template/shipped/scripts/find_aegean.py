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
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product
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
TILE = 3000  # pixels along each side that Aegean and BANE get at once; BANE takes 80 bytes for each
GRID_BEAMS = 4  # of BANE, whose windows have 6 such steps
MARGIN_NODES = 5  # of its grid around a tile
NOT_FITTED = 2 | 4 | 8 | 16  # bits of Aegean's flags: fit failed, shape fixed to that of the beam, not fitted


def tiles(field):
    """Tiles of an image: what counts of each, and this with a margin; both as slices along y and x.

    They begin at nodes of BANE's grid, so that its maps are those of the whole image.
    """
    grid = math.ceil(GRID_BEAMS * math.sqrt(field.beam.major * field.beam.minor) / field.image.pixel_deg)
    axes = []
    for n in field.flat.shape:
        ends = [round(i * n / math.ceil(n / TILE) / grid) * grid for i in range(math.ceil(n / TILE))]
        margin = MARGIN_NODES * grid
        axes.append([(a, b, max(a - margin, 0), min(b + margin, n)) for a, b in pairwise([*ends, n])])
    for y, x in product(*axes):
        yield (slice(*y[:2]), slice(*x[:2])), (slice(*y[2:]), slice(*x[2:]))


def detect(field, depth, args, folder):
    """Rows of Aegean's table of components as texts by column, and the field and its noise as Aegean had them.

    Less BANE's background, with BANE's noise, or with one number. A large image is searched in tiles that overlap. With
    `--fits shared` nothing is fitted: the rows are the brightest pixels of the summits.
    """
    program = programs.executable("Aegean", args.program, PACKAGE)
    rows, flat, level = [], field.flat, np.array([[depth.rms]])
    if args.background == "bane":
        beside = Path(program).with_name("BANE")
        bane = programs.executable("BANE", str(beside) if beside.is_file() else "BANE", PACKAGE)
        flat, level = flat.copy(), np.empty_like(flat)
    for core, tile in tiles(field):
        programs.write_flat(field, folder / "flat.fits", np.nan, tile)
        if args.background == "bane":
            programs.run_program([bane, "--cores", "1", "--out", str(folder / "flat"), str(folder / "flat.fits")])
            inner = tuple(slice(c.start - t.start, c.stop - t.start) for c, t in zip(core, tile, strict=True))
            flat[core] -= np.nan_to_num(fits.getdata(folder / "flat_bkg.fits")[inner])
            level[core] = fits.getdata(folder / "flat_rms.fits")[inner]
        noise = noise_options(field, depth, args, folder, tile)
        rows += [row for row in components(field, program, args, folder, noise) if within(core, row)]
    if args.background == "local":
        return rows, field, depth
    level[~(level > 0)] = depth.rms  # where there are no data
    return rows, replace(field, flat=flat), replace(depth, map=NoiseMap(nodes=level, first=(0, 0), step=(1, 1)))


def noise_options(field, depth, args, folder, tile):
    """The options of Aegean for background and noise of a tile; maps are written beside it."""
    if args.background == "constant" or (args.background == "local" and depth.map.nodes.size == 1):
        return ["--forcerms", repr(depth.rms), "--forcebkg", "0"]
    if args.background == "local":
        first = tuple(start - part.start for start, part in zip(depth.map.first, tile, strict=True))
        level = replace(depth.map, first=first).over(field.flat[tile].shape)
        programs.write_flat(field, folder / "flat_rms.fits", np.nan, tile, level)
        programs.write_flat(field, folder / "flat_bkg.fits", np.nan, tile, 0 * level)
    return ["--background", str(folder / "flat_bkg.fits"), "--noise", str(folder / "flat_rms.fits")]


def components(field, program, args, folder, noise):
    """Rows of Aegean's table of a tile, with their place in the image and whether others share their island."""
    table = folder / "found_comp.csv"
    table.unlink(missing_ok=True)
    command = [
        program,
        str(folder / "flat.fits"),
        *noise,
        "--seedclip",
        str(SEED * args.snr),
        "--floodclip",
        str(FLOOR),
    ]
    if args.fits == "shared":
        command += ["--maxsummits", "0"]
    # As CSV: in its FITS tables Aegean writes positions in single precision, steps of 0.05 arcsec.
    programs.run_program([*command, "--cores", "1", "--table", str(folder / "found.csv")])
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as lines:
        rows = [{NAMES.get(name, name): text for name, text in row.items()} for row in csv.DictReader(lines)]
    islands = Counter(row["island"] for row in rows)
    for row in rows:
        row["x"], row["y"] = (float(one) for one in field.wcs.all_world2pix(float(row["ra"]), float(row["dec"]), 0))
        row["deblended"] = islands[row["island"]] > 1
    return rows


def within(core, row):
    """Whether a row is in a part of the image; one without a position is in none."""
    return all(part.start <= row[name] + 0.5 < part.stop for part, name in zip(core, ("y", "x"), strict=True))


def measure(field, depth, args):
    """The components of a field, measured."""
    with tempfile.TemporaryDirectory(dir=Path(args.out).absolute().parent) as folder:
        table, had, noise = detect(field, depth, args, Path(folder))
    if args.fits == "shared":
        return shared(had, noise, table, args)
    found = [source(field, depth, row) for row in table]
    return marked(field, depth, [one for one in found if one is not None])


def shared(field, depth, table, args):
    """Aegean's summits, fitted as those of the other finders."""

    def least(x, y):
        return SEED * args.snr * depth.at(x, y)

    return measured(field, depth, joined(fitter_of(field, depth), starts(table, least), least))


def starts(table, least):
    """The summits that may reach the wanted signal to noise, brightest first: (value, x, y)."""
    found = [(float(row["peak_flux"]), row["x"], row["y"]) for row in table]
    return sorted((one for one in found if one[0] >= least(*one[1:])), reverse=True)


def source(field, depth, row):
    """One source from a row of Aegean's table; None where its numbers are not finite."""
    number = {name: float(row[name]) for name in NUMBERS}
    beam, rms, peak = field.beam, number["local_rms"], number["peak_flux"]
    if not (rms > 0 and peak > 0 and all(map(math.isfinite, number.values()))):
        return None
    extent = Beam(number["a"] / 3600, number["b"] / 3600, number["pa"] % 180)
    area = extent.major * extent.minor / (beam.major * beam.minor)
    errors = condon(peak / rms, extent.major / beam.major, extent.minor / beam.minor, depth.smoothed)
    e_ra, e_dec = errors.position(extent)
    return Source(
        x=row["x"], y=row["y"], peak=peak, e_peak=stated(row, "err_peak_flux", peak * errors.peak),
        flux=number["int_flux"], e_flux=stated(row, "err_int_flux", number["int_flux"] * errors.flux),
        rms=rms, e_ra=stated(row, "err_ra", e_ra), e_dec=stated(row, "err_dec", e_dec),
        shape=extent, area=area, deblended=row["deblended"], has_shape=not int(float(row["flags"])) & NOT_FITTED,
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
