#!/usr/bin/env python
"""Find sources in one interferometric image with sep (the library form of SExtractor).

sep sees the peaks; each is then fitted with a free Gaussian, with errors of Condon (1997, PASP 109, 166). How a peak
is measured is in `measuring.py`, what is searched and how it is corrected for the primary beam in `searched.py` and
`finding.py`.

Writes a FITS table of the sources that pass the cuts (possibly none) and, into the working
directory, the numbers of `stoa-result.json`. Needs numpy, astropy and sep, and nothing of STOA.
"""

import sys

import finding
import numpy as np
import sep
from finding import FLOOR, SEED
from measuring import measured


def detect(field, depth, snr):
    """Pixels of the peaks that may reach `snr`, brightest first: (value, x, y)."""
    blank = ~np.isfinite(field.flat)
    data = np.where(blank, np.float32(0), field.flat)
    noise = depth.over(data.shape)
    sep.set_extract_pixstack(
        max(300000, 2 * sum(int((row > FLOOR * level).sum()) for row, level in zip(data, noise, strict=True)))
    )
    found = sep.extract(
        data, FLOOR, err=noise, mask=blank, minarea=1, filter_kernel=None, deblend_cont=0.01, clean=False
    )
    found = found[found["peak"] >= SEED * snr * depth.at(found["xpeak"], found["ypeak"])]
    found = found[np.argsort(-found["peak"])]
    return [(float(f["peak"]), float(f["xpeak"]), float(f["ypeak"])) for f in found]


def measure(field, depth, args):
    """The peaks of a field that may reach the wanted signal to noise, measured."""
    return measured(field, depth, detect(field, depth, args.snr))


def search(args):
    """Search one image, write its sources, and give the results."""
    return finding.search(args, measure)


def arguments(argv):
    """The command line; names and defaults are those of `sep.yaml`."""
    return finding.parser(__doc__).parse_args(argv)


if __name__ == "__main__":
    finding.main(arguments(sys.argv[1:]), measure)
