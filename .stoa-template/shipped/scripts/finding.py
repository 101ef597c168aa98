"""What the shipped source finders share: searching an image, choosing, reporting.

What is searched has the same noise everywhere: the primary-beam-corrected image times the
primary beam, or an uncorrected image as it is. Fluxes are then divided by the gain at the
source. Without a primary beam the gain is that of a Gaussian of FWHM 1.13 lambda / dish
around the pointing. A finder gets such a `Field` (`searched.py`) and gives `Source`s (`rows.py`); every
finder's table has the same columns, units and flags. Images are read by `fitsimage.py`. Needs numpy and astropy,
and nothing of STOA.
"""

import argparse
import json
import math
import resource
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import injecting
import numpy as np
from fitsimage import ImageError
from fitsunits import OtherUnitError
from programs import FindingError, ProgramError
from rows import COLUMNS, choose, read_floors, row, write_table
from searched import measure_depth, read_fields, without_level

__all__ = [
    "COLUMNS",
    "FLOOR",
    "SEED",
    "FindingError",
    "ImageError",
    "ProgramError",
    "main",
    "parser",
    "search",
    "truth",
]

SKIP = 77  # exit code of STOA for: not applicable here
FLOOR = 3.0  # sigma; a peak grows down to it
SEED = 0.9  # of the wanted S/N; a peak between two pixels shows less than its fit will have
CUTS = ("gain", "edge", "shape", "sidelobe", "double")


@dataclass
class Search:
    """One field: what was found in it, and what it was found in."""

    detected: list
    sources: list
    removed: dict
    results: dict
    field: object
    depth: object
    injected: list


