"""What a script is told of its input files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from stoa.meta.build import build
from stoa.meta.input_facts import facts_of_input


def told(folder: Path, name: str) -> dict:
    return facts_of_input(build(folder), name, folder / name)


def test_a_plain_image_is_told_whole(image, tmp_path: Path) -> None:
    image("x.image.pbcor.fits")
    assert told(tmp_path, "x.image.pbcor.fits") == {
        "role": "correctedImage", "kind": "cont", "intent": "science", "hdu": 0,
        "axes": {"longitude": 1, "latitude": 2, "spectral": 3, "stokes": None},
        "ra_deg": 150.0, "dec_deg": 2.0, "radius_deg": pytest.approx(2.83e-4, rel=1e-2), "pixel_arcsec": 0.36,
        "frame": "ICRS", "equinox": None, "stokes": None, "unit": "Jy/beam",
        "spectral": {
            "quantity": "FREQ", "unit": "Hz", "channels": 1, "freq_hz": [99_000_000_000, 101_000_000_000],
            "rest_hz": 1.1e11, "origin": "axis 3",
        },
        "beam": {"major_arcsec": 3.6, "minor_arcsec": 1.8, "pa_deg": 10.0, "origin": "header"}, "beams": [],
        "primary_beam": {"half_width_arcsec": 29.1147, "dish_m": 12.0, "origin": "1.13 lambda / 12 m"},
        "object": "M83", "telescope": "ALMA", "date_obs": "2014-12-31T09:42:21.840000",
        "problems": [], "unclear": {},
    }  # fmt: skip


def test_a_velocity_axis_is_told_in_hertz(image, tmp_path: Path) -> None:
    velocity = {
        "CTYPE3": "'VRAD'",
        "CRVAL3": "3.0E+04",
        "CDELT3": "1.0E+02",
        "CUNIT3": "'km s-1'",
        "RESTFRQ": "2.3E+11",
    }
    image("x.image.fits", **velocity)
    spectral = told(tmp_path, "x.image.fits")["spectral"]
    assert (spectral["quantity"], spectral["unit"]) == ("VRAD", "km s-1")
    assert sum(spectral["freq_hz"]) / 2 == pytest.approx(2.3e11 * (1 - 3.0e4 / 299792.458), abs=1e3)


def test_the_beams_of_all_channels_are_told_in_their_order(tmp_path: Path) -> None:
    rows = {
        "BMAJ": [2.0, 1.0, 0.0],
        "BMIN": [1.0, 0.5, 0.0],
        "BPA": [0.1, 0.2, 0.0],
        "CHAN": [1, 0, 2],
        "POL": [0, 0, 0],
    }
    units = {"BMAJ": "arcsec", "BMIN": "arcsec", "BPA": "rad"}
    columns = [
        fits.Column(name, "1J" if name in ("CHAN", "POL") else "1E", units.get(name), array=np.array(values))
        for name, values in rows.items()
    ]
    table = fits.BinTableHDU.from_columns(columns, name="BEAMS")
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 2, 2), "f4")), table]).writeto(tmp_path / "x.image.fits")
    beams = told(tmp_path, "x.image.fits")["beams"]
    assert [beam and beam["major_arcsec"] for beam in beams] == [1.0, 2.0, None]
    assert beams[0]["pa_deg"] == pytest.approx(np.degrees(0.2), rel=1e-6)


def test_what_is_not_understood_is_told_in_words(image, tmp_path: Path) -> None:
    image("x.image.fits", RADESYS="'GAPPT'", BUNIT="'adu'", BPA=None)
    facts = told(tmp_path, "x.image.fits")
    assert facts["ra_deg"] is facts["beam"] is None
    assert set(facts["problems"]) == {"no-position", "odd-unit"}
    assert facts["unclear"] == {
        "no_position": "RADESYS is 'GAPPT', which is not a frame that is known", "no_unit": "'adu'",
        "no_beam": "there is no BPA",
    }  # fmt: skip


def test_a_file_that_is_no_fits_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("none", encoding="utf-8")
    assert told(tmp_path, "README") == {}
