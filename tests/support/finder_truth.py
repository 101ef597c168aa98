#!/usr/bin/env python
"""The shipped finders over the example archive in a plain loop, without STOA, against the archive's truth table.

    python tests/support/finder_truth.py [sep] [sextractor] [aegean]

prints for each finder how many images were searched and why others were not, completeness and reliability at a
signal to noise of at least 7, and how fluxes and positions differ from the truth in units of their errors. Without
names every finder whose program is there; Aegean on PATH or in .venv-aegean, where `make test` puts it.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import shutil
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits

REPOSITORY = Path(__file__).resolve().parents[2]
ARCHIVE = REPOSITORY / "examples" / "archive"
SCRIPTS = REPOSITORY / ".stoa-template" / "shipped" / "scripts"
FINDERS = ("sep", "sextractor", "aegean")
SEARCHED = ("correctedImage", "image", "dirtyImage")
SNR = 7.0
Row = dict[str, str]


@contextmanager
def shipped(name: str) -> Iterator[ModuleType]:
    """A shipped script as a module, imported from where it is, without leaving bytecode beside it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(SCRIPTS))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(SCRIPTS))
        sys.dont_write_bytecode = before


def program(finder: str) -> str:
    """Path of the program that a finder calls, "" where it is not on this machine; sep calls none."""
    if finder == "sep":
        return sys.executable
    if finder == "sextractor":
        return shutil.which("source-extractor") or ""
    beside = REPOSITORY / ".venv-aegean" / "bin" / "aegean"
    return shutil.which("aegean") or (str(beside) if beside.is_file() else "")


@dataclass
class Image:
    """What a finder made of one image of the archive: its table, or the last line that it said."""

    row: Row  # of images.csv
    sources: Any = ()
    cause: str = ""
    beam_arcsec: float = 0.0
    results: dict[str, Any] = field(default_factory=dict)


def read(name: str) -> list[Row]:
    with (ARCHIVE / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def images() -> list[dict[str, Row]]:
    """Rows of images.csv by role, of every image group that has something to search."""
    groups: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in read("images"):
        groups[row["folder"], row["group"]][row["role"]] = row
    return [files for files in groups.values() if set(files) & set(SEARCHED)]


def search(finder: str, module: ModuleType, files: dict[str, Row], *options: str) -> Image:
    """One image by the shipped script's own `search`."""
    row = next(files[role] for role in SEARCHED if role in files)
    command = ["--image", str(ARCHIVE / row["folder"] / row["file"]), *options]
    if "primaryBeam" in files:
        command += ["--beam", str(ARCHIVE / row["folder"] / files["primaryBeam"]["file"])]
    if finder != "sep":
        command += ["--program", program(finder)]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="File may have been truncated")
        out = Path(folder) / "sources.fits"
        try:
            results = module.search(module.arguments([*command, "--out", str(out)]))
        except (module.finding.FindingError, module.finding.ImageError) as problem:
            return Image(row, cause=f"{type(problem).__name__}: {problem}")
        return Image(row, np.array(fits.getdata(out, 1)), "", results["beam_major_arcsec"], results)


def search_all(finder: str, *options: str) -> list[Image]:
    """Every image of the archive; two at once where the work is done by a program outside."""
    with shipped(f"find_{finder}") as module, warnings.catch_warnings():
        if finder == "aegean":
            # Two threads that put aside warnings take away one another's filters: one would be an error for the other.
            warnings.simplefilter("ignore")
        with ThreadPoolExecutor(2 if finder == "aegean" else 1) as pool:
            return list(pool.map(lambda files: search(finder, module, files, *options), images()))


def true_of(row: Row, truth: list[Row]) -> list[Row]:
    """True sources of an image of images.csv with ICRS positions; the table has them in the frame of its header."""
    keys = ("folder", "target", "intent")
    found = [true for true in truth if all(true[key] == row[key] for key in keys)]
    frame = fits.getheader(ARCHIVE / row["folder"] / row["file"]).get("RADESYS", "ICRS").lower()
    if frame == "icrs":
        return found
    places = [SkyCoord(float(t["ra_deg"]), float(t["dec_deg"]), unit="deg", frame=frame).icrs for t in found]
    return [
        true | {"ra_deg": str(place.ra.deg), "dec_deg": str(place.dec.deg)}
        for true, place in zip(found, places, strict=True)
    ]


def offsets(sources: Any, true: Row) -> tuple[np.ndarray, np.ndarray]:
    """Sources minus a true one in arcsec, east and north."""
    east = ((sources["ra_deg"] - float(true["ra_deg"]) + 180) % 360 - 180) * np.cos(np.radians(float(true["dec_deg"])))
    return east * 3600, (sources["dec_deg"] - float(true["dec_deg"])) * 3600


