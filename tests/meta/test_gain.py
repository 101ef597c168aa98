"""The width of the primary beam, measured in its image or modelled, and the word for which it was."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from stoa.meta import header as headers
from stoa.meta.build import build
from stoa.meta.document import FileEntry
from stoa.meta.gain import half_width

PIXEL_ARCSEC = 0.36
NAN = math.nan


def gaussian(half: float, size: int, centre: int) -> list[float]:
    return [2.0 ** -(((x - centre) / half) ** 2) for x in range(size)]


def test_a_beam_falls_to_a_half_at_its_half_width() -> None:
    width, word = half_width(gaussian(20.0, 101, 50), 50)
    assert width == pytest.approx(20.0, abs=0.05)
    assert word == ""


def test_one_side_is_enough() -> None:
    gains = gaussian(20.0, 101, 50)
    gains[:40] = [NAN] * 40
    assert half_width(gains, 50)[0] == pytest.approx(20.0, abs=0.05)


def test_a_gaussian_stands_in_where_the_image_ends_before() -> None:
    width, word = half_width(gaussian(20.0, 31, 15), 15)
    assert (width, word) == (pytest.approx(20.0), ", Gaussian through its end")


@pytest.mark.parametrize(
    ("gains", "centre"),
    [
        ([1.0] * 31, 15),  # a mosaic
        ([0.9 + 0.02 * x for x in range(31)], 15),  # grows away from the middle
        ([NAN] * 31, 15),
        ([0.0] * 31, 15),
        ([-1.0] * 31, 15),
        ([1.0, 0.4], 7),
        (gaussian(100.0, 31, 15), 15),  # hardly falls
        ([], 0),
    ],
)
def test_what_has_no_half_width_has_none(gains: list[float], centre: int) -> None:
    assert half_width(gains, centre) is None


def beam_file(path: Path, half: float = 20.0, shape: tuple[int, ...] = (1, 1, 101, 101), kind: str = ">f4", **cards):
    """A beam whose half width is so many pixels in its middle plane, half as many in the others."""
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    radius = np.hypot(x - shape[-1] // 2, y - shape[-2] // 2)
    planes = shape[-3]
    data = np.stack([2.0 ** -((radius / (half if n == planes // 2 else half / 2)) ** 2) for n in range(planes)])
    hdu = fits.PrimaryHDU(data.reshape(shape).astype(kind))
    axes = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL3": 1e11, "CDELT3": 1e6, "CRPIX3": 1.0}
    axes |= {"CRVAL1": 150.0, "CRVAL2": 2.0, "CDELT1": -1e-4, "CDELT2": 1e-4}
    axes |= {"CRPIX1": shape[-1] // 2 + 1.0, "CRPIX2": shape[-2] // 2 + 1.0, "TELESCOP": "ALMA"}
    hdu.header.update(axes | cards)
    hdu.writeto(path)
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), mtime=0))


def entries(folder: Path) -> dict[str, FileEntry]:
    return {file.name: file for group in build(folder).groups for file in group.files}


def width_of(entry: FileEntry) -> tuple[float, str]:
    return float(entry.derived["pb_hwhm_arcsec"]), entry.derived["pb_hwhm_origin"]


@pytest.mark.parametrize("name", ["x.pb.fits", "x.pb.fits.gz"])
@pytest.mark.parametrize(("shape", "kind"), [((1, 1, 101, 101), ">f4"), ((1, 5, 101, 101), ">f8")])
def test_the_beam_is_measured_in_its_middle_row_and_plane(name, shape, kind, product: Path) -> None:
    beam_file(product / name, shape=shape, kind=kind)
    width, origin = width_of(entries(product)[name])
    assert (width, origin) == (pytest.approx(20 * PIXEL_ARCSEC, rel=1e-3), f"{name}, row 51")


def test_the_files_of_its_image_take_it_over_and_others_do_not(image, product: Path) -> None:
    beam_file(product / "x.pb.fits")
    image("x.pbcor.fits", folder=product)
    image("y.pbcor.fits", folder=product)
    found = entries(product)
    assert width_of(found["x.pbcor.fits"]) == width_of(found["x.pb.fits"])
    assert width_of(found["y.pbcor.fits"])[1] == "1.13 lambda / 12 m"


def test_a_beam_of_the_compact_array_tells_the_dish_of_its_folder(image, product: Path) -> None:
    expected = 1.13 * 299792458.0 / 1e11 / 7.0 * 180 / math.pi * 3600 / 2
    beam_file(product / "x.pb.fits", half=expected / PIXEL_ARCSEC, shape=(1, 1, 401, 401))
    image("y.pbcor.fits", folder=product)
    width, origin = width_of(entries(product)["y.pbcor.fits"])
    assert (width, origin) == (pytest.approx(expected, rel=1e-3), "1.13 lambda / 7 m, as x.pb.fits shows")


@pytest.mark.parametrize("name", ["M83_7m.spw1.pbcor.fits", "ACA.M83.pbcor.fits"])
def test_a_name_may_tell_the_dish(name: str, image, product: Path) -> None:
    image(name, folder=product)
    assert width_of(entries(product)[name])[1] == "1.13 lambda / 7 m, as the name says"


@pytest.mark.parametrize("cards", [{"CRPIX2": 500.0}, {"BITPIX": 16}])
def test_a_beam_that_cannot_be_measured_is_modelled(cards: dict, image, product: Path) -> None:
    if "BITPIX" in cards:
        image("x.pb.fits", folder=product, BITPIX="16")
    else:
        beam_file(product / "x.pb.fits", **cards)
    assert width_of(entries(product)["x.pb.fits"])[1] == "1.13 lambda / 12 m"


def test_a_row_deep_inside_a_compressed_file_is_not_unpacked(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beam_file(product / "x.pb.fits.gz")
    monkeypatch.setattr(headers, "MAX_INFLATED", 10_000)
    assert width_of(entries(product)["x.pb.fits.gz"])[1] == "1.13 lambda / 12 m"


def test_a_truncated_beam_is_modelled(product: Path) -> None:
    beam_file(product / "x.pb.fits")
    path = product / "x.pb.fits"
    path.write_bytes(path.read_bytes()[:8000])
    assert width_of(entries(product)["x.pb.fits"])[1] == "1.13 lambda / 12 m"
