"""A small archive of product folders with known point sources, laid out as ALMA's is."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

Defect = Literal["", "empty", "readme only", "truncated", "no beam", "no primary beam", "not FITS", "zero bytes", "NaN"]

PIXEL_DEG = 0.2 / 3600
BEAM_PIX = 5.0
SIGMA_PER_FWHM = 1 / 2.3548200450309493
RMS_JY = 1e-3
PEAK_JY = 0.05
HWHM_PIX = 40.0
"""Radius at which the primary beam has fallen to a half."""


@dataclass(frozen=True)
class Source:
    """A point source that is in an image.

    Parameters
    ----------
    x, y
        Zero-based pixel.
    ra_deg, dec_deg
        ICRS.
    flux_jy
        True flux, before the primary beam weakens it.
    """

    x: int
    y: int
    ra_deg: float
    dec_deg: float
    flux_jy: float


@dataclass(frozen=True)
class ProductFolder:
    """One folder of the archive; `path` is relative to the archive's top."""

    path: str
    object_name: str
    defect: Defect
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Archive:
    """The folders below `top`, in the order in which they were asked for."""

    top: Path
    folders: tuple[ProductFolder, ...] = field(default=())

    def folder(self, number: int) -> Path:
        return self.top / self.folders[number].path


def make_archive(top: Path, count: int, defects: Mapping[int, Defect] | None = None, *, size: int = 64) -> Archive:
    """Write `count` product folders, each with one image of two sources and its primary beam.

    Parameters
    ----------
    defects
        What is wrong with which folder, by number from 0.
    size
        Width and height of an image in pixels.
    """
    wrong = defects or {}
    return Archive(top, tuple(_make_folder(top, number, wrong.get(number, ""), size) for number in range(count)))


def product_path(number: int) -> str:
    """Path of a folder, as the ALMA archive names it."""
    uid = f"uid___A001_X{0x100 + number:x}"
    return f"2013.1.{number:05d}.S/science_goal.{uid}_X1/group.{uid}_X2/member.{uid}_X3/product"


def _make_folder(top: Path, number: int, defect: Defect, size: int) -> ProductFolder:
    path, name = product_path(number), f"J{number:04d}"
    folder = top / path
    folder.mkdir(parents=True)
    centre = (10.0 + number, -30.0)
    if defect == "empty":
        return ProductFolder(path, name, defect, ())
    if defect == "readme only":
        (folder / "README").write_text("QA2 passed; the images are delivered apart.\n", encoding="utf-8")
        return ProductFolder(path, name, defect, ())
    sources = tuple(_source(centre, size, *place) for place in ((size // 4, size // 3), (size // 2, size // 2)))
    gain = _gain(size)
    pixels = _pixels(sources, gain, np.random.default_rng(number))
    image = folder / f"{name}_sci.spw0.cont.I.pbcor.fits"
    _write(image, np.full_like(pixels, np.nan) if defect == "NaN" else pixels, _cards(name, centre, defect, size))
    if defect != "no primary beam":
        cards = _cards(name, centre, "no beam", size) | {"BUNIT": ""}
        _write(folder / f"{name}_sci.spw0.cont.I.pb.fits", gain, cards, pack=True)
    _spoil(image, defect)
    return ProductFolder(path, name, defect, sources)


def _source(centre: tuple[float, float], size: int, x: int, y: int) -> Source:
    """A source at a pixel; so near the centre that the tangent plane is flat to a thousandth of a pixel."""
    dec = centre[1] + (y - size // 2) * PIXEL_DEG
    ra = centre[0] - (x - size // 2) * PIXEL_DEG / float(np.cos(np.radians(dec)))
    return Source(x, y, ra, dec, PEAK_JY)


def _gain(size: int) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return np.exp2(-(x**2 + y**2) / HWHM_PIX**2).astype(np.float32)


def _pixels(sources: tuple[Source, ...], gain: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Sources and noise, both divided by the primary beam's gain, as a corrected image has them."""
    sigma = BEAM_PIX * SIGMA_PER_FWHM
    y, x = np.mgrid[: gain.shape[0], : gain.shape[1]]
    sky = sum(s.flux_jy * np.exp(-((x - s.x) ** 2 + (y - s.y) ** 2) / (2 * sigma**2)) for s in sources)
    return (sky + chance.normal(0, RMS_JY, gain.shape) / gain).astype(np.float32)


def _cards(name: str, centre: tuple[float, float], defect: Defect, size: int) -> dict[str, str | float]:
    axes = [("RA---SIN", centre[0], -PIXEL_DEG, "deg"), ("DEC--SIN", centre[1], PIXEL_DEG, "deg")]
    axes += [("FREQ", 1.0e11, 7.5e9, "Hz"), ("STOKES", 1.0, 1.0, "")]
    beam = BEAM_PIX * PIXEL_DEG
    cards: dict[str, str | float] = {} if defect == "no beam" else {"BMAJ": beam, "BMIN": beam, "BPA": 0.0}
    cards |= {"BTYPE": "Intensity", "BUNIT": "Jy/beam", "OBJECT": name, "RADESYS": "ICRS", "TELESCOP": "ALMA"}
    cards |= {"DATE-OBS": "2014-12-31T09:42:21.840000", "RESTFRQ": 1.0e11}
    for number, (kind, value, step, unit) in enumerate(axes, 1):
        pixel = size // 2 + 1.0 if number <= 2 else 1.0
        keys = (f"CTYPE{number}", f"CRVAL{number}", f"CDELT{number}", f"CRPIX{number}", f"CUNIT{number}")
        cards |= dict(zip(keys, (kind, value, step, pixel, unit), strict=True))
    return cards


def _write(path: Path, pixels: np.ndarray, cards: dict[str, str | float], *, pack: bool = False) -> None:
    """Write a four-dimensional image, gzipped without a stored name as the archive does if `pack`."""
    from astropy.io import fits

    hdu = fits.PrimaryHDU(pixels[np.newaxis, np.newaxis])
    hdu.header.update(cards)
    hdu.writeto(path)
    if pack:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()


def _spoil(image: Path, defect: Defect) -> None:
    if defect == "truncated":
        content = image.read_bytes()
        image.write_bytes(content[: len(content) // 2])
    elif defect == "not FITS":
        image.write_text("<html><body>503 Service Unavailable</body></html>\n", encoding="utf-8")
    elif defect == "zero bytes":
        image.write_bytes(b"")