def search(args, find):
    """Search one image, write its sources, and give the results.

    Parameters
    ----------
    find
        The finder: called with the `Field`, its `Depth` and the arguments, gives `Source`s.
    """
    floors = read_floors(args.flux_scale, args.position_floor_beams)
    done = [search_field(field, args, find, floors) for field in read_fields(args)]
    sources = sorted((r for one in done for r in one.sources), key=lambda r: -r["snr"])
    made = [one for each in done for one in each.injected]
    table = None
    if made:
        table = injecting.completeness_table(made, args.snr, done[0].field.image.unit)
        for r, factor in zip(sources, injecting.deboosts(table, [r["snr"] for r in sources]), strict=True):
            r["deboost"] = factor
    middle = done[len(done) // 2]
    write_table(sources, middle.field, middle.depth, args.out, table)
    return {
        "n_detected": sum(len(one.detected) for one in done),
        "n_sources": len(sources),
        **{f"n_cut_{name}": sum(one.removed[name] for one in done) for name in CUTS},
        **summary([one.results for one in done]),
        **({"n_inverted": sum(one.results["n_inverted"] for one in done)} if args.inverted else {}),
        **(injected_results(made, table) if table else {}),
    }


def summary(results):
    """Of one field its results; of several the median noise, the extremes, and how many there are."""
    first = results[len(results) // 2]
    return {
        "rms": float(np.median([one["rms"] for one in results])),
        "rms_least": min(one["rms_least"] for one in results),
        "rms_most": max(one["rms_most"] for one in results),
        "noise_correlation_beams": first["noise_correlation_beams"],
        "peak": max(one["peak"] for one in results),
        "lowest_sigma": min(one["lowest_sigma"] for one in results),
        "beam_major_arcsec": first["beam_major_arcsec"],
        "beam_minor_arcsec": first["beam_minor_arcsec"],
        "gain_is_model": first["gain_is_model"],
        "channels": sum(one["channels"] for one in results),
        **({"level": first["level"]} if "level" in first else {}),
    }


def injected_results(made, table):
    """Results of the injected sources."""
    found = injecting.complete_from(table)
    return {
        "n_injected": len(made),
        "n_recovered": sum(math.isfinite(one.found_snr) for one in made),
        **({"complete_snr": found} if math.isfinite(found) else {}),
    }


def search_field(field, args, find, floors):
    """Search one plane."""
    searched = np.isfinite(field.flat) & (field.gain >= args.min_gain)
    if not searched.any():
        raise ImageError(f"the gain is below {args.min_gain:g} everywhere")
    level = without_level(field, searched, args.level)
    depth = measure_depth(field, searched, args.noise_beams)

    def passing(one):
        return chosen(one, depth, args, find, floors)

    detected, sources, removed = passing(field)
    numbers = {
        "rms": depth.rms,
        "rms_least": float(depth.map.nodes.min()),
        "rms_most": float(depth.map.nodes.max()),
        "noise_correlation_beams": depth.smoothed * math.sqrt(2),
        "peak": float(field.flat[searched].max()),
        "lowest_sigma": float(field.flat[searched].min()) / depth.rms,
        "beam_major_arcsec": field.beam.major * 3600,
        "beam_minor_arcsec": field.beam.minor * 3600,
        "gain_is_model": field.gain_is_model,
        "channels": field.channels,
        **({"level": level} if level else {}),
    }
    if args.inverted:
        numbers["n_inverted"] = len(passing(replace(field, flat=-field.flat))[1])
    made = []
    if args.inject:
        inner = inside(searched, math.ceil(args.edge_beams * field.longest_fwhm))
        made = injecting.inject(field, depth, inner, args.inject, args.snr, lambda one: passing(one)[1])
    return Search(detected, sources, removed, numbers, field, depth, made)


def inside(searched, width):
    """Pixels that are at least so far from the border, and along rows and columns from pixels that are not searched."""
    made = np.pad(searched, width)
    for axis in (0, 1):
        sums = np.cumsum(np.pad(made, [(1, 0) if a == axis else (0, 0) for a in (0, 1)]), axis=axis, dtype=np.int32)
        size = 2 * width + 1
        count = sums.shape[axis] - size
        made = np.take(sums, range(size, size + count), axis) - np.take(sums, range(count), axis) == size
    return made


def chosen(field, depth, args, find, floors):
    """Rows that were detected, those that pass every cut, and how many each cut removed."""
    found = [s for s in find(field, depth, args) if s.peak > 0 and s.seen >= SEED * args.snr * s.rms]
    brightest = max((source.peak for source in found), default=0.0)
    valid = np.isfinite(field.flat)
    rows = sorted((row(field, one, valid, brightest, floors) for one in found), key=lambda r: -r["snr"])
    detected = [r for r in rows if r["snr"] >= args.snr]
    return detected, *choose(detected, args, field, depth)


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
    add("--max-dynamic-range", type=float, default=200, help="most that a source may be fainter than one nearby")
    add("--sidelobe-beams", type=float, default=20, help="how far sidelobes of a bright source reach, in beams")
    add("--noise-beams", type=float, default=20, help="side of the windows of the noise, in beams; 0: one number")
    add("--flux-scale", default="1:5 2:5 3:5 4:5 5:5 6:10 7:10 8:10 9:20 10:20", help="BAND:PERCENT of the flux scale")
    add("--position-floor-beams", type=float, default=0.05, help="error of the astrometry, in beams")
    add("--cube", choices=("mean", "channels"), default="mean", help="search the mean of the channels, or each")
    add("--channels", default="", help="those that are searched, such as 3:8, from 1; empty: all")
    add("--inverted", type=truth, default=False, help="count the sources of the inverted image too")
    add("--inject", type=int, default=0, help="number of point sources to put in and search for")
    add("--beam-arcsec", type=float, default=0, help="clean beam where the header has none; 0: that is a failure")
    add("--freq-ghz", type=float, default=0, help="frequency where the header has none; 0: not known")
    add("--unit", default="", help="unit where the header has no BUNIT; empty: that is a failure")
    add(
        "--other-unit",
        choices=("fail", "skip", "search"),
        default="fail",
        help="for units that do not convert to Jy/beam",
    )
    add("--level", choices=("fail", "subtract"), default="fail", help="for pixels that do not lie around zero")
    add("--stokes", default="I", help="the plane that is searched")
    add("--latitude-first", choices=("fail", "search"), default="fail", help="for images whose latitude axis is first")
    add("--dish-m", type=float, default=0, help="dish diameter, to model the primary beam; 0: that of the telescope")
    add(
        "--image-is", choices=("auto", "corrected", "uncorrected", "flat"), default="auto",
        help="for the primary beam; flat: no correction",
    )  # fmt: skip
    return made


def memory_limit():
    """The limit of memory of this process, in words."""
    limits = [resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    known = [limit for limit in limits if limit != resource.RLIM_INFINITY]
    return f"{min(known) / 1e9:.2g} GB (`memory` of the process)" if known else "machine's"


def main(args, find):
    """Search and report; a FindingError ends the script with its message as the last line."""
    warnings.filterwarnings("ignore", message="File may have been truncated")  # the reading that follows says so
    try:
        results = search(args, find)
    except (FindingError, ImageError) as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        sys.exit(SKIP if isinstance(problem, OtherUnitError) and args.other_unit == "skip" else 1)
    except MemoryError:
        sys.exit(f"MemoryError: the search needs more than the {memory_limit()} of memory that it may use")
    Path("stoa-result.json").write_text(json.dumps(results, indent=1) + "\n")
    print(f"{results['n_sources']} sources of {results['n_detected']} detected, rms {results['rms']:.3g} Jy/beam")
