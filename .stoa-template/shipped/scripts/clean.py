#!/usr/bin/env python
"""Image visibilities with CASA's tclean, and write the standard set of products.

Cell and size of the image come from the data: a fifth of the beam that the baselines give, and the field of the dish
down to the lowest gain. A dirty image is made by a call of its own; `calls.json` has the arguments of both calls, which
give the same images bit for bit when they are made by hand. Needs casatasks and casatools, and nothing of STOA.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import standard
from casatasks import casalog, exportfits, imhead, imstat, tclean
from casatasks import version_string as tasks_version
from casatools import ctsys, msmetadata, synthesisutils, table

LIGHT_M_S = 299792458.0
SCIENCE = "OBSERVE_TARGET"
MAD = 1.482602
WIDTH_AT = 1.13  # of the primary beam: FWHM in lambda / dish
CHUNK = 20000  # rows of a measurement set that are read at once
SUFFIX = {"dirty": ".image", "corrected": ".image.pbcor", "image": ".image", "beam": ".pb"}


class ImagingError(Exception):
    """The visibilities cannot be imaged as asked; the message says why."""


def parser():
    """The command line; names and defaults are those of `tclean.yaml`."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--vis", required=True, help="measurement set")
    found.add_argument("--out", default=".", help="folder to write to; the one that it runs in")
    found.add_argument("--field", default="")
    found.add_argument("--spw", default="")
    found.add_argument("--specmode", default="mfs")
    found.add_argument("--robust", type=float, default=0.5)
    found.add_argument("--threshold-sigma", type=float, default=3.0)
    found.add_argument("--niter", type=int, default=1000)
    found.add_argument("--automask", default="false")
    found.add_argument("--deconvolver", default="hogbom")
    found.add_argument("--cell-arcsec", type=float, default=0.0)
    found.add_argument("--pixels", type=int, default=0)
    found.add_argument("--most-pixels", type=int, default=4096)
    found.add_argument("--min-gain", type=float, default=0.2)
    return found


def opened_metadata(vis):
    """The metadata of a measurement set.

    Raises
    ------
    ImagingError
        If it is none, or is damaged.
    """
    found = msmetadata()
    try:
        found.open(vis)
    except RuntimeError as problem:
        raise ImagingError(f"{Path(vis).name} cannot be opened as a measurement set: {first_line(problem)}") from None
    return found


def first_line(problem):
    """The beginning of what CASA says of an error, without the place in its source."""
    return str(problem).split("\n")[0].partition("(file ")[0].strip()


def chosen_field(metadata, wanted):
    """The field that is imaged: the one that is named, else the only science target, else the only field."""
    names = list(metadata.fieldnames())
    if wanted:
        if wanted not in names:
            raise ImagingError(f"there is no field {wanted!r}; there are {', '.join(names)} (parameter field)")
        return wanted
    science = [i for i in metadata.intents() if i.startswith(SCIENCE)]
    found = list(dict.fromkeys(names[n] for i in science for n in metadata.fieldsforintent(i))) or list(
        dict.fromkeys(names)
    )
    if len(found) > 1:
        raise ImagingError(f"there are several fields: {', '.join(found)} (parameter field chooses one)")
    return found[0]


def chosen_windows(metadata, field, wanted):
    """Numbers of the spectral windows that are imaged: those that are named, else all of the field with data."""
    here = sorted(int(n) for n in metadata.spwsforfield(field))
    here = [n for n in here if n not in set(metadata.wvrspws())]
    if not wanted:
        return here
    asked = [int(part.partition(":")[0]) for part in wanted.split(",")]
    missing = [n for n in asked if n not in here]
    if missing:
        listed = ", ".join(map(str, here))
        raise ImagingError(f"field {field} has no spectral window {missing[0]}; it has {listed} (parameter spw)")
    return asked


