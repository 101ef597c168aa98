"""Two images side by side, and their difference."""

from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from matplotlib.image import imread

from stoa.catalogue.changes import SourceChange
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.pictures import _piece, side_by_side


def change(path, x: float, y: float, what: str) -> SourceChange:
    """A change at a pixel, counted from 0."""
    ra, dec = WCS(fits.getheader(path), naxis=2).pixel_to_world_values(x, y)
    return SourceChange(what=(what,), ra_deg=float(ra), dec_deg=float(dec), surprise=9.0)


def panels(png: bytes) -> np.ndarray:
    return np.asarray(imread(io.BytesIO(png), format="png"))[..., :3]


def frames(shown, number):
    """The images of the panels, without what is round them: where most of a row or column is not white."""
    found = []
    width = shown.shape[1] // number
    for n in range(number):
        panel = shown[:, n * width : (n + 1) * width]
        inked = panel.min(axis=2) < 0.97
        rows, columns = (np.flatnonzero(inked.mean(axis=axis) > 0.6) for axis in (1, 0))
        found.append(panel[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    return found


def test_one_file_has_two_panels_and_two_files_have_the_difference_too(image):
    a = image([(40, 50, 0.05)], name="a.fits")
    b = image([(40, 50, 0.05), (60, 30, 0.05)], name="b.fits")
    gained = [change(a, 60, 30, "gained")]
    one, two = (panels(side_by_side(a, other, gained, ("a", "b"), 0.25)) for other in (a, b))
    assert two.shape[1] == pytest.approx(1.5 * one.shape[1], abs=2)
    bright = [(frame.min(axis=2) > 0.9).mean() for frame in frames(two, 3)]
    assert bright[1] > bright[0]  # the stretch is the same, and b has one source more


@pytest.mark.parametrize("cards", [{"CRVAL1": 150.0 + 1e-4}, {"CDELT1": -0.102 / 3600}, {"CRPIX2": 52.4}])
def test_images_on_other_grids_have_no_difference(image, cards):
    a, b = image([(48, 48, 0.05)], name="a.fits"), image([(48, 48, 0.05)], name="b.fits", cards=cards)
    lost = [change(a, 48, 48, "lost")]
    two, one = (panels(side_by_side(a, other, lost, ("a", "b"), 0.25)) for other in (b, a))
    assert two.shape == one.shape


def test_a_source_that_is_lost_is_marked_in_the_first_panel_only(image):
    a = image([(40, 50, 0.05)])
    shown = panels(side_by_side(a, a, [change(a, 40, 50, "lost")], ("a", "b"), 0.25))
    red = (shown[..., 0] > 0.7) & (shown[..., 2] < 0.3)
    half = shown.shape[1] // 2
    assert red[:, :half].sum() > 20
    assert red[:, half:].sum() == 0


def test_a_cube_is_shown_by_its_mean(image):
    cube = image([(40, 50, 0.05)], shape=(1, 3, 96, 96))
    assert side_by_side(cube, cube, [change(cube, 40, 50, "flux")], ("a", "b"), 0.25).startswith(b"\x89PNG")


def test_what_is_no_image_of_these_sources_is_named(image, tmp_path):
    a = image([])
    bad = tmp_path / "bad.fits"
    bad.write_bytes(b"no FITS")
    with pytest.raises(CatalogueError, match=r"'bad.fits' cannot be read as an image of the sky"):
        side_by_side(a, bad, [change(a, 40, 50, "lost")], ("a", "b"), 0.25)
    with pytest.raises(CatalogueError, match="the sources are outside"):
        side_by_side(a, a, [change(a, 4000, 50, "lost")], ("a", "b"), 0.25)


def test_each_panel_has_a_bar_of_round_length(image):
    """The fixture's pixels are 0.1 arcsec, the piece is 8.1 arcsec wide: a bar of 2 arcsec is 20 pixels of 81."""
    a = image([(40, 50, 0.05)])
    shown = panels(side_by_side(a, a, [change(a, 40, 50, "lost")], ("a", "b"), 0.25))
    first = frames(shown, 2)[0]
    low = first[int(0.9 * len(first)) : -4, 4 : first.shape[1] // 2].min(axis=2) > 0.95
    longest = max(len(run) for row in low for run in "".join("x" if pixel else " " for pixel in row).split())
    assert longest / first.shape[1] == pytest.approx(20 / 81, rel=0.12)


def test_panels_have_coordinates_and_the_beam(image):
    """North is up in the fixture's images, and 5 pixels are half an arcsec."""
    lost = change(image([]), 40, 50, "lost")
    a = image([(40, 50, 0.05)])
    made = _piece(a, [(lost.ra_deg, lost.dec_deg)])
    assert made.beam == pytest.approx((5.0, 5.0, 0.0), abs=1e-6)
    assert made.wcs.wcs_pix2world([made.marks[0]], 0)[0] == pytest.approx((lost.ra_deg, lost.dec_deg), abs=1e-7)
    b = image([(40, 50, 0.05)], cards={"BMIN": 0.3 / 3600, "BPA": 30.0}, name="b.fits")
    assert _piece(b, [(lost.ra_deg, lost.dec_deg)]).beam == pytest.approx((5.0, 3.0, 30.0), abs=1e-3)
