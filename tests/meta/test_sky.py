"""Where pixels lie on the sky, beside astropy's own reading of the same header."""

from __future__ import annotations

import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from stoa.meta.sky import celestial, rotate, separation, to_icrs

PLANE = {
    "NAXIS": 2, "NAXIS1": 300, "NAXIS2": 200, "CRVAL1": 359.9, "CRVAL2": -52.1, "CDELT1": -0.002, "CDELT2": 0.002,
    "CRPIX1": -40.5, "CRPIX2": 260.0, "CUNIT1": "deg", "CUNIT2": "deg",
}  # fmt: skip


def header_of(lon: str, lat: str, **changes: float | str) -> fits.Header:
    return fits.Header({**PLANE, "CTYPE1": lon, "CTYPE2": lat, **changes})


def getter(header: fits.Header):
    return lambda keyword: str(header.get(keyword, ""))


def off_arcsec(header: fits.Header, pixel: tuple[float, float]) -> float:
    """Distance of our position of a pixel from astropy's."""
    (ours,) = celestial(getter(header)).sky(pixel)
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
    assert celestial(getter(old)) == celestial(getter(new))


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
    axes = celestial(getter(fits.Header({**PLANE, **swapped})))
    straight = celestial(getter(header_of("RA---SIN", "DEC--SIN")))
    assert (axes.lon, axes.lat) == (2, 1)
    assert axes.sky((10.0, 20.0))[0] == pytest.approx(straight.sky((10.0, 20.0))[0], abs=1e-12)


def test_plain_cylindrical_coordinates_are_linear() -> None:
    header = header_of("GLON-CAR", "GLAT-CAR", CRVAL1=10.0, CRVAL2=0.0, CRPIX1=1.0, CRPIX2=1.0)
    assert celestial(getter(header)).sky((11.0, 6.0))[0] == pytest.approx((9.98, 0.01))


@pytest.mark.parametrize(
    ("lon", "lat"), [("FREQ", "STOKES"), ("RA---SIN", "GLAT-SIN"), ("RA---SIN", "RA---SIN"), ("", "")]
)
def test_without_a_pair_there_are_no_celestial_axes(lon: str, lat: str) -> None:
    assert celestial(getter(header_of(lon, lat))) is None


def test_a_pixel_off_the_sky_has_no_position() -> None:
    assert celestial(getter(header_of("RA---SIN", "DEC--SIN", CDELT1=-1.0, CDELT2=1.0))).sky((300.0, 1.0)) == [None]


def test_galactic_coordinates_become_equatorial() -> None:
    expected = SkyCoord(121.3, -21.6, unit="deg", frame="galactic").icrs
    found = SkyCoord(*to_icrs((121.3, -21.6), "galactic"), unit="deg")
    assert found.separation(expected).arcsec < 0.1


@pytest.mark.parametrize("place", [(10.0, 41.0), (187.0, -12.0), (359.9, 89.0)])
def test_b1950_is_precessed_to_an_arcsecond(place: tuple[float, float]) -> None:
    expected = SkyCoord(*place, unit="deg", frame="fk4", equinox="B1950").icrs
    assert SkyCoord(*to_icrs(place, "FK4"), unit="deg").separation(expected).arcsec < 1.0


@pytest.mark.parametrize(("frame", "equinox"), [("FK5", 2014.5), ("FK5", 1975.0), ("FK4", 1979.9), ("FK4", 1900.0)])
def test_positions_of_another_equinox_are_precessed(frame: str, equinox: float) -> None:
    epoch = f"{'J' if frame == 'FK5' else 'B'}{equinox}"
    expected = SkyCoord(71.38, 44.92, unit="deg", frame=frame.lower(), equinox=epoch).icrs
    found = SkyCoord(*to_icrs((71.38, 44.92), frame, equinox), unit="deg")
    assert found.separation(expected).arcsec < (0.1 if frame == "FK5" else 1.0)


def test_a_frame_that_is_not_known_gives_no_position() -> None:
    assert to_icrs((1.0, 2.0), "GAPPT") is None


def test_separation_is_exact_near_and_across_the_meridian() -> None:
    assert separation((359.9999, 0.0), (0.0001, 0.0)) == pytest.approx(0.0002)
    assert separation((0.0, -90.0), (123.0, 90.0)) == pytest.approx(180.0)


def test_the_native_pole_is_the_reference_position() -> None:
    assert rotate(0.3, 1.5707963267948966, (150.0, 2.0), 3.0) == pytest.approx((150.0, 2.0))
