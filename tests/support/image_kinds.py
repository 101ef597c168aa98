"""Images of every kind with one source, and what is true of it, worked out by astropy or in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import constants, units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

PIXEL_DEG = 0.1 / 3600
FWHM_PIX = 5.0
BEAM_ARCSEC = FWHM_PIX * PIXEL_DEG * 3600
RMS_JY = 1e-3
SIDE = 96
X, Y, PEAK = 60, 41, 0.1  # the source: pixels from 0, Jy/beam before the correction for the primary beam

Change = Callable[[fits.HDUList], "fits.HDUList | None"]


def gaussian(shape: tuple[int, ...], x: float, y: float, peak: float, fwhm: float) -> np.ndarray:
    py, px = np.indices(shape)
    return peak * np.exp(-4 * np.log(2) * ((px - x) ** 2 + (py - y) ** 2) / fwhm**2)


def noise(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    """Noise of RMS_JY, correlated like the beam, in which no peak of 4 sigma stands."""
    white = np.random.default_rng(seed).normal(size=shape)
    kernel = gaussian(shape, shape[1] // 2, shape[0] // 2, 1.0, FWHM_PIX / np.sqrt(2))
    smooth = np.fft.irfft2(np.fft.rfft2(white) * np.fft.rfft2(np.fft.ifftshift(kernel)), s=shape)
    return np.clip(smooth / smooth.std(), -3.5, 3.5) * RMS_JY


def header(nx: int, ny: int) -> dict[str, Any]:
    axes = [("RA---SIN", 150.0, -PIXEL_DEG), ("DEC--SIN", 2.0, PIXEL_DEG), ("FREQ", 1.0e11, 2e9), ("STOKES", 1.0, 1.0)]
    cards: dict[str, Any] = {"BUNIT": "Jy/beam", "RADESYS": "ICRS", "BPA": 0.0, "TELESCOP": "ALMA"}
    cards |= dict.fromkeys(("BMAJ", "BMIN"), FWHM_PIX * PIXEL_DEG)
    for number, (kind, value, step) in enumerate(axes, 1):
        pixel = {1: nx // 2 + 1.0, 2: ny // 2 + 1.0}.get(number, 1.0)
        cards |= {f"CTYPE{number}": kind, f"CRVAL{number}": value, f"CDELT{number}": step, f"CRPIX{number}": pixel}
    return cards


def write_image(
    path: Path,
    sources: Sequence[tuple[float, float, float]],
    *,
    widths: Sequence[float] = (),
    shape: tuple[int, ...] = (1, 1, SIDE, SIDE),
    cards: Mapping[str, Any] | None = None,
) -> Path:
    """An image with sources at (x, y, peak); a width counts in beams, a card of None is left out."""
    sky = noise(shape[-2:])
    for number, (x, y, peak) in enumerate(sources):
        sky += gaussian(shape[-2:], x, y, peak, FWHM_PIX * (widths[number] if widths else 1.0))
    hdu = fits.PrimaryHDU(np.broadcast_to(sky, shape).astype(np.float32))
    for key, value in (header(shape[-1], shape[-2]) | dict(cards or {})).items():
        if value is not None:
            hdu.header[key] = value
    hdu.writeto(path, overwrite=True)
    return path


@dataclass(frozen=True)
class Kind:
    """How an image differs from the plain one, and what is true of its source; `frame` is that of its header."""

    cards: Mapping[str, Any] = field(default_factory=dict)
    change: Change = lambda hdus: None
    gain: np.ndarray | None = None  # of a primary beam beside it
    gain_at: float | None = None  # at the source, where it is known
    name: str = "J0000.image.fits"
    parameters: Mapping[str, str] = field(default_factory=dict)
    frame: str = "icrs"
    standard: Mapping[str, Any] = field(default_factory=dict)  # cards as astropy reads them
    freq_ghz: float = 100.0
    beam_arcsec: tuple[float, float] = (BEAM_ARCSEC, BEAM_ARCSEC)
    turned: bool = False  # latitude first
    role: str = ""  # that only a rule of the project can give
    cause: str = ""  # of the failure, where there is one

    def write(self, folder: Path) -> Path:
        """The image, and its primary beam where it has one, in a folder."""
        path = write_image(folder / self.name, [(X, Y, PEAK)], cards=self.cards)
        with fits.open(path, memmap=False) as hdus:
            (self.change(hdus) or hdus).writeto(path, overwrite=True, output_verify="ignore")
        if self.gain is not None:
            fits.PrimaryHDU(self.gain[None, None].astype(np.float32), fits.getheader(path)).writeto(self.beam(folder))
        return path

    def beam(self, folder: Path) -> Path:
        """The primary beam beside the image."""
        return folder / (self.name.removesuffix(".fits").removesuffix(".image").removesuffix(".final") + ".pb.fits")

    @property
    def place(self) -> SkyCoord:
        """Where astropy has the source, in ICRS; from the header with longitude first and the standard's words."""
        own = {key: value for key, value in self.cards.items() if key.endswith(("1", "2")) or key == "RADESYS"}
        lon, lat = WCS(fits.Header(header(SIDE, SIDE) | own | self.standard)).celestial.wcs_pix2world([[X, Y]], 0)[0]
        return SkyCoord(lon, lat, unit="deg", frame=self.frame).icrs

    def check(self, rows: Any) -> None:
        """One row, with the source as it was made."""
        assert len(rows) == 1
        row, scale = rows[0], abs(self.cards.get("CDELT1", PIXEL_DEG)) / PIXEL_DEG  # errors are shares of the beam
        found = SkyCoord(row["ra_deg"], row["dec_deg"], unit="deg")
        assert found.separation(self.place).arcsec < 0.03 * scale
        assert (row["x"] - 1, row["y"] - 1) == pytest.approx((Y, X) if self.turned else (X, Y), abs=0.3)
        assert row["peak_flux"] * row["gain"] == pytest.approx(PEAK, rel=0.05)
        assert row["freq_ghz"] == pytest.approx(self.freq_ghz, rel=1e-6)
        assert row["beam_major_arcsec"] == pytest.approx(self.beam_arcsec[0] * scale, rel=1e-3)
        assert row["beam_minor_arcsec"] == pytest.approx(self.beam_arcsec[1] * scale, rel=1e-3)
        if self.gain_at is not None:
            assert row["gain"] == pytest.approx(self.gain_at, rel=0.02)