def visibilities(vis, field_ids, windows, metadata):
    """Lengths of the baselines in metres, number of unflagged visibilities, and the sum of their weights."""
    description = [n for w in windows for n in np.atleast_1d(metadata.datadescids(spw=w))]
    lengths, count, weight = [], 0, 0.0
    main = table()
    main.open(vis)
    try:
        for one in description:
            some = main.query(f"FIELD_ID IN {list(map(int, field_ids))} AND DATA_DESC_ID == {int(one)}")
            for start in range(0, some.nrows(), CHUNK):
                flag, uvw, weights = (some.getcol(name, start, CHUNK) for name in ("FLAG", "UVW", "WEIGHT"))
                row = some.getcol("FLAG_ROW", start, CHUNK)
                good = ~flag & ~row
                count += int(good.sum())
                weight += float((good.sum(axis=1) * weights).sum())
                used = good.any(axis=(0, 1))
                lengths.append(np.hypot(uvw[0], uvw[1])[used])
            some.close()
    finally:
        main.close()
    found = np.concatenate(lengths) if lengths else np.zeros(0)
    return found[found > 0], count, weight


def grid(args, metadata, lengths, windows):
    """Cell in arcsec, pixels, and the beam that is expected in arcsec (ALMA Technical Handbook: 0.574 lambda / L80)."""
    freqs = np.concatenate([np.atleast_1d(metadata.chanfreqs(w)) for w in windows])
    expected = math.degrees(0.574 * LIGHT_M_S / freqs.mean() / np.percentile(lengths, 80)) * 3600
    shortest = math.degrees(0.574 * LIGHT_M_S / freqs.max() / lengths.max()) * 3600
    cell = args.cell_arcsec or float(f"{min(expected / 5, shortest / 2.5):.2g}")
    dish = min(found["value"] for found in metadata.antennadiameter().values())
    width = math.degrees(WIDTH_AT * LIGHT_M_S / freqs.min() / dish) * 3600
    field = width * math.sqrt(math.log2(1 / args.min_gain))  # of a Gaussian down to the lowest gain, on both sides
    pixels = args.pixels or synthesisutils().getOptimumSize(math.ceil(1.1 * field / cell))
    if pixels > args.most_pixels:
        raise ImagingError(
            f"the field needs {pixels} pixels of {cell:g} arcsec on a side, more than {args.most_pixels}"
            " (parameters most_pixels, pixels and cell_arcsec)"
        )
    return cell, int(pixels), expected


def calls(args, field, windows, cell, pixels):
    """Arguments of the two calls of tclean."""
    has_corrected = "CORRECTED_DATA" in columns(args.vis)
    common = {
        "vis": args.vis, "field": field, "spw": args.spw or ",".join(map(str, windows)),
        "datacolumn": "corrected" if has_corrected else "data", "specmode": args.specmode, "imsize": pixels,
        "cell": f"{cell:g}arcsec", "gridder": "standard", "deconvolver": args.deconvolver, "weighting": "briggs",
        "robust": args.robust, "pblimit": args.min_gain, "restoringbeam": "common" if args.specmode == "cube" else "",
    }  # fmt: skip
    mask = {"usemask": "auto-multithresh"} if args.automask == "true" else {}
    scales = {"scales": [0, 5, 15]} if args.deconvolver == "multiscale" else {}
    return {
        "dirty": {**common, "imagename": "dirty", "niter": 0},
        "clean": {**common, **mask, **scales, "imagename": "clean", "niter": args.niter, "nsigma": args.threshold_sigma,
                  "pbcor": True},
    }  # fmt: skip


def columns(vis):
    """Names of the columns of the main table."""
    main = table()
    main.open(vis)
    try:
        return main.colnames()
    finally:
        main.close()


def export(out, cards):
    """Write each image of CASA as a product of the set; what there is none of is absent."""
    rows = []
    for product in standard.PRODUCTS:
        image = f"{'dirty' if product.key == 'dirty' else 'clean'}{SUFFIX.get(product.key, product.end)}"
        row = {"product": product.key, "role": product.role, "file": "", "origin": "absent", "words": "CASA made none"}
        if Path(image).is_dir():
            path = Path(out, product.file)
            exportfits(image, str(path), overwrite=True, dropdeg=False, bitpix=-32, stokeslast=True)
            type_card = {"TYPE": product.type} if product.type else {}
            standard.add_cards(path, {**type_card, **cards, "STOAORIG": "visibilities"})
            row |= {"file": product.file, "origin": "visibilities", "words": ""}
        rows.append(row)
    return rows


