#!/usr/bin/env python
"""How right the shipped finders are, on constructed images whose truth is known in closed form.

    python benchmarks/science.py [sep] [sextractor] [aegean] [--images 12] [--correlated-over 1.0]

Matches by chance, claimed and true; for each finder: false sources in noise alone and in an image of two depths; bias,
and scatter over the stated error, of peak, flux and position for sources of 0 to 3 beams, each with its own error and
without any choice of the sources; blends; completeness and reliability by signal to noise; limits contradicted by what
was put in. Aegean from PATH or .venv-aegean, where `make test` puts it. `docs/finders.md` keeps the figures.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from run_overhead import machine

from stoa.catalogue.limits import undetected
from stoa.catalogue.searched import SearchedImage

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from chance_fields import KINDS, Fields, fields, pointed
from finder_truth import FINDERS, program, shipped
from skies import PIXEL_ARCSEC, RMS, Beam, Sky, paired, spread

SIZES = (0.0, 0.5, 1.0, 2.0, 3.0)
LEVELS = (10.0, 30.0, 100.0)
BINS = (3.0, 4.0, 5.0, 6.0, 7.0, 10.0, 15.0)
SIDE = 480
"""Pixels; 80 by 96 beams."""


@dataclass
class Bench:
    """One finder, and how it is asked."""

    name: str
    module: ModuleType
    folder: Path
    images: int
    correlated_over: float

    def sky(self, seed: int, rms: float | np.ndarray = RMS, side: int = SIDE) -> Sky:
        return Sky((side, side), Beam()).add_noise(seed, rms, self.correlated_over)

    def search(self, sky: Sky, *options: str) -> Any:
        """Rows of the finder's table."""
        out = self.folder / "sources.fits"
        words = [*sky.write(self.folder / "sky.fits"), "--out", str(out), *options]
        if self.name != "sep":
            words += ["--program", program(self.name)]
        with redirect_stdout(io.StringIO()):  # what the programs say
            self.module.search(self.module.arguments(words))
        return np.array(fits.getdata(out, 1))


def noise_alone(bench: Bench) -> str:
    """Sources of at least 5 sigma in images of noise; a Gaussian field has so many peaks by itself."""
    numbers = 2 * bench.images
    found = sum(len(bench.search(bench.sky(seed, side=300))) for seed in range(numbers))
    beam = Beam()
    beams = numbers * (300 - 2 * beam.major) ** 2 / (beam.major * beam.minor) / bench.correlated_over**2
    expected = beams * 4 * np.log(2) / (2 * np.pi) ** 1.5 * 5 * np.exp(-12.5)  # peaks above a level u: u exp(-u^2 / 2)
    return f"{found} false in {numbers} images of noise (expected {expected:.2f})"


