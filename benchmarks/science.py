#!/usr/bin/env python
"""How right the shipped finders are, on constructed images whose truth is known in closed form.

    python benchmarks/science.py [sep] [sextractor] [aegean] [--images 6] [--correlated-over 1.0]

For each finder: false sources in noise alone and in an image of two depths; bias, and scatter over the stated error,
of peak, flux and position for sources of 0 to 3 beams; blends; completeness and reliability by signal to noise. Aegean
from PATH or .venv-aegean, where `make test` puts it. `docs/finders.md` keeps the figures.
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
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from astropy.io import fits
from run_overhead import machine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from finder_truth import FINDERS, program, scatter, shipped
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
    numbers = 4 * bench.images
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


def pulls(bench: Bench, size: float, level: float) -> str:
    """Bias and scatter/error of one size and signal to noise."""
    pairs, seen = [], 0
    for number in range(bench.images):
        seed = int(1000 + 100 * size + 10 * level + number)
        sky = bench.sky(seed)
        for x, y in spread(sky.shape, 96, seed):
            sky.add(x, y, level * RMS, size)
        rows = bench.search(sky)
        seen += len(rows)
        pairs += paired(rows, sky.sources, sky.beam.major * np.sqrt(1 + size**2) / 2)
    good = [(true, row) for true, row in pairs if row is not None]
    if len(good) < 10:
        return f"{size:4.1f} {level:5.0f}  found {len(good)} of {len(pairs)}"
    cells = []
    for name in ("peak", "flux"):
        column = "peak_flux" if name == "peak" else name
        true = np.array([getattr(true, name) for true, _ in good])
        value = np.array([row[column] for _, row in good])
        pull = (value - true) / np.array([row[f"e_{column}"] for _, row in good])
        cells.append(
            f"{100 * np.mean(value / true - 1):6.1f} {100 * np.median(value / true - 1):6.1f} {scatter(pull):5.2f}"
        )
    east = [(row["x"] - 1 - true.x) * PIXEL_ARCSEC / row["e_ra_arcsec"] for true, row in good]
    north = [(row["y"] - 1 - true.y) * PIXEL_ARCSEC / row["e_dec_arcsec"] for true, row in good]
    snr = np.median([row["snr"] for _, row in good]) / level - 1
    return (
        f"{size:4.1f} {level:5.0f}  {len(good):4d}/{len(pairs):4d} {seen - len(good):4d}  {cells[0]}  {cells[1]}  "
        f"{scatter(east):5.2f} {scatter(north):5.2f} {100 * snr:6.1f}"
    )


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


def report(bench: Bench) -> None:
    """All figures of one finder."""
    began = time.monotonic()
    print(f"\n{bench.name}")
    print(" ", noise_alone(bench))
    print(" ", two_depths(bench))
    print(" ", blends(bench))
    print("  size  S/N  found      other  peak: mean median s/e   flux: mean median s/e    RA   Dec   S/N %")
    for size in SIZES:
        for level in LEVELS:
            print(" ", pulls(bench, size, level), flush=True)
    for line in completeness(bench):
        print(" ", line)
    print(f"  {time.monotonic() - began:.0f} s")


def main() -> None:
    """Measure the finders that are asked for, or all that are there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("finder", nargs="*", choices=[*FINDERS, []])
    parser.add_argument("--images", type=int, default=6, help="images of each kind")
    parser.add_argument("--correlated-over", type=float, default=1.0, help="length of the noise's correlation in beams")
    given = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}, noise correlated over {given.correlated_over:.2f} beams")
    warnings.simplefilter("ignore")
    for name in given.finder or [name for name in FINDERS if program(name)]:
        with shipped(f"find_{name}") as module, tempfile.TemporaryDirectory() as folder:
            report(Bench(name, module, Path(folder), given.images, given.correlated_over))


if __name__ == "__main__":
    main()