_OMEGA = np.pi / (4 * np.log(2)) * np.radians(BEAM_ARCSEC / 3600) ** 2
_KELVIN = (1 * units.Jy * (constants.c / (1e11 * units.Hz)) ** 2 / (2 * constants.k_B * _OMEGA)).to_value(units.K)
_UNITS = {
    "mJy/beam": 1e3, "MJy/sr": 1e-6 / _OMEGA, "Jy/pixel": 1 / (np.pi / (4 * np.log(2)) * FWHM_PIX**2), "K": _KELVIN,
}  # fmt: skip
"""Jy/beam in each; temperatures are those of Rayleigh and Jeans, T = S lambda^2 / (2 k Omega)."""
_SAME_UNITS = {
    "Jy/beam": 1.0, "JY/BEAM": 1.0, "beam-1 Jy": 1.0, "Jy / beam": 1.0, "Jy beam^-1": 1.0, "Jy.beam**(-1)": 1.0,
    "mJy beam-1": 1e3, "uJy/beam": 1e6,
}  # fmt: skip
_LONG_BEAM = {"BPA": 20.0, "BMIN": 0.4 / 3600}
_BEAM_CARDS = dict.fromkeys(("BMAJ", "BMIN", "BPA"))


def _times(factor: float) -> Change:
    def change(hdus: fits.HDUList) -> None:
        hdus[0].data = (hdus[0].data * factor).astype("f4")

    return change


def _axes(*turn: int) -> Change:
    """The axes in another order; each axis but the first two has one plane."""

    def change(hdus: fits.HDUList) -> None:
        cards, before = hdus[0].header, hdus[0].header.copy()
        shape = [1, 1, 1, 1]
        for new, old in enumerate(turn):
            shape[3 - new] = before[f"NAXIS{old + 1}"]
            for stem in ("CTYPE", "CRVAL", "CDELT", "CRPIX"):
                cards[f"{stem}{new + 1}"] = before[f"{stem}{old + 1}"]
        hdus[0].data = hdus[0].data.reshape(shape)

    return change


def _latitude_first(hdus: fits.HDUList) -> None:
    cards = hdus[0].header
    hdus[0].data = hdus[0].data.transpose(0, 1, 3, 2).copy()
    for stem in ("CTYPE", "CRVAL", "CDELT", "CRPIX"):
        cards[f"{stem}1"], cards[f"{stem}2"] = cards[f"{stem}2"], cards[f"{stem}1"]


def _in_extension(kind: type) -> Change:
    return lambda hdus: fits.HDUList([fits.PrimaryHDU(), kind(hdus[0].data, hdus[0].header)])


