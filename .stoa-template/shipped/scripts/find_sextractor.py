#!/usr/bin/env python
"""Find sources in one interferometric image with Source Extractor (Bertin & Arnouts 1996, A&AS 117, 393).

Source Extractor sees the peaks, above the noise of each place, and takes merged ones apart; each is then fitted with a
free Gaussian (`measuring.py`), with errors of Condon (1997, PASP 109, 166). Its own photometry has no fit of a shape,
and its own errors take the noise of pixels as independent, which it is not here. What is searched, and how it is
corrected for the primary beam, is in `searched.py` and `finding.py`.

Needs numpy, astropy and the program `source-extractor` (also called `sex`), and nothing of STOA. Its settings, columns
and filter are in `sextractor.sex`, `.param` and `.conv` beside this script.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import finding
import numpy as np
import programs
from astropy.io import fits
from finding import FLOOR, SEED
from measuring import measured

HERE = Path(__file__).parent
SETTINGS = ("sextractor.sex", "sextractor.param", "sextractor.conv")
PACKAGE = "install the Debian package source-extractor, or `stoa env add NAME --environ SEXTRACTOR=PATH`"


def detect(field, depth, args, folder):
    """Source Extractor's table of the flat image."""
    program = programs.executable("Source Extractor", args.program, PACKAGE)
    programs.write_flat(field, folder / "flat.fits", blank=0.0)
    programs.write_plane(depth.over(field.flat.shape), folder / "noise.fits")
    for name in SETTINGS:  # its file names stay plain: brackets, commas and blanks in a path mean something to it
        shutil.copyfile(HERE / name, folder / name)
    command = [program, "flat.fits", "-c", "sextractor.sex"]
    options = {
        "PARAMETERS_NAME": "sextractor.param", "FILTER_NAME": "sextractor.conv", "FILTER": "Y" if args.smooth else "N",
        "DETECT_THRESH": str(FLOOR), "ANALYSIS_THRESH": str(FLOOR), "WEIGHT_IMAGE": "noise.fits",
        "CATALOG_NAME": "detected.fits",
    }  # fmt: skip
    for name, value in options.items():
        command += [f"-{name}", value]
    programs.run_program(command, folder)
    return np.asarray(fits.getdata(folder / "detected.fits", 1))


def measure(field, depth, args):
    """The peaks of a field that may reach the wanted signal to noise, measured."""
    with tempfile.TemporaryDirectory(dir=Path(args.out).absolute().parent) as folder:
        table = detect(field, depth, args, Path(folder))
    peaks = [(float(t["FLUX_MAX"]), float(t["XPEAK_IMAGE"]) - 1, float(t["YPEAK_IMAGE"]) - 1) for t in table]
    wanted = [(value, x, y) for value, x, y in peaks if value >= SEED * args.snr * depth.at(x, y)]
    return measured(field, depth, sorted(wanted, reverse=True))


def search(args):
    """Search one image, write its sources, and give the results."""
    return finding.search(args, measure)


def arguments(argv):
    """The command line; names and defaults are those of `sextractor.yaml`."""
    parser = finding.parser(__doc__)
    here = os.environ.get("SEXTRACTOR") or "source-extractor"
    parser.add_argument("--program", default=here, help="Source Extractor, by default $SEXTRACTOR or on PATH")
    parser.add_argument(
        "--smooth", type=finding.truth, default=False, help="detect on the image convolved with sextractor.conv"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    finding.main(arguments(sys.argv[1:]), measure)
