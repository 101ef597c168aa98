"""What follows from a header."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest
from astropy.coordinates import SkyCoord

from stoa.meta.beams import Beam
from stoa.meta.facts import facts, half_width_arcsec

IMAGE_TEXTS = {
    "NAXIS1": "5", "NAXIS2": "5", "NAXIS3": "1", "BMAJ": "0.001", "BMIN": "0.0005", "BPA": "10.0", "RADESYS": "ICRS",
    "CTYPE1": "RA---SIN", "CRVAL1": "150.0", "CDELT1": "-0.0001", "CRPIX1": "3.0", "CUNIT1": "deg",
    "CTYPE2": "DEC--SIN", "CRVAL2": "2.0", "CDELT2": "0.0001", "CRPIX2": "3.0", "CUNIT2": "deg",
    "CTYPE3": "FREQ", "CRVAL3": "1.0E+11", "CDELT3": "2.0E+09", "CRPIX3": "1.0", "CUNIT3": "Hz", "TELESCOP": "ALMA",
}  # fmt: skip


def found(
    plane_beam: Beam | None = None, history: Callable[[], tuple[str, ...]] = tuple, **changes: str
) -> dict[str, str]:
    texts = {**IMAGE_TEXTS, **{keyword.replace("_", "-"): text for keyword, text in changes.items()}}
    return facts(defaultdict(str, texts), plane_beam, history)


def test_the_centre_is_that_of_the_pixels() -> None:
    assert {k: found()[k] for k in ("frame", "ra_deg", "dec_deg", "pixel_arcsec")} == {
        "frame": "ICRS", "ra_deg": "150.0000000", "dec_deg": "2.0000000", "pixel_arcsec": "0.36",
    }  # fmt: skip


def test_a_reference_pixel_off_the_image_does_not_move_it() -> None:
    moved = found(CRPIX1="13.0", CRPIX2="3.0", CRVAL1="149.99899939", CRVAL2="2.0")
    assert float(moved["ra_deg"]) == pytest.approx(150.0, abs=1e-6)


@pytest.mark.parametrize("changes", [{"BMAJ": "1E306"}, {"BMIN": "1E999"}, {"BMAJ": "361"}])
def test_a_beam_wider_than_the_sky_is_none(changes: dict[str, str]) -> None:
    assert not [key for key in found(**changes) if key.startswith("beam")]


@pytest.mark.parametrize(
    ("width", "why"),
    [
        ("0.5", "the beam is 1800 arcsec wide, far more than the image"),
        ("0.000001", "the beam is 0.0036 arcsec wide, far less than a pixel"),
    ],
)
def test_a_beam_in_another_unit_than_degrees_is_none(width: str, why: str) -> None:
    derived = found(BMAJ=width, BMIN=width)
    assert derived["no_beam"] == why
    assert "beam_major_arcsec" not in derived


@pytest.mark.parametrize("changes", [{"CRVAL3": "1E300"}, {"CDELT3": "1E308"}, {"CDELT1": "1E307", "CDELT2": "1E307"}])
def test_no_derived_value_is_infinite(changes: dict[str, str]) -> None:
    assert not {"inf", "-inf", "nan"} & set(" ".join(found(**changes).values()).split())


def test_the_radius_reaches_the_corner_pixels() -> None:
    assert float(found()["radius_deg"]) == pytest.approx(2 * 2**0.5 * 1e-4, rel=1e-4)
    assert len(found()["footprint"].split()) == 8


def test_a_right_ascension_that_rounds_to_a_full_turn_is_zero() -> None:
    assert found(CRVAL1="359.99999999", CRVAL2="0.0")["ra_deg"] == "0.0000000"
    corners = found(CRVAL1="0.0001999999", CRVAL2="0.0")["footprint"].split()[::2]
    assert corners == ["0.0004000", "0.0004000", "0.0000000", "0.0000000"]


@pytest.mark.parametrize(
    ("changes", "frame"),
    [
        ({}, "ICRS"),
        ({"RADESYS": ""}, "ICRS"),
        ({"RADESYS": "", "EQUINOX": "2000.0"}, "FK5"),
        ({"RADESYS": "", "EQUINOX": "1950.0"}, "FK4"),
        ({"RADESYS": "", "EPOCH": "2000.0"}, "FK5"),
        ({"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR"}, "galactic"),
    ],
)
def test_the_frame_is_told_by_the_standard(changes: dict[str, str], frame: str) -> None:
    assert found(**changes)["frame"] == frame


def test_the_equinox_of_the_header_counts() -> None:
    dated = found(RADESYS="", EQUINOX="1979.9", CRVAL1="71.38", CRVAL2="44.92")
    assert dated["frame"] == "FK4"
    place = SkyCoord(71.38, 44.92, unit="deg", frame="fk4", equinox="B1979.9").icrs
    assert float(dated["ra_deg"]) == pytest.approx(place.ra.deg, abs=1e-7)
    assert float(dated["dec_deg"]) == pytest.approx(place.dec.deg, abs=1e-7)
    assert found(RADESYS="FK5", EQUINOX="-1.0")["no_position"] == "EQUINOX is '-1.0', which is not a year"


def test_frequency_band_and_bandwidth_come_from_the_axis() -> None:
    names = ("freq_ghz", "bandwidth_ghz", "channels", "band", "stokes")
    assert [found().get(name) for name in names] == ["100.000000", "2", "1", "3", None]


def test_the_middle_of_a_cube_is_its_frequency() -> None:
    cube = found(NAXIS3="11", CDELT3="1.0E+08", CRPIX3="1.0")
    assert (cube["freq_ghz"], cube["bandwidth_ghz"], cube["channels"]) == ("100.500000", "1.1", "11")


def test_radio_velocities_are_turned_into_frequencies() -> None:
    line = found(CTYPE3="VRAD", CRVAL3="2.99792458E+06", CDELT3="1000.0", CUNIT3="m/s", RESTFRQ="1.0E+11")
    assert line["freq_ghz"] == "99.000000"


def test_optical_velocities_are_turned_into_frequencies() -> None:
    line = found(CTYPE3="VOPT", CRVAL3="299792.458", CDELT3="1.0", CUNIT3="km/s", RESTFRQ="1.0E+11")
    assert line["freq_ghz"] == "50.000000"


def test_without_an_axis_the_rest_frequency_stands_in_and_says_so() -> None:
    flat = found(CTYPE3="", NAXIS3="", RESTFRQ="1.1E+11")
    assert (flat["freq_ghz"], flat["freq_origin"]) == ("110.000000", "RESTFRQ")
    assert "bandwidth_ghz" not in flat


def test_four_planes_of_polarization_are_named() -> None:
    assert found(CTYPE4="STOKES", CRVAL4="1.0", CDELT4="1.0", CRPIX4="1.0", NAXIS4="4")["stokes"] == "IQUV"


def test_the_primary_beam_of_a_12_m_dish_at_100_ghz() -> None:
    assert half_width_arcsec(100, 12) == pytest.approx(29.1147, abs=0.0001)
    assert found()["pb_hwhm_arcsec"] == "29.1147"
    assert found()["pb_hwhm_origin"] == "1.13 lambda / 12 m"


def test_of_another_telescope_neither_band_nor_dish_is_guessed() -> None:
    other = found(TELESCOP="EVLA")
    assert "band" not in other
    assert "pb_hwhm_arcsec" not in other


def test_the_beam_of_the_header_is_given_in_arcsec() -> None:
    beam = found()
    names = ("beam_major_arcsec", "beam_minor_arcsec", "beam_pa_deg", "beam_origin")
    assert [beam[name] for name in names] == ["3.6", "1.8", "10", "header"]


def test_the_beam_of_the_planes_stands_in() -> None:
    beam = found(Beam(2.0, 1.0, 30.0, planes=8), BMAJ="", BMIN="", BPA="")
    assert (beam["beam_major_arcsec"], beam["beam_origin"]) == ("2", "BEAMS table, median of 8 planes")


def test_the_beam_in_the_history_stands_in() -> None:
    lines = ("imported", "AIPS   CLEAN BMAJ=  1.0000E-03 BMIN=  5.0000E-04 BPA=  45.00")
    beam = found(None, lambda: lines, BMAJ="", BMIN="", BPA="")
    assert (beam["beam_major_arcsec"], beam["beam_pa_deg"], beam["beam_origin"]) == ("3.6", "45", "HISTORY, CLEAN")


@pytest.mark.parametrize("text", ["", "0.0", "-1.0", "nan", "'unknown'"])
def test_a_beam_without_a_size_is_none(text: str) -> None:
    assert "beam_major_arcsec" not in found(BMAJ=text)


def test_nothing_follows_from_nothing() -> None:
    assert facts(defaultdict(str)) == {}