def beams_table(unit: str | None, major: Sequence[float], minor: Sequence[float], pa: Sequence[float]) -> Change:
    """A table BEAMS in place of the beam's cards, a channel for each beam."""

    def change(hdus: fits.HDUList) -> fits.HDUList:
        hdus[0].data = np.repeat(hdus[0].data, len(major), axis=1)
        columns = [fits.Column(n, "1D", unit, array=np.array(v)) for n, v in (("BMAJ", major), ("BMIN", minor))]
        columns.append(fits.Column("BPA", "1D", "deg", array=np.array(pa)))
        return fits.HDUList([hdus[0], fits.BinTableHDU.from_columns(columns, name="BEAMS")])

    return change


def _clean_history(hdus: fits.HDUList) -> None:
    hdus[0].header["HISTORY"] = "AIPS   CLEAN BMAJ=  2.7778E-04 BMIN=  2.7778E-04 BPA=   0.00"
    hdus[0].header["HISTORY"] = "AIPS   CLEAN BMAJ=  1.3889E-04 BMIN=  1.3889E-04 BPA=   0.00"


def _outside(value: float) -> Change:
    def change(hdus: fits.HDUList) -> None:
        y, x = np.indices(hdus[0].data.shape[-2:])
        hdus[0].data[..., np.hypot(x - 48, y - 48) > 36] = value

    return change


def _frequency_without_pixels(hdus: fits.HDUList) -> None:
    hdus[0].data = hdus[0].data[0, 0]
    hdus[0].header.update({"WCSAXES": 4, "CTYPE3": "FREQ", "CRVAL3": 1e11, "CDELT3": 2e9, "CRPIX3": 1.0})


FALLING = np.pad(np.tile(np.linspace(1.0, 0.5, X + 1), (SIDE, 1)), ((0, 0), (0, SIDE - 1 - X)), constant_values=0.5)
"""Gain that falls along longitude to 0.5 at the source."""


def _corrected(hdus: fits.HDUList) -> None:
    hdus[0].data = (hdus[0].data / FALLING).astype("f4")


def _dish(diameter: float, cards: Mapping[str, Any], **parameters: str) -> Kind:
    """Pixels of 1.5 arcsec: the gain is that of a Gaussian of FWHM 1.13 lambda / D at 100 GHz."""
    wide = {"CDELT1": -1.5 / 3600, "CDELT2": 1.5 / 3600, "BMAJ": 7.5 / 3600, "BMIN": 7.5 / 3600}
    fwhm = np.degrees(1.13 * constants.c.value / 1e11 / diameter) * 3600
    gain = float(np.exp(-4 * np.log(2) * (1.5 * np.hypot(X - 48, Y - 48) / fwhm) ** 2))
    return Kind(wide | cards, gain_at=gain, parameters={"min_gain": "0.1", **parameters})


def _beams(unit: str | None, per_arcsec: float) -> Kind:
    width = [BEAM_ARCSEC * per_arcsec]
    return Kind(_BEAM_CARDS, beams_table(unit, width, width, [0.0]))


