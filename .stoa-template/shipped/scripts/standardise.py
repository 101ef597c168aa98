#!/usr/bin/env python
"""Write the standard set of products from the images that there are, with what follows from them.

A corrected image and its primary beam give the uncorrected image, an uncorrected one and the beam the corrected one.
Without a file of the beam it is modelled as CASA does for ALMA's dishes, and every file that rests on the model says so
in its header. What only visibilities can give is listed in `quality.csv` with the reason, and never made up.

Needs numpy and astropy, and nothing of STOA.
"""

import argparse
import json
import math
import sys
import warnings
from pathlib import Path

import airybeam
import numpy as np
import standard
import standardplanes
from astropy.coordinates import angular_separation
from fitsimage import Given, ImageError, read_image, read_plane, same_grid
from local_noise import noise

GIVEN = "given"
COMPUTED = "computed"
MODELLED = "modelled"
ABSENT = "absent"
HALF = 0.5
SKIP = 77  # not applicable here, never tried again
FAINTEST = 0.02
"""A corrected image of one pointing has no values where the gain is lower."""
AS_IT_IS = ("residual", "model", "psf", "mask")
NEEDS_VISIBILITIES = "not delivered; only the visibilities can give it (process tclean)"

WITHOUT_BEAM = "not delivered, and it does not follow without a primary beam"


class StandardError(Exception):
    """No standard set can be made; the message says why."""


class NoImageError(StandardError):
    """There is no image at all in the folder, so that the process does not apply to it."""


def parser():
    """The command line; names and defaults are those of `standardise.yaml`."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for product in standard.PRODUCTS:
        found.add_argument(f"--{product.key}", default="", help=f"FITS file: {product.words}")
    found.add_argument("--out", default=".", help="folder to write to")
    found.add_argument("--min-gain", type=float, default=0.1, help="nothing is computed where the gain is lower")
    found.add_argument("--beam-arcsec", type=float, default=0.0)
    found.add_argument("--freq-ghz", type=float, default=0.0)
    found.add_argument("--unit", default="")
    found.add_argument("--dish-m", type=float, default=0.0)
    return found


class Gain:
    """The primary beam of an image, plane by plane: of a file, else modelled, else not to be had.

    Attributes
    ----------
    problem
        Why there is none; "" where there is.
    """

    def __init__(self, image, path, args):
        self.image, self.min_gain = image, args.min_gain
        self.file = read_plane(path, like=image) if path else None
        self._distance = None
        if self.file and not same_grid(image, self.file):
            self.file.close()
            raise StandardError("the primary beam is on another grid than the image")
        self.problem = "" if self.file else self._problem()

    @property
    def is_model(self):
        return self.file is None and not self.problem

    def _problem(self):
        if not np.all(self.image.world.freqs_hz > 0):
            return "no file gives it, and without a frequency there is no model (parameter freq_ghz gives it)"
        if self.image.dish_m not in airybeam.EFFECTIVE:
            name = self.image.header.get("TELESCOP") or ""
            return (
                f"no file gives it, and there is a model for ALMA's dishes of 12 m and 7 m alone: TELESCOP is {name!r} "
                "(parameter dish_m says which)"
            )
        if self.image.correction == "corrected" and self._reaches_too_far():
            return (
                "no file gives it, and the image has values where one dish sees nothing: a mosaic, which has no model"
            )
        return ""

    def _reaches_too_far(self):
        middle = self.image.channels // 2
        return bool((np.isfinite(self.image.plane(middle)) & (self.model(middle) < FAINTEST)).any())

    def plane(self, channel):
        """Gain of every pixel; NaN where it is unknown or lower than `min_gain`."""
        if self.file:
            gain = np.array(self.file.plane(channel if self.file.channels > 1 else 0), dtype=np.float64)
            gain[~(gain > 0)] = np.nan
            return gain
        gain = self.model(channel)
        gain[gain < self.min_gain] = np.nan
        return gain

    def model(self, channel):
        """The model, whether or not there is a file."""
        if self._distance is None:
            self._distance = distances(self.image)
        freq = float(self.image.world.freqs_hz[channel])
        return airybeam.modelled(self._distance, freq, self.image.dish_m)

    def error(self):
        """Median and largest relative error of the model inside the half power, where a file tells; else NaN."""
        known = self.image.dish_m in airybeam.EFFECTIVE and np.all(self.image.world.freqs_hz > 0)
        if not self.file or not known:
            return math.nan, math.nan
        middle = self.image.channels // 2
        gain = self.plane(middle)
        inside = gain >= HALF
        if not inside.any():
            return math.nan, math.nan
        errors = np.abs(self.model(middle)[inside] / gain[inside] - 1)
        return float(np.median(errors)), float(errors.max())

    def close(self):
        if self.file:
            self.file.close()


def distances(image):
    """Degrees of every pixel from the pointing, which is the reference position."""
    y, x = np.indices(image.shape, dtype=float)
    lon, lat = image.wcs.all_pix2world(x, y, 0)
    centre = image.wcs.wcs.crval
    return np.degrees(angular_separation(*np.radians([centre[0], centre[1]]), np.radians(lon), np.radians(lat)))


class Set:
    """The products that are written, and the row of each in the quality table."""

    def __init__(self, image, gain, args, cards):
        self.image, self.gain, self.folder, self.cards = image, gain, args.out, cards
        self.rows = {}

    def write(self, key, origin, words, planes, cards=None, image=None):
        product, image = standard.BY_KEY[key], image or self.image
        header = standardplanes.header_of(image, product, self.cards | {"STOAORIG": (origin, "how this was had")})
        header.update(cards or {})
        beams = image.beams if standardplanes.has_beams(image) and "CASAMBM" in header else ()
        figures = Figures()
        path = standardplanes.write(self.folder, product, header, figures.through(planes, image.channels), beams)
        self.row(key, origin, words, path.name)
        if product.unit == "Jy/beam" and key != "corrected":
            self.rows[key] |= figures.row()
        beam = image.beam
        if key in ("corrected", "image", "dirty") and beam:
            self.rows[key] |= {
                "beam_major_arcsec": beam.major * 3600, "beam_minor_arcsec": beam.minor * 3600, "beam_pa_deg": beam.pa,
            }  # fmt: skip

    def row(self, key, origin, words, file=""):
        product = standard.BY_KEY[key]
        self.rows[key] = {"product": key, "role": product.role, "file": file, "origin": origin, "words": words}

    def count(self, *origins):
        return sum(row["origin"] in origins for row in self.rows.values())


class Figures:
    """The noise and peak of planes that pass through."""

    def __init__(self):
        self.rms, self.peak = [], math.nan

    def through(self, planes, count):
        for number in range(count):
            plane = planes(number)
            if np.isfinite(plane).any():
                self.rms.append(noise(plane))
                self.peak = float(np.nanmax([self.peak, np.nanmax(plane)]))
            yield plane

    def row(self):
        rms = float(np.median([one for one in self.rms if one > 0] or [math.nan]))
        ratio = self.peak / rms if rms > 0 else math.nan
        return {"rms_jy_beam": rms, "peak_jy_beam": self.peak, "dynamic_range": ratio}


def computed(given, gain, change):
    """Planes of an image after `change(plane, gain)`, as float32 in the end."""

    def plane(channel):
        """One channel."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return change(np.array(given.plane(channel), dtype=np.float64), gain.plane(channel))

    return plane


