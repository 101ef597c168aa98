"""Generated headers, whatever their axes, frame, projection and unit: where STOA puts them is where astropy does.

STOA_HEADERS sets how many there are (100).
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import coordinates, units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS, WCSSUB_LATITUDE, WCSSUB_LONGITUDE
from finder_truth import shipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoa.meta.build import build

EXAMPLES = int(os.environ.get("STOA_HEADERS", "100"))
SHAPE = {"lon": 9, "lat": 7, "spectral": 3, "stokes": 1}
REST_HZ = 2.3e11
LIGHT = 299792458.0
POWERS = {"plain": 0, "arcsec": 3600.0, "arcmin": 60.0, "deg": 1.0, "rad": np.pi / 180, "mas": 3.6e6}

FRAMES = {  # how it is written -> (CTYPE of longitude and latitude, frame of astropy)
    ("RADESYS", "ICRS"): ("RA", "DEC", coordinates.ICRS()),
    ("RADESYS", "J2000"): ("RA", "DEC", coordinates.FK5()),
    ("RADESYS", "FK5"): ("RA", "DEC", coordinates.FK5()),
    ("RADECSYS", "fk5"): ("RA", "DEC", coordinates.FK5()),
    ("EQUINOX", 2000.0): ("RA", "DEC", coordinates.FK5()),
    ("EQUINOX", 1975.0): ("RA", "DEC", coordinates.FK4(equinox="B1975")),
    ("EPOCH", 1950.0): ("RA", "DEC", coordinates.FK4()),
    ("EQUINOX", "J2015.5"): ("RA", "DEC", coordinates.FK5(equinox="J2015.5")),
    ("RADESYS", "B1950"): ("RA", "DEC", coordinates.FK4()),
    ("OBJECT", "none"): ("GLON", "GLAT", coordinates.Galactic()),
    ("OBSERVER", "none"): ("SLON", "SLAT", coordinates.Supergalactic()),
}
PROJECTIONS = ("SIN", "TAN", "ARC", "ZEA", "STG", "SFL", "GLS", "CAR", "NCP", "AIT", "MER")


def relativistic(beta: float) -> float:
    return REST_HZ * np.sqrt((1 - beta) / (1 + beta))


SPECTRA = {  # CTYPE, CUNIT -> (value of the reference pixel, step, frequency of a value in Hz)
    ("FREQ", "Hz"): (2.3e11, 1e7, lambda v: v),
    ("FREQ", "GHz"): (230.0, 0.01, lambda v: v * 1e9),
    ("FREQ", ""): (2.3e11, -1e7, lambda v: v),
    ("VRAD", "m/s"): (3e7, 1e4, lambda v: REST_HZ * (1 - v / LIGHT)),
    ("VRAD", "km s-1"): (-3e3, 10.0, lambda v: REST_HZ * (1 - 1e3 * v / LIGHT)),
    ("VOPT", "km/s"): (3e4, 10.0, lambda v: REST_HZ / (1 + 1e3 * v / LIGHT)),
    ("VELO", "m/s"): (3e7, 1e4, lambda v: relativistic(v / LIGHT)),
    ("BETA", ""): (0.1, 1e-4, relativistic),
    ("ZOPT", ""): (2.0, 1e-3, lambda v: REST_HZ / (1 + v)),
    ("WAVE", "mm"): (1.3, 1e-4, lambda v: LIGHT / (v * 1e-3)),
    ("WAVN", "1/m"): (700.0, 0.1, lambda v: LIGHT * v),
}


@st.composite
def headers(draw: st.DrawFn) -> tuple[fits.Header, dict[str, Any]]:
    """A header, and what it was made from."""
    order = draw(st.permutations(["lon", "lat", "spectral", "stokes"]))
    written = draw(st.sampled_from(sorted(FRAMES, key=str)))
    lon, lat, frame = FRAMES[written]
    kind = draw(st.sampled_from(PROJECTIONS))
    spectrum = draw(st.sampled_from(sorted(SPECTRA)))
    unit = draw(st.sampled_from(["deg", "arcsec", "rad", ""]))
    scale = POWERS[unit or "deg"]
    pole = kind in ("CAR", "AIT", "MER", "NCP")
    place = draw(st.floats(0, 359.9)), draw(st.floats(*((5, 80) if pole else (-89.9, 90.0))))
    cell = draw(st.floats(1e-5, 3e-3))  # neither far less nor far more than the beam
    where = draw(st.floats(-20, 20)), draw(st.floats(-20, 20))
    value, step, hz = SPECTRA[spectrum]
    axes = {
        "lon": (f"{lon}{'-' * (5 - len(lon))}{kind}"[:8], place[0] * scale, -cell * scale, where[0], unit),
        "lat": (f"{lat}{'-' * (5 - len(lat))}{kind}"[:8], place[1] * scale, cell * scale, where[1], unit),
        "spectral": (spectrum[0], value, step, 2.0, spectrum[1]),
        "stokes": ("STOKES", 1.0, 1.0, 1.0, ""),
    }
    axes["lon"] = (f"{lon:-<4}-{kind}", *axes["lon"][1:])
    axes["lat"] = (f"{lat:-<4}-{kind}", *axes["lat"][1:])
    header = fits.Header()
    for axis, name in enumerate(order, 1):
        for stem, card in zip(("CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT"), axes[name], strict=True):
            header[f"{stem}{axis}"] = card
    numbers = {name: order.index(name) + 1 for name in order}
    _turn(header, numbers, draw(st.sampled_from(["", "PC", "CROTA", "CD"])), draw(st.floats(-180, 180)))
    header["RESTFRQ"] = REST_HZ
    header[written[0]] = written[1]
    header.update({"BUNIT": "Jy/beam", "TELESCOP": "ALMA"})
    return header, {"order": order, "frame": frame, "numbers": numbers, "hz": hz(value)}


def _turn(header: fits.Header, numbers: dict[str, int], how: str, angle: float) -> None:
    """Turn the celestial axes."""
    lon, lat = numbers["lon"], numbers["lat"]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    terms = {(lon, lon): cos, (lon, lat): -sin, (lat, lon): sin, (lat, lat): cos}
    if how == "CROTA":
        header[f"CROTA{lat}"] = angle
    elif how:
        for (i, j), term in terms.items():
            header[f"{how}{i}_{j}"] = float(term * (header[f"CDELT{i}"] if how == "CD" else 1))
    if how == "CD":
        for axis in (1, 2, 3, 4):
            if axis not in (lon, lat):
                header[f"CD{axis}_{axis}"] = header[f"CDELT{axis}"]
            del header[f"CDELT{axis}"]


def truth(header: fits.Header, made: dict[str, Any]) -> SkyCoord:
    """Centre and corners by astropy."""
    plain = header.copy()
    for keyword in ("RADESYS", "RADECSYS", "EQUINOX", "EPOCH"):
        plain.remove(keyword, ignore_missing=True)
    wcs = WCS(plain).sub([WCSSUB_LONGITUDE, WCSSUB_LATITUDE])
    wide, high = SHAPE["lon"], SHAPE["lat"]
    pixels = [((wide + 1) / 2, (high + 1) / 2), (1, 1), (1, high), (wide, high), (wide, 1)]
    lon, lat = wcs.all_pix2world(pixels, 1).T
    return SkyCoord(lon, lat, unit="deg", frame=made["frame"]).icrs


def write(folder: Path, header: fits.Header, made: dict[str, Any], form: str, beam: str) -> Path:
    """The image in one of its forms: primary, in an extension, packed by tiles, or gzipped."""
    data = np.ones([SHAPE[name] for name in reversed(made["order"])], dtype=np.float32)
    header = header.copy()
    hdus = [fits.PrimaryHDU(data, header)]
    if form in ("extension", "tiles"):
        image = fits.ImageHDU(data, header) if form == "extension" else fits.CompImageHDU(data, header)
        hdus = [fits.PrimaryHDU(), image]
    if beam:
        columns = [
            fits.Column("BMAJ", "1D", beam, array=np.array([2.0, 3.0, 1.0]) / 3600 * POWERS[beam]),
            fits.Column("BMIN", "1D", beam, array=np.array([1.0, 1.5, 0.5]) / 3600 * POWERS[beam]),
            fits.Column("BPA", "1D", "deg", array=np.array([89.0, -89.0, -88.0])),
        ]
        hdus.append(fits.BinTableHDU.from_columns(columns, name="BEAMS"))
    else:
        hdus[-1].header.update({"BMAJ": 2 / 3600, "BMIN": 1 / 3600, "BPA": 89.0})
    path = folder / ("x.image.fits.gz" if form == "gzip" else "x.image.fits")
    fits.HDUList(hdus).writeto(path)
    return path


forms = st.sampled_from(["primary", "extension", "tiles", "gzip"])
beams = st.sampled_from(["", "arcsec", "deg", "mas", "arcmin", "rad"])


@pytest.mark.timeout(600 + EXAMPLES)  # thousands take longer than other tests
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=headers(), form=forms, beam=beams)
def test_document_and_finder_agree_with_astropy(made: tuple[fits.Header, dict[str, Any]], form: str, beam: str) -> None:
    header, facts = made
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), shipped("fitsimage") as fitsimage:
        warnings.simplefilter("ignore")
        expected = truth(header, facts)
        path = write(Path(name), header, facts, form, beam)
        (file,) = build(Path(name)).groups[0].files
        derived = file.derived
        with fitsimage.read_image(path) as image:
            plane = image.plane(1)
            ra, dec = image.sky(*np.array([[4, 0, 0, 8, 8], [3, 0, 6, 6, 0]], dtype=float))
    if np.isnan(expected.ra.deg[0]):
        assert "no_position" in derived
        return
    texts = [derived["ra_deg"], derived["dec_deg"], *derived.get("footprint", "").split()]
    ours = SkyCoord(*(np.array(texts, dtype=float).reshape(-1, 2).T), unit="deg")
    assert ours.separation(expected[: len(ours)]).arcsec.max() < 1e-3
    assert SkyCoord(ra, dec, unit="deg").separation(expected).arcsec[~np.isnan(ra)].max() < 1e-6
    assert float(derived["freq_ghz"]) * 1e9 == pytest.approx(facts["hz"], abs=600)
    assert image.freq_hz == pytest.approx(facts["hz"], rel=1e-9)
    assert float(derived["beam_major_arcsec"]) == pytest.approx(2.0, rel=1e-5)
    assert float(derived["beam_pa_deg"]) == pytest.approx(89.0)
    assert (image.beam.major * 3600, image.beam.minor * 3600, image.beam.pa) == pytest.approx((2.0, 1.0, 89.0))
    assert plane.shape == (SHAPE["lat"], SHAPE["lon"])
    assert (plane == 1).all()
    assert units.Unit(image.unit) == units.Jy / units.beam