KINDS: dict[str, Kind] = {
    "plain": Kind(),
    "stokes first": Kind(change=_axes(3, 0, 1, 2)),
    "frequency first": Kind(change=_axes(2, 0, 1, 3)),
    "frequency between": Kind(change=_axes(0, 2, 1, 3)),
    "latitude first": Kind(
        _LONG_BEAM, _latitude_first, parameters={"latitude_first": "search"}, turned=True, beam_arcsec=(0.5, 0.4)
    ),
    "latitude first, with a primary beam": Kind(
        _LONG_BEAM,
        _latitude_first,
        gain=FALLING.T,
        gain_at=0.5,
        turned=True,
        beam_arcsec=(0.5, 0.4),
        parameters={"latitude_first": "search"},
    ),
    "in an extension": Kind(change=_in_extension(fits.ImageHDU)),
    "in tiles": Kind(change=_in_extension(fits.CompImageHDU)),
    "fpacked": Kind(change=_in_extension(fits.CompImageHDU), name="J0000.image.fits.fz"),
    **{f"in {unit}": Kind({"BUNIT": unit}, _times(factor)) for unit, factor in _UNITS.items()},
    "unit given": Kind({"BUNIT": None}, parameters={"unit": "Jy/beam"}),
    "galactic": Kind({"CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN"}, frame="galactic"),
    "FK4": Kind({"RADESYS": "FK4"}, frame="fk4"),
    "FK5": Kind({"RADESYS": "FK5"}, frame="fk5"),
    "RADESYS is J2000": Kind({"RADESYS": "J2000"}, frame="fk5", standard={"RADESYS": "FK5"}),
    "BEAMS in deg": _beams("deg", 1 / 3600),
    "BEAMS without a unit": _beams(None, 1.0),
    "beam angles on both sides of 90 degrees": Kind(
        _BEAM_CARDS,
        beams_table("arcsec", [0.51, 0.5, 0.52], [0.49, 0.48, 0.5], [89.0, -89.5, -88.0]),
        freq_ghz=102.0,
        beam_arcsec=(0.51, 0.49),
    ),
    "beam in the history": Kind(_BEAM_CARDS, _clean_history),
    "corrected by its role": Kind(
        change=_corrected, gain=FALLING, gain_at=0.5, name="J0000.final.fits", role="correctedImage"
    ),
    "uncorrected, with a primary beam": Kind(gain=FALLING, gain_at=0.5),
    "12 m": _dish(12.0, {}),
    "7 m by INSTRUME": _dish(7.0, {"INSTRUME": "ACA"}),
    "7 m by TELESCOP": _dish(7.0, {"TELESCOP": "ACA"}),
    "dish given": _dish(25.0, {"TELESCOP": "VLA"}, dish_m="25"),
    "another telescope": Kind({"TELESCOP": "VLA"}, gain_at=1.0, parameters={"image_is": "flat"}),
    "zeros outside": Kind(change=_outside(0.0)),
    "NaN outside": Kind(change=_outside(np.nan)),
    "WCSAXES above NAXIS": Kind(change=_frequency_without_pixels),
    "frequency in GHz": Kind({"CTYPE3": "FREQ", "CUNIT3": "GHz", "CRVAL3": 100.0, "CDELT3": 2.0}),
    "radio velocity": Kind(
        {"CTYPE3": "VRAD", "CUNIT3": "km s-1", "CRVAL3": 29979.2458, "CDELT3": 10.0, "RESTFRQ": 1e11}, freq_ghz=90.0
    ),
    "optical velocity": Kind(
        {"CTYPE3": "VOPT", "CUNIT3": "km/s", "CRVAL3": 299792.458, "CDELT3": 10.0, "RESTFRQ": 1e11}, freq_ghz=50.0
    ),
    "velocity of AIPS": Kind(
        {"CTYPE3": "VELO-LSR", "CRVAL3": 29979245.8, "CDELT3": 1e4, "RESTFREQ": 1e11, "VELREF": 257}, freq_ghz=90.0
    ),
    "no unit": Kind({"BUNIT": None}, cause="no unit: the header has no BUNIT"),
    "VLA without a dish": Kind({"TELESCOP": "VLA"}, cause="TELESCOP is 'VLA'"),
    "no BMIN": Kind({"BMIN": None}, cause="no beam: the header has no BMIN"),
    "no BPA": Kind({"BMIN": 1e-4, "BPA": None}, cause="no beam: the header has no BPA"),
    "BMAJ in words": Kind({"BMAJ": "wide"}, cause="no beam: BMAJ is 'wide', which is not a number"),
    "a negative beam": Kind({"BMAJ": -1.0, "BMIN": -1.0}, cause="no beam: BMAJ and BMIN are -1 and -1"),
    "a beam of zero": Kind({"BMAJ": 0.0, "BMIN": 0.0}, cause="no beam: BMAJ and BMIN are 0 and 0"),
    "a beam as wide as the sky": Kind(
        {"BMAJ": 0.5, "BMIN": 0.5}, cause="no beam: its width is 1800 arcsec, and the image is 9.6 arcsec wide"
    ),
    "a beam far below a pixel": Kind(
        {"BMAJ": 1e-6, "BMIN": 1e-6}, cause="no beam: its width is 0.0036 arcsec, and a pixel is 0.1 arcsec wide"
    ),
    "a beam below a pixel": Kind(
        {"BMAJ": 0.02 / 3600, "BMIN": 0.02 / 3600},
        cause="the beam is narrower than a pixel: 0.02 arcsec, a pixel has 0.1",
    ),
    "all NaN": Kind(change=lambda hdus: hdus[0].data.fill(np.nan), cause="all pixels are NaN"),
}

SPELLINGS: dict[str, Kind] = {
    **{f"in {unit}": Kind({"BUNIT": unit}, _times(factor)) for unit, factor in _SAME_UNITS.items()},
    "BEAMS in arcsec": _beams("arcsec", 1.0),
    "BEAMS in mas": _beams("mas", 1e3),
}
"""Other words for the same: they are read by what all finders share."""