def noise_of(image):
    """Robust noise of an image in Jy/beam."""
    found = imstat(image, algorithm="classic").get("medabsdevmed", [])
    return float(found[0]) * MAD if len(found) else math.nan


def figures(rows, expected, theory):
    """What the quality table and the results say of the images."""
    beam = imhead("clean.image", mode="summary").get("restoringbeam", {})
    major, minor = (in_arcsec(beam.get(name)) for name in ("major", "minor"))
    rms = noise_of("clean.residual")
    peak = float(imstat("clean.image")["max"][0])
    for row in rows:
        if row["product"] in ("corrected", "image", "dirty"):
            row |= {"beam_major_arcsec": major, "beam_minor_arcsec": minor, "expected_beam_arcsec": expected}
        if row["product"] == "image":
            row |= {"rms_jy_beam": rms, "peak_jy_beam": peak, "dynamic_range": peak / rms if rms > 0 else math.nan}
            row |= {"theoretical_rms_jy_beam": theory}
    numbers = {
        "rms": rms, "peak": peak, "dynamic_range": peak / rms if rms > 0 else math.nan, "beam_major_arcsec": major,
        "beam_minor_arcsec": minor, "expected_beam_arcsec": expected, "theoretical_rms": theory,
    }  # fmt: skip
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def in_arcsec(quantity):
    """A width in arcsec; NaN where there is none."""
    if not quantity:
        return math.nan
    return float(quantity["value"]) * {"arcsec": 1.0, "deg": 3600.0, "rad": math.degrees(3600)}[quantity["unit"]]


def image(args):
    """Make the set and give the results."""
    metadata = opened_metadata(args.vis)
    try:
        field = chosen_field(metadata, args.field)
        windows = chosen_windows(metadata, field, args.spw)
        lengths, count, weight = visibilities(args.vis, metadata.fieldsforname(field), windows, metadata)
        if not count:
            listed = ", ".join(map(str, windows)) or "none"
            raise ImagingError(f"no unflagged visibilities of field {field} in its spectral windows ({listed})")
        cell, pixels, expected = grid(args, metadata, lengths, windows)
    finally:
        metadata.close()
    asked = calls(args, field, windows, cell, pixels)
    Path(args.out, "calls.json").write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
    for name, arguments in asked.items():
        print(f"tclean {name}: {pixels} pixels of {cell:g} arcsec, field {field}, windows {arguments['spw']}")
        tclean(**arguments)
        if not Path(f"{name}.image").is_dir():
            raise ImagingError(f"tclean left no image {name}.image; {casalog.logfile()} says more")
    job = standard.read_job()
    cards = standard.provenance_cards(job.get("folder") or str(Path(args.vis).absolute().parent), job)
    rows = export(args.out, {**cards, "ROBUST": args.robust})
    is_weighed = weight > 0 and abs(weight / count - 1) > 1e-6  # 1 for every visibility: never calibrated
    theory = 1 / math.sqrt(weight) if is_weighed else math.nan
    numbers = figures(rows, expected, theory)
    standard.write_quality(args.out, rows)
    standard.write_document(args.out, job.get("group", ""))
    return {
        "field": field, "windows": ",".join(map(str, windows)), "pixels": pixels, "cell_arcsec": cell,
        "n_visibilities": count, "casatasks": tasks_version(), "measures": measures(), **numbers,
    }  # fmt: skip


def measures():
    """Where CASA's measures data are, or that it has none."""
    return str(ctsys.measurespath() or "none")


def check_measures():
    """End with what to do where CASA has no measures data: no position or frequency could be computed."""
    if not Path(ctsys.measurespath() or "", "geodetic").is_dir():
        raise ImagingError(
            "CASA's measures data are missing (`pip install casadata` in its environment, or measurespath in"
            " ~/.casa/config.py says where they are)"
        )


def main(argv):
    """Make the set; what cannot be imaged ends the script with the reason as the last line."""
    args = parser().parse_args(argv)
    try:
        check_measures()
        found = image(args)
    except ImagingError as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        sys.exit(1)
    Path("stoa-result.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
