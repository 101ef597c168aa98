"""Real FITS files of many programs: each is searched, with sources where astropy has them, or a cause is told."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from finder_truth import REPOSITORY, shipped

FILES = sorted(path for path in (REPOSITORY / "tests" / "data").rglob("*.fits*") if path.stat().st_size < 1_000_000)
OPTIONS = (
    "--image-is",
    "flat",
    "--beam-arcsec",
    "5",
    "--unit",
    "Jy/beam",
    "--other-unit",
    "search",
    "--snr",
    "4",
    "--level",
    "subtract",
)


def off_arcsec(path: Path, rows: fits.FITS_rec) -> float:
    """Largest distance of a source from where astropy has its pixel."""
    with fits.open(path) as hdus:
        wcs = next(WCS(hdu.header, hdus) for hdu in hdus if hdu.is_image and hdu.header["NAXIS"] > 1).celestial
    places = wcs.pixel_to_world(np.array(rows["x"]) - 1, np.array(rows["y"]) - 1)
    found = SkyCoord(rows["ra_deg"], rows["dec_deg"], unit="deg")
    return float(found.separation(places.icrs).arcsec.max()) if len(rows) else 0.0


def test_real_files_are_searched_or_explained(tmp_path: Path) -> None:
    off, causes = {}, {}
    with shipped("find_sep") as finder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in FILES:
            command = ["--image", str(path), "--out", str(tmp_path / "s.fits"), *OPTIONS]
            try:
                finder.search(finder.arguments(command))
            except (finder.finding.FindingError, finder.finding.ImageError) as problem:
                causes[path.name] = str(problem)
            else:
                off[path.name] = off_arcsec(path, fits.getdata(tmp_path / "s.fits", 1))
    assert max(off.values()) < 0.01
    assert len(off) > 5
    words = ("no celestial coordinates", "no HDU has a plane", "not understood", "exactly zero", "cut off", "no beam")
    assert [cause for cause in causes.values() if not any(word in cause for word in words)] == []