def standardise(args):
    """Write the set and give the results."""
    main = next((key for key in ("corrected", "image", "dirty") if getattr(args, key)), "")
    job = standard.read_job()
    if not main and not job.get("group", "?"):
        raise NoImageError("the folder has no image")
    if not main:
        refused = [f"the delivered {name} was not taken: {why}" for name, why in standard.not_passed_on(job).values()]
        raise StandardError("; ".join(("there is neither a corrected nor an uncorrected nor a dirty image", *refused)))
    path = getattr(args, main)
    with opened(path, args, main) as image:
        if not standardplanes.is_even(image.world.freqs_hz):
            raise StandardError("the channels are not equally far apart in frequency, and the set has such an axis")
        for note in image.notes:
            print(f"note: {note}")
        gain = Gain(image, args.beam, args)
        try:
            return write_set(args, image, gain, main)
        finally:
            gain.close()


def opened(path, args, key):
    """An image in Jy/beam, as corrected for the primary beam as its product is."""
    given = Given(
        beam_arcsec=args.beam_arcsec, freq_ghz=args.freq_ghz, unit=args.unit, dish_m=args.dish_m,
        image_is="corrected" if key == "corrected" else "uncorrected",
    )  # fmt: skip
    return read_image(path, given)


def write_set(args, image, gain, main):
    """Write every product that can be had."""
    job = standard.read_job()
    found = Set(image, gain, args, standard.provenance_cards(job.get("folder") or Path(image.path).parent, job))
    origin = MODELLED if gain.is_model else COMPUTED
    write_beam(found, gain)
    write_images(found, args, image, gain, main, origin)
    for key in AS_IT_IS:
        write_as_it_is(found, key, getattr(args, key), image)
    rows = [found.rows[product.key] for product in standard.PRODUCTS]
    say_refused(args, rows, job)
    standard.write_quality(args.out, rows)
    standard.write_document(args.out, job.get("group", ""))
    for row in rows:
        print(f"{row['product']}: {row['origin']}" + (f" ({row['words']})" if row["words"] else ""))
    return results(found, image, gain, main)


def say_refused(args, rows, job):
    """Add to the words of products that were delivered in a file which STOA did not pass on."""
    refused = standard.not_passed_on(job)
    for row in rows:
        if not getattr(args, row["product"]) and row["role"] in refused:
            name, why = refused[row["role"]]
            words = "" if row["words"] == NEEDS_VISIBILITIES else row["words"].removeprefix("not delivered, and ")
            row["words"] = "; ".join(filter(None, (words, f"the delivered {name} was not taken: {why}")))


