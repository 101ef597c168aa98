"""Where pixels are on the sky, beside astropy's own reading of the same header."""

from __future__ import annotations

import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from stoa.meta.sky import WORLD, celestial, fk5_to_icrs, rotation, separation

PLANE = {
    "NAXIS": 2, "NAXIS1": 300, "NAXIS2": 200, "CRVAL1": 359.9, "CRVAL2": -52.1, "CDELT1": -0.002, "CDELT2": 0.002,
    "CRPIX1": -40.5, "CRPIX2": 260.0, "CUNIT1": "deg", "CUNIT2": "deg",
}  # fmt: skip


def header_of(lon: str, lat: str, **changes: float | str) -> fits.Header:
    return fits.Header({**PLANE, "CTYPE1": lon, "CTYPE2": lat, **changes})


def texts(header: fits.Header) -> dict[str, str]:
    return {keyword: str(value) for keyword, value in header.items() if WORLD.fullmatch(keyword)}


def off_arcsec(header: fits.Header, pixel: tuple[float, float]) -> float:
    """Distance of our position of a pixel from astropy's."""
    (ours,) = celestial(texts(header)).sky(pixel)
    theirs = WCS(header).celestial.wcs_pix2world([pixel], 1)[0]
    return SkyCoord(*ours, unit="deg").separation(SkyCoord(*theirs, unit="deg")).arcsec


@pytest.mark.parametrize("projection", ["SIN", "TAN", "ARC", "ZEA", "STG"])
@pytest.mark.parametrize("pixel", [(1.0, 1.0), (150.5, 100.5), (300.0, 1.0), (-40.5, 260.0)])
def test_a_pixel_lies_where_astropy_puts_it(projection: str, pixel: tuple[float, float]) -> None:
    assert off_arcsec(header_of(f"RA---{projection}", f"DEC--{projection}"), pixel) < 1e-6


@pytest.mark.parametrize(
    "turn",
    [
        {"PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8},
        {"CROTA2": 30.0},
        {"CD1_1": -0.001, "CD1_2": 0.0017, "CD2_1": 0.0017, "CD2_2": 0.001},
        {"LONPOLE": 150.0},
    ],
)
def test_a_turned_image_lies_where_astropy_puts_it(turn: dict[str, float]) -> None:
    header = header_of("RA---SIN", "DEC--SIN", **turn)
    if "CD1_1" in turn:
        del header["CDELT1"], header["CDELT2"]
    assert off_arcsec(header, (300.0, 1.0)) < 1e-6


@pytest.mark.parametrize("form", ["PC{:02}_{:02}", "PC{:03}{:03}"])
def test_the_rotation_of_an_old_casa_is_understood(form: str) -> None:
    turn = {(1, 1): 0.8, (1, 2): -0.6, (2, 1): 0.6, (2, 2): 0.8}
    new = header_of("RA---SIN", "DEC--SIN", **{f"PC{i}_{j}": value for (i, j), value in turn.items()})
    old = header_of("RA---SIN", "DEC--SIN", **{form.format(i, j): value for (i, j), value in turn.items()})
    assert celestial(texts(old)) == celestial(texts(new))


def test_the_axes_may_come_in_another_order() -> None:
    swapped = {
        "NAXIS1": 200,
        "NAXIS2": 300,
        "CTYPE1": "DEC--SIN",
        "CTYPE2": "RA---SIN",
        "CRVAL1": -52.1,
        "CRVAL2": 359.9,
    }
    swapped |= {"CDELT1": 0.002, "CDELT2": -0.002, "CRPIX1": 260.0, "CRPIX2": -40.5}
    axes = celestial(texts(fits.Header({**PLANE, **swapped})))
    straight = celestial(texts(header_of("RA---SIN", "DEC--SIN")))
    assert (axes.lon, axes.lat) == (2, 1)
    assert axes.sky((10.0, 20.0))[0] == pytest.approx(straight.sky((10.0, 20.0))[0], abs=1e-12)


@pytest.mark.parametrize(
    "odd",
    [
        {"CTYPE1": "RA---CAR", "CTYPE2": "DEC--CAR"}, {"CTYPE1": "RA---NCP", "CTYPE2": "DEC--NCP"}, {"PV2_1": 0.1},
        {"CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN"}, {"CUNIT1": "arcsec"}, {"CTYPE1": "ra---sin"}, {"PC1_3": 0.1},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "A_ORDER": 2}, {"CROTA1": 3.0}, {"CROTA2": 3.0, "PC1_1": 1.0},
        {"CD1_1": 1e-4, "CD2_2": 1e-4, "PC1_1": 1.0}, {"LONPOLE": "up"}, {"CRVAL1": "east"}, {"CDELT2": 0.0},
    ],
)  # fmt: skip
def test_a_header_that_is_not_plain_is_left_to_astropy(odd: dict[str, float | str]) -> None:
    types = {"lon": odd.pop("CTYPE1", "RA---SIN"), "lat": odd.pop("CTYPE2", "DEC--SIN")}
    assert celestial(texts(header_of(**types, **odd))) is None


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_at_a_pole_the_native_longitude_is_the_standards(pole: float) -> None:
    assert off_arcsec(header_of("RA---SIN", "DEC--SIN", CRVAL2=pole), (300.0, 1.0)) < 1e-6


@pytest.mark.parametrize(
    ("lon", "lat"), [("FREQ", "STOKES"), ("RA---SIN", "GLAT-SIN"), ("RA---SIN", "RA---SIN"), ("", "")]
)
def test_without_a_pair_there_are_no_celestial_axes(lon: str, lat: str) -> None:
    assert celestial(texts(header_of(lon, lat))) is None


def test_a_pixel_off_the_sky_has_no_position() -> None:
    assert celestial(texts(header_of("RA---SIN", "DEC--SIN", CDELT1=-1.0, CDELT2=1.0))).sky((300.0, 1.0)) == [None]


@pytest.mark.parametrize("place", [(10.0, 41.0), (187.0, -12.0), (359.9, 89.99999)])
def test_fk5_of_j2000_is_turned_into_icrs(place: tuple[float, float]) -> None:
    expected = SkyCoord(*place, unit="deg", frame="fk5").icrs
    assert SkyCoord(*fk5_to_icrs(place), unit="deg").separation(expected).arcsec < 1e-6


def test_separation_is_exact_near_and_across_the_meridian() -> None:
    assert separation((359.9999, 0.0), (0.0001, 0.0)) == pytest.approx(0.0002)
    assert separation((0.0, -90.0), (123.0, 90.0)) == pytest.approx(180.0)


def test_the_native_pole_is_the_reference_position() -> None:
    assert rotation((150.0, 2.0), 3.0)(0.3, 1.5707963267948966) == pytest.approx((150.0, 2.0))