def two_depths(bench: Bench) -> str:
    """Sources in noise that is 4 times as high in one half."""
    counts = []
    for seed in range(max(2, bench.images // 2)):
        rms = np.where(np.arange(SIDE) < SIDE * (0.4 + 0.05 * seed), RMS, 4 * RMS)[None, :] * np.ones((SIDE, 1))
        counts.append(len(bench.search(bench.sky(100 + seed, rms))))
    return f"false in an image of two depths: {', '.join(map(str, counts))}"


@dataclass
class Cell:
    """What a finder made of sources of one size and signal to noise."""

    size: float
    level: float
    pairs: list[Any]  # of a true source and its row
    others: int  # rows that are none of them

    def of(self, name: str) -> tuple[float, float, float]:
        """Mean of found over true, less 1, in per cent, with its error; scatter of the residuals over their errors."""
        column = "peak_flux" if name == "peak" else name
        true = np.array([getattr(true, name) for true, _ in self.pairs])
        value, error = (np.array([row[each] for _, row in self.pairs]) for each in (column, f"e_{column}"))
        ratio = 100 * (value / true - 1)
        return float(ratio.mean()), float(ratio.std() / np.sqrt(len(true))), float(((value - true) / error).std())

    def of_positions(self) -> tuple[float, float]:
        """Scatter of the residuals over their errors, east and north."""
        east = [(row["x"] - 1 - true.x) * PIXEL_ARCSEC / row["e_ra_arcsec"] for true, row in self.pairs]
        north = [(row["y"] - 1 - true.y) * PIXEL_ARCSEC / row["e_dec_arcsec"] for true, row in self.pairs]
        return float(np.std(east)), float(np.std(north))


def cell(bench: Bench, size: float, level: float) -> Cell:
    """Sources of one size and signal to noise, most of them so far from one another that none disturbs another."""
    pairs, seen = [], 0
    for number in range(bench.images):
        seed = int(1000 + 100000 * size + 100 * level + number)
        sky = bench.sky(seed)
        for x, y in spread(sky.shape, 80, seed):
            sky.add(x, y, level * RMS, size)
        rows = bench.search(sky)
        seen += len(rows)
        pairs += paired(rows, sky.sources, sky.beam.major * np.sqrt(1 + size**2) / 2)
    return Cell(size, level, [(true, row) for true, row in pairs if row is not None], seen)


def measured(bench: Bench) -> list[str]:
    """Bias and scatter over the stated error for every size and signal to noise; then what is outside of the goals."""
    lines = [" size  S/N  found  other  peak: bias, %    s/e   flux: bias, %    s/e   RA: s/e  Dec: s/e"]
    outside = []
    for size in SIZES:
        for level in LEVELS:
            made = cell(bench, size, level)
            (peak, e_peak, s_peak), (flux, e_flux, s_flux) = made.of("peak"), made.of("flux")
            east, north = made.of_positions()
            number = len(made.pairs)
            lines.append(
                f"{size:5.1f} {level:4.0f} {number:6d} {made.others - number:6d}"
                f"  {peak:6.2f} ±{e_peak:5.2f} {s_peak:6.2f}"
                f"  {flux:6.2f} ±{e_flux:5.2f} {s_flux:6.2f} {east:8.2f} {north:9.2f}"
            )
            scatters = (s_peak, s_flux, east, north)
            if max(abs(peak), abs(flux)) > 3 or min(scatters) < 0.8 or max(scatters) > 1.3:
                outside.append(f"{size:g} beams, S/N {level:g}")
    lines.append(f"of about {number} sources each: scatter/error is known to {1 / np.sqrt(2 * number):.2f}")
    lines.append(f"outside of 3 % and of 0.8 to 1.3: {'; '.join(outside) or 'none'}")
    return lines


def blends(bench: Bench) -> str:
    """Pairs at 1.2 beams: told apart, or one row with the flag that says it is more than one Gaussian."""
    parts = []
    for level, share in ((10.0, 1.0), (30.0, 1.0), (30.0, 0.5), (100.0, 0.3)):
        apart = flagged = total = 0
        for number in range(max(2, bench.images // 2)):
            sky = bench.sky(2000 + number)
            places = spread(sky.shape, 60, number)
            for i, (x, y) in enumerate(places):
                angle = i * 0.7
                reach = 1.2 * np.sqrt(sky.beam.major * sky.beam.minor)
                sky.add(x, y, level * RMS)
                sky.add(x + reach * np.cos(angle), y + reach * np.sin(angle), level * share * RMS)
            rows = bench.search(sky)
            for x, y in places:
                near = rows[np.hypot(rows["x"] - 1 - x, rows["y"] - 1 - y) < 12]
                total += 1
                apart += len(near) >= 2
                flagged += len(near) == 1 and bool(near[0]["flags"] & (1 | 16))
        parts.append(f"S/N {level:g}:{level * share:g} apart {apart}, flagged {flagged} of {total}")
    return "blends at 1.2 beams: " + "; ".join(parts)


def completeness(bench: Bench) -> list[str]:
    """Point sources of every signal to noise: found, and rows that are true."""
    rng = np.random.default_rng(7)
    pairs, rows_by = [], []
    for number in range(bench.images):
        sky = bench.sky(3000 + number)
        for x, y in spread(sky.shape, 40, number):
            sky.add(x, y, rng.uniform(3, 15) * RMS)
        rows = bench.search(sky)
        pairs += paired(rows, sky.sources, sky.beam.major / 2)
        for row in rows:
            near = min(np.hypot(row["x"] - 1 - s.x, row["y"] - 1 - s.y) for s in sky.sources)
            rows_by.append((row["snr"], near < sky.beam.major))
    lines = [" S/N       found of   %   boost  |  rows  true"]
    for low, high in pairwise(BINS):
        chosen = [(t, r) for t, r in pairs if low <= t.peak / RMS < high]
        found = [r["peak_flux"] / t.peak for t, r in chosen if r is not None]
        rows = [ok for snr, ok in rows_by if low <= snr < high]
        boost = f"{np.mean(found):6.3f}" if found else "     -"
        lines.append(
            f"{low:4.0f}-{high:<4.0f} {len(found):5d} {len(chosen):5d} {100 * len(found) / max(len(chosen), 1):5.1f} "
            f"{boost}  | {len(rows):5d} {sum(rows):5d}"
        )
    return lines


def limits(bench: Bench) -> str:
    """Sources of every signal to noise as the objects of a catalogue: limits of those without a row, and their flux."""
    rng = np.random.default_rng(11)
    given = contradicted = above = 0
    for number in range(bench.images):
        rms = np.where(np.arange(SIDE) < SIDE / 2, RMS, 3 * RMS)[None, :] * np.ones((SIDE, 1))
        sky = bench.sky(4000 + number, rms)
        for x, y in spread(sky.shape, 40, number):
            sky.add(x, y, rng.uniform(0, 8) * rms[round(y), round(x)])
        rows = bench.search(sky)
        file, table = bench.folder / "sky.fits", bench.folder / "sources.fits"
        ra, dec = WCS(fits.getheader(file)).celestial.pixel_to_world_values(
            [one.x for one in sky.sources], [one.y for one in sky.sources]
        )
        found = Table({"ra_deg": rows["ra_deg"], "dec_deg": rows["dec_deg"], "target": ["t"] * len(rows)})
        found["group"] = "g"
        image = SearchedImage(
            target="t", group="g", kind="cont", run="r", freq_ghz=100.0, ra_deg=150.0, dec_deg=2.0, hwhm_arcsec=1e4,
            rms=float(np.median(rows["rms"])), image_file=file, noise_file=table, threshold=5.0,
            beam_arcsec=sky.beam.major * PIXEL_ARCSEC,
        )  # fmt: skip
        objects = Table({"ra_deg": ra, "dec_deg": dec, "true": [one.flux for one in sky.sources]})
        made = undetected(objects, [image], found, sky.beam.major * PIXEL_ARCSEC / 2, 5.0, "the sources")
        given, above = given + len(made), above + made.meta["above"]
        contradicted += int((made["cat_true"] > made["flux_limit"]).sum())
    return f"limits: {contradicted} of {given} contradicted ({above} objects above the threshold have none)"


def in_the_middle(radius: float, number: int, seed: int) -> Fields:
    """Fields that are pointed at an object each, with three unrelated sources round it."""
    return pointed(number, 3, radius, seed)


def chance(seeds: int = 8) -> list[str]:
    """Matches by chance in constructed fields, claimed and true; the numbers of single skies scatter by themselves."""
    lines = ["chance matches, claimed / true of all seeds together, and of each"]
    makers = [(words, partial(fields, kind)) for words, kind in KINDS]
    makers += [
        (f"one object in the middle of fields of {radius} arcsec", partial(in_the_middle, radius))
        for radius in (10, 20)
    ]
    for words, make in makers:
        for number in (300, 20, 8):
            both = [make(number, seed).claimed_and_true() for seed in range(seeds)]
            ratio = sum(claimed for claimed, _ in both) / sum(wrong for _, wrong in both)
            each = " ".join(f"{claimed:.0f}/{wrong}" for claimed, wrong in both)
            lines.append(f"{words}, {number} fields: {ratio:.2f}   {each}")
    return lines


def report(bench: Bench) -> None:
    """All figures of one finder."""
    began = time.monotonic()
    print(f"\n{bench.name}")
    for part in (noise_alone, two_depths, blends, limits):
        print(" ", part(bench), flush=True)
    for lines in (completeness, measured):
        for line in lines(bench):
            print(" ", line, flush=True)
    print(f"  {time.monotonic() - began:.0f} s")


def main() -> None:
    """Measure the finders that are asked for, or all that are there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("finder", nargs="*", choices=[*FINDERS, []])
    parser.add_argument("--images", type=int, default=12, help="images of each kind")
    parser.add_argument("--correlated-over", type=float, default=1.0, help="length of the noise's correlation in beams")
    given = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}, noise correlated over {given.correlated_over:.2f} beams")
    warnings.simplefilter("ignore")
    print(*chance(), sep="\n  ", flush=True)
    for name in given.finder or [name for name in FINDERS if program(name)]:
        with shipped(f"find_{name}") as module, tempfile.TemporaryDirectory() as folder:
            report(Bench(name, module, Path(folder), given.images, given.correlated_over))


if __name__ == "__main__":
    main()
