from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from stoa.errors import StoaError
from stoa.sources.images import LARGEST, block_means, picture, plane, thumbnail


def write_image(place: Path, data: np.ndarray, **words: object) -> Path:
    header = fits.Header(
        {
            "CTYPE1": "RA---SIN",
            "CTYPE2": "DEC--SIN",
            "CRVAL1": 150.0,
            "CRVAL2": -30.0,
            "CRPIX1": data.shape[-1] / 2 + 0.5,
            "CRPIX2": data.shape[-2] / 2 + 0.5,
            "CDELT1": -2e-5,
            "CDELT2": 2e-5,
            "CUNIT1": "deg",
            "CUNIT2": "deg",
            "BUNIT": "Jy/beam",
            "BMAJ": 1e-4,
            "BMIN": 8e-5,
            "BPA": 30.0,
        }
    )
    header.update(words)
    fits.PrimaryHDU(data.astype(np.float32), header).writeto(place)
    return place


def opened(content: bytes) -> fits.PrimaryHDU:
    with fits.open(io.BytesIO(content)) as units:
        return units[0].copy()


def test_a_plane_keeps_values_beam_and_positions(tmp_path):
    data = np.random.default_rng(1).normal(size=(40, 60)).astype(np.float32)
    file = write_image(tmp_path / "a.fits", data)
    seen = opened(plane(file))
    np.testing.assert_array_equal(seen.data, data)
    assert (seen.header["BMAJ"], seen.header["BUNIT"], seen.header["STOABIN"]) == (1e-4, "Jy/beam", 1)
    there, here = WCS(fits.getheader(file)), WCS(seen.header)
    assert here.pixel_to_world(7, 9).separation(there.pixel_to_world(7, 9)).arcsec < 1e-6


def test_degenerate_axes_go_and_a_cube_gives_one_channel_after_the_other(tmp_path):
    data = np.arange(5 * 8 * 9, dtype=np.float32).reshape(1, 5, 8, 9)
    axes = {"CTYPE3": "FREQ", "CRVAL3": 1e11, "CDELT3": 1e6, "CRPIX3": 1.0, "CTYPE4": "STOKES", "CRVAL4": 1.0}
    file = write_image(tmp_path / "cube.fits", data, **axes)
    middle, second = opened(plane(file)), opened(plane(file, 2))
    assert (middle.header["STOACHAN"], middle.header["STOANCH"], middle.data.shape) == (3, 5, (8, 9))
    np.testing.assert_array_equal(second.data, data[0, 1])
    with pytest.raises(StoaError, match="has the channels 1 to 5, not 6"):
        plane(file, 6)


def test_of_four_stokes_planes_the_middle_channel_of_the_first_is_shown(tmp_path):
    data = np.arange(4 * 3 * 8 * 9, dtype=np.float32).reshape(4, 3, 8, 9)
    axes = {"CTYPE3": "FREQ", "CRVAL3": 1e11, "CDELT3": 1e6, "CRPIX3": 1.0, "CTYPE4": "STOKES", "CRVAL4": 1.0}
    seen = opened(plane(write_image(tmp_path / "full.fits", data, **axes)))
    np.testing.assert_array_equal(seen.data, data[0, 1])


def test_whole_numbers_with_a_scale_and_blanks_are_shown_in_their_unit(tmp_path):
    counts = np.arange(72, dtype=np.int16).reshape(8, 9)
    file = write_image(tmp_path / "counts.fits", counts)
    with fits.open(file, mode="update", do_not_scale_image_data=True) as units:
        units[0] = fits.PrimaryHDU(counts, units[0].header)
        units[0].header.update({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": 71})
    seen = opened(plane(file))
    assert np.isnan(seen.data[-1, -1])
    np.testing.assert_array_equal(seen.data.ravel()[:-1], counts.ravel()[:-1] * 0.5 + 10)


def test_a_large_image_is_averaged_and_says_so_and_its_sources_stay_where_they_are(tmp_path):
    side = 2 * LARGEST + 10
    data = np.zeros((side, side), dtype=np.float32)
    data[1000:1003, 3000:3003] = 9.0
    file = write_image(tmp_path / "large.fits", data)
    seen = opened(plane(file))
    assert seen.header["STOABIN"] == 3
    assert max(seen.data.shape) <= LARGEST
    y, x = np.unravel_index(np.argmax(seen.data), seen.data.shape)
    brightest = WCS(seen.header).pixel_to_world(x, y)
    assert brightest.separation(WCS(fits.getheader(file)).pixel_to_world(3001, 1001)).arcsec < 1.5 * 2e-5 * 3600


def test_means_leave_blank_pixels_out():
    data = np.array([[1, np.nan, 5], [3, np.nan, 7]], dtype=np.float32)
    np.testing.assert_array_equal(block_means(data, 2), [[2.0]])
    assert np.isnan(block_means(np.full((2, 2), np.nan, dtype=np.float32), 2)).all()


def test_coordinates_that_cannot_be_read_leave_the_pixels(tmp_path):
    file = write_image(tmp_path / "odd.fits", np.ones((8, 8)), CTYPE1="RA---XXX", CTYPE2="DEC--SIN")
    seen = opened(plane(file))
    assert seen.data.shape == (8, 8)
    assert "CTYPE1" not in seen.header


def test_what_is_no_image_is_told_in_words(tmp_path):
    table = tmp_path / "table.fits"
    fits.BinTableHDU.from_columns([fits.Column("x", "E", array=[1.0])]).writeto(table)
    with pytest.raises(StoaError, match="holds no image"):
        plane(table)
    broken = tmp_path / "broken.fits"
    broken.write_bytes(b"<script>alert(1)</script>" * 500)
    with pytest.raises(StoaError, match="cannot be read as an image"):
        plane(broken)
    cut = write_image(tmp_path / "cut.fits", np.ones((300, 300)))
    cut.write_bytes(cut.read_bytes()[:20000])
    with pytest.raises(StoaError, match="cannot be read as an image"):
        plane(cut)


@pytest.mark.parametrize("value", [np.nan, 0.0, 1e30])
def test_a_thumbnail_of_a_flat_or_blank_image_is_a_picture(value):
    assert picture(np.full((50, 70), value, dtype=np.float32), 160).startswith(b"\x89PNG")


def test_a_thumbnail_is_made_once_for_each_content(tmp_path):
    file = write_image(tmp_path / "a.fits", np.random.default_rng(1).normal(size=(64, 64)))
    first = thumbnail(file, tmp_path, "abc")
    file.write_bytes(b"gone")
    assert thumbnail(file, tmp_path, "abc") == first
    with pytest.raises(StoaError):
        thumbnail(file, tmp_path, "another checksum")


def test_blank_pixels_of_a_thumbnail_are_grey_and_bright_ones_bright():
    data = np.random.default_rng(1).normal(size=(60, 80)).astype(np.float32)
    data[:10] = np.nan  # below, as the sky has it
    data[40, 20] = 1000.0
    drawn = Image.open(io.BytesIO(picture(data, 160))).convert("RGB")
    assert drawn.size == (80, 60)
    assert {drawn.getpixel((x, 59)) for x in range(80)} == {(128, 128, 128)}
    assert sum(drawn.getpixel((20, 19))) > 2 * max(sum(drawn.getpixel((x, 30))) for x in range(80))