@dataclass
class Verdict:
    """A finder against the truth; cubes and images that failed are left out."""

    wanted: int = 0  # true sources of at least SNR
    found: int = 0  # those with a source within one beam
    sources: int = 0  # sources of at least SNR
    false: int = 0  # those without a true one within one beam
    snr: list[float] = field(default_factory=list)
    pulls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # residuals over their errors
    ratios: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # found over true


def judge(found: list[Image]) -> Verdict:
    """Completeness, reliability and residuals at a signal to noise of at least SNR."""
    verdict = Verdict()
    truth = read("truth")
    for image in found:
        if image.cause or image.row["kind"] == "cube":
            continue
        _judge_image(image, true_of(image.row, truth), verdict)
    return verdict


def _judge_image(image: Image, true: list[Row], verdict: Verdict) -> None:
    near = np.zeros(len(image.sources), dtype=bool)
    for one in true:
        east, north = offsets(image.sources, one) if len(image.sources) else (np.zeros(0), np.zeros(0))
        apart = np.hypot(east, north)
        near |= apart < image.beam_arcsec
        if float(one["snr"]) < SNR:
            continue
        verdict.wanted += 1
        if len(apart) and apart.min() < image.beam_arcsec:
            verdict.found += 1
            best = int(np.argmin(apart))
            _residuals(image.sources[best], one, float(east[best]), float(north[best]), verdict)
    bright = np.array(image.sources["snr"] >= SNR) if len(image.sources) else near
    verdict.sources += int(bright.sum())
    verdict.false += int((bright & ~near).sum())


def _residuals(source: Any, true: Row, east: float, north: float, verdict: Verdict) -> None:
    flux = float(true["flux_jy"])
    verdict.snr.append(float(true["snr"]))
    for name in ("peak_flux", "flux"):
        verdict.ratios[name].append(source[name] / flux)
        verdict.pulls[name].append((source[name] - flux) / source[f"e_{name}"])
    verdict.pulls["ra"].append(east / source["e_ra_arcsec"])
    verdict.pulls["dec"].append(north / source["e_dec_arcsec"])


def middle(values: Any) -> float:
    return float(np.median(values))


def scatter(values: Any) -> float:
    """Standard deviation of a Gaussian with this median absolute deviation."""
    values = np.asarray(values)
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def report(finder: str, found: list[Image]) -> None:
    searched = [image for image in found if not image.cause]
    print(
        f"\n{finder}: {len(searched)} of {len(found)} images, {sum(len(image.sources) for image in searched)} sources"
    )
    for cause, number in Counter(image.cause for image in found if image.cause).items():
        print(f"  {number} failed: {cause}")
    verdict = judge(found)
    print(f"  S/N >= {SNR:g}: found {verdict.found} of {verdict.wanted} true sources,", end=" ")
    print(f"{verdict.false} of {verdict.sources} sources are false")
    snr = np.array(verdict.snr)
    for low, high in ((SNR, 30.0), (30.0, np.inf)):
        chosen = (snr >= low) & (snr < high)
        print(f"  S/N {low:g} to {high:g}: {chosen.sum()} pairs        median  scatter   beyond 3")
        for kind, table in (("found / true", verdict.ratios), ("residual / error", verdict.pulls)):
            for name, values in table.items():
                part = np.array(values)[chosen]
                far = int((np.abs(part) > 3).sum()) if kind.startswith("res") else ""
                print(f"    {kind:17} {name:10} {middle(part):9.3f} {scatter(part):8.3f} {far:>6}")


def compare(one: str, first: Verdict, other: str, second: Verdict) -> None:
    """How well two finders agree on the sources that both found, by signal to noise."""
    if first.found != first.wanted or second.found != second.wanted:
        return
    bright = np.array(first.snr) >= 30
    for name in ("peak_flux", "flux"):
        ratio = np.array(first.ratios[name])[bright] / np.array(second.ratios[name])[bright]
        print(f"{one} / {other}, S/N over 30: {name} median {middle(ratio):.3f}, scatter {scatter(ratio):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("finder", nargs="*", choices=[*FINDERS, []])
    asked = parser.parse_args().finder or [name for name in FINDERS if program(name)]
    verdicts = {}
    for finder in asked:
        found = search_all(finder)
        report(finder, found)
        verdicts[finder] = judge(found)
    for one, other in combinations(verdicts, 2):
        compare(one, verdicts[one], other, verdicts[other])


if __name__ == "__main__":
    main()
