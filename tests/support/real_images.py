#!/usr/bin/env python
"""Real FITS files of many programs, searched by the shipped finders: sources where astropy has them, or a cause.

    python tests/support/real_images.py FOLDER [sep] [sextractor] [aegean]

prints for each file below the folder how many sources were found and how far the farthest is from where astropy has its
pixel, or the cause.
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from finder_truth import FINDERS, program, shipped

OPTIONS = (
    "--image-is", "flat", "--beam-arcsec", "5", "--unit", "Jy/beam", "--other-unit", "search", "--snr", "4",
    "--level", "subtract",
)  # fmt: skip
_NAME = re.compile(r"(?i)\.(fits?|fts)(\.(gz|fz|bz2))?$")


@dataclass(frozen=True)
class Searched:
    """What a finder made of a file: how many sources, and how far off the farthest is, or why none were looked for."""

    path: Path
    sources: int = 0
    off_arcsec: float = 0.0
    cause: str = ""


def files(folder: Path) -> list[Path]:
    """FITS files below a folder, by their names."""
    return sorted(path for path in folder.rglob("*") if _NAME.search(path.name))


def searched(finder: str, paths: list[Path]) -> Iterator[Searched]:
    """Each file, searched."""
    own = () if finder == "sep" else ("--program", program(finder))
    with shipped(f"find_{finder}") as module, warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        out = Path(folder) / "sources.fits"
        for path in paths:
            words = ["--image", str(path), "--out", str(out), *OPTIONS, *own]
            try:
                with redirect_stdout(io.StringIO()):
                    module.search(module.arguments(words))
            except (module.finding.FindingError, module.finding.ImageError) as problem:
                yield Searched(path, cause=f"{type(problem).__name__}: {problem}")
            else:
                rows = fits.getdata(out, 1)
                yield Searched(path, len(rows), off_arcsec(path, rows))


def off_arcsec(path: Path, rows: fits.FITS_rec) -> float:
    """Largest distance of a source from where astropy has its pixel."""
    if not len(rows):
        return 0.0
    with fits.open(path) as hdus:
        wcs = next(WCS(hdu.header, hdus) for hdu in hdus if hdu.is_image and hdu.header["NAXIS"] > 1).celestial
    places = wcs.pixel_to_world(np.array(rows["x"]) - 1, np.array(rows["y"]) - 1)
    found = SkyCoord(rows["ra_deg"], rows["dec_deg"], unit="deg")
    return float(found.separation(places.icrs).arcsec.max())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("finder", nargs="*", choices=[*FINDERS, []])
    given = parser.parse_args()
    for finder in given.finder or [name for name in FINDERS if program(name)]:
        print(f"\n{finder}")
        for one in searched(finder, files(given.folder)):
            said = one.cause or f"{one.sources} sources, off by at most {one.off_arcsec:.2g} arcsec"
            print(f"  {one.path.relative_to(given.folder)}: {said}", flush=True)


if __name__ == "__main__":
    main()