def write_beam(found, gain):
    """The primary beam: the one given, else the model with what is known of its error, else why there is none."""
    if gain.problem:
        found.row("beam", ABSENT, gain.problem)
        return
    if not gain.is_model:
        found.write("beam", GIVEN, "", gain.plane)
        return
    dish, blocked = airybeam.EFFECTIVE[gain.image.dish_m]
    cards = {
        "PBMODEL": ("CASA Airy", "no measured beam: a model"),
        "PBDISH": (dish, "[m] illuminated diameter of the model"),
        "PBBLOCK": (blocked, "[m] blocked diameter of the model"),
        "PBERRMED": (airybeam.MEDIAN_ERROR, "largest median error inside half power"),
        "PBERRMAX": (airybeam.LARGEST_ERROR, "largest error inside half power"),
    }
    words = f"modelled for a dish of {gain.image.dish_m:g} m that points at the reference position"
    found.write("beam", MODELLED, words, gain.plane, cards)


def write_images(found, args, image, gain, main, origin):
    """The corrected, the uncorrected and the dirty image."""
    with_model = {"PBMODEL": ("CASA Airy", "the primary beam is a model")} if gain.is_model else {}
    by = "the modelled primary beam" if gain.is_model else "the primary beam"
    if main == "corrected":
        found.write("corrected", GIVEN, "", image.plane)
        if args.image:
            write_other(found, "image", args.image, args, image)
        elif gain.problem:
            found.row("image", ABSENT, WITHOUT_BEAM)
        else:
            planes = computed(image, gain, lambda plane, beam: plane * beam)
            found.write("image", origin, f"the corrected image times {by}", planes, with_model)
    elif main == "image":
        found.write("image", GIVEN, "", image.plane)
        if gain.problem:
            found.row("corrected", ABSENT, WITHOUT_BEAM)
        else:
            planes = computed(image, gain, lambda plane, beam: plane / beam)
            found.write("corrected", origin, f"the uncorrected image divided by {by}", planes, with_model)
    else:
        found.row("image", ABSENT, NEEDS_VISIBILITIES)
        found.row("corrected", ABSENT, NEEDS_VISIBILITIES)
    if args.dirty:
        write_other(found, "dirty", args.dirty, args, image)
    else:
        found.row("dirty", ABSENT, NEEDS_VISIBILITIES)


def write_other(found, key, path, args, image):
    """A further image in Jy/beam that was delivered."""
    try:
        with opened(path, args, key) as other:
            if other.channels != image.channels or not same_grid(image, other):
                raise ImageError("it is on another grid than the main image")
            found.write(key, GIVEN, "", other.plane, image=other)
    except ImageError as problem:
        found.row(key, ABSENT, f"{Path(path).name}: {problem}")


def write_as_it_is(found, key, path, image):
    """A product whose values stay what they are; only its axes become those of the set."""
    if not path:
        found.row(key, ABSENT, NEEDS_VISIBILITIES)
        return
    try:
        other = read_plane(path, like=image)
    except ImageError as problem:
        found.row(key, ABSENT, f"{Path(path).name}: {problem}")
        return
    try:
        if other.channels not in (1, image.channels) or not same_grid(image, other):
            found.row(key, ABSENT, f"{Path(path).name} is on another grid than the image")
            return
        one = other.channels == 1
        found.write(key, GIVEN, "", lambda channel: other.plane(0 if one else channel, zeros_count=True))
    finally:
        other.close()


def results(found, image, gain, main):
    """What `stoa-result.json` says."""
    flat = found.rows["image"] if "rms_jy_beam" in found.rows["image"] else found.rows["dirty"]
    median, largest = gain.error()
    if gain.is_model:  # what is known of CASA's beams
        median, largest = airybeam.MEDIAN_ERROR, airybeam.LARGEST_ERROR
    numbers = {
        "rms": flat.get("rms_jy_beam"), "peak": flat.get("peak_jy_beam"), "dynamic_range": flat.get("dynamic_range"),
        "beam_major_arcsec": image.beam.major * 3600, "beam_minor_arcsec": image.beam.minor * 3600,
        "pb_error_median": median, "pb_error_most": largest,
    }  # fmt: skip
    return {
        "n_given": found.count(GIVEN), "n_computed": found.count(COMPUTED, MODELLED), "n_absent": found.count(ABSENT),
        "pb": "absent" if gain.problem else "modelled" if gain.is_model else "given", "channels": image.channels,
        "made_from": main,
        **{name: value for name, value in numbers.items() if value is not None and math.isfinite(value)},
    }  # fmt: skip


def main(argv):
    """Write the set; an image that cannot be used ends the script with its message as the last line."""
    warnings.filterwarnings("ignore", message="File may have been truncated")  # the reading that follows says so
    args = parser().parse_args(argv)
    try:
        found = standardise(args)
    except (StandardError, ImageError) as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        sys.exit(SKIP if isinstance(problem, NoImageError) else 1)
    Path("stoa-result.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
