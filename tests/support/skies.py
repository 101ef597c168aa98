"""Constructed images: elliptical Gaussians of known flux in noise of a known correlation, with an independent truth.

Everything is worked out in closed form: a Gaussian source seen with a Gaussian beam is a Gaussian whose covariance is
the sum of both, and its peak is the flux over the ratio of the areas. Nothing here knows of the finders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

PIXEL_ARCSEC = 0.1
SIGMA = 1 / math.sqrt(8 * math.log(2))  # of a full width at half maximum
RMS = 1e-3  # Jy/beam


@dataclass(frozen=True)
class Beam:
    """Full widths at half maximum in pixels, position angle in degrees from north through east (east is left)."""

    major: float = 6.0
    minor: float = 5.0
    pa: float = 30.0

    @property
    def covariance(self) -> np.ndarray:
        """In pixels squared, axes x and y."""
        angle = math.radians(self.pa)
        along = np.array([-math.sin(angle), math.cos(angle)])
        across = np.array([math.cos(angle), math.sin(angle)])
        return SIGMA**2 * (self.major**2 * np.outer(along, along) + self.minor**2 * np.outer(across, across))


@dataclass(frozen=True)
class Placed:
    """One source: position in pixels from 0, peak before any correction, size in beams, flux in Jy."""

    x: float
    y: float
    peak: float
    size: float = 0.0

    @property
    def area(self) -> float:
        """Of the source as seen, in beams; the source has the beam's form, `size` times as large."""
        return 1 + self.size**2

    @property
    def flux(self) -> float:
        return self.peak * self.area


@dataclass
class Sky:
    """An image to be: `noise` first, then sources; in Jy/beam, shape (ny, nx)."""

    shape: tuple[int, int] = (400, 400)
    beam: Beam = field(default_factory=Beam)
    sources: list[Placed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = np.zeros(self.shape)

    def add_noise(self, seed: int, rms: float | np.ndarray = RMS, correlated_over: float = 1.0) -> Sky:
        """Add Gaussian noise whose autocorrelation is the beam stretched by `correlated_over`.

        1 is what an interferometer has (the autocorrelation is the dirty beam); white noise convolved with the beam
        has the square root of 2.
        """
        fy, fx = np.meshgrid(np.fft.fftfreq(self.shape[0]), np.fft.rfftfreq(self.shape[1]), indexing="ij")
        c = self.beam.covariance * correlated_over**2
        power = np.exp(-2 * np.pi**2 * (c[0, 0] * fx**2 + 2 * c[0, 1] * fx * fy + c[1, 1] * fy**2))
        white = np.random.default_rng(seed).normal(size=self.shape)
        smooth = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power), s=self.shape)
        density = 2 * np.pi * math.sqrt(np.linalg.det(c))  # 1 over the mean power
        self.data += smooth * math.sqrt(density) * rms
        return self

    def add(self, x: float, y: float, peak: float, size: float = 0.0) -> Sky:
        """Add a source of the beam's form, `size` times as large before it is seen, with this observed peak."""
        true = Placed(x, y, peak, size)
        inverse = np.linalg.inv(self.beam.covariance * true.area)
        half = math.ceil(4 * self.beam.major * SIGMA * math.sqrt(true.area)) + 1
        y0, x0 = max(round(y) - half, 0), max(round(x) - half, 0)
        part = slice(y0, round(y) + half + 1), slice(x0, round(x) + half + 1)
        py, px = np.indices(self.data[part].shape)
        dx, dy = px + x0 - x, py + y0 - y
        form = inverse[0, 0] * dx * dx + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy * dy
        self.data[part] += peak * np.exp(-form / 2)
        self.sources.append(true)
        return self

    def header(self) -> dict[str, Any]:
        ny, nx = self.shape
        cards: dict[str, Any] = {"BUNIT": "Jy/beam", "RADESYS": "ICRS", "BPA": self.beam.pa}
        cards |= {"DATE-OBS": "2019-08-07T20:33:12.6", "TELESCOP": "ALMA"}
        cards |= {"BMAJ": self.beam.major * PIXEL_ARCSEC / 3600, "BMIN": self.beam.minor * PIXEL_ARCSEC / 3600}
        step = PIXEL_ARCSEC / 3600
        axes = (
            ("RA---SIN", 150.0, -step, nx // 2 + 1.0), ("DEC--SIN", 2.0, step, ny // 2 + 1.0),
            ("FREQ", 1e11, 2e9, 1.0), ("STOKES", 1.0, 1.0, 1.0),
        )  # fmt: skip
        for number, (kind, value, delta, pixel) in enumerate(axes, 1):
            for key, card in (("CTYPE", kind), ("CRVAL", value), ("CDELT", delta), ("CRPIX", pixel)):
                cards[f"{key}{number}"] = card
        return cards | {"CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz"}

    def write(self, path: Path, *, gain: float | np.ndarray | None = None) -> list[str]:
        """Write the image, and a primary beam of `gain` (default 1) beside it; the finder's options for both."""
        header = fits.Header(list(self.header().items()))
        fits.PrimaryHDU(self.data[None, None].astype(np.float32), header).writeto(path, overwrite=True)
        beam = path.with_suffix(".pb.fits")
        level = np.broadcast_to(np.float32(1) if gain is None else gain, self.shape).astype(np.float32)
        fits.PrimaryHDU(level[None, None], header).writeto(beam, overwrite=True)
        return ["--image", str(path), "--beam", str(beam), "--image-is", "uncorrected"]


def spread(shape: tuple[int, int], spacing: float, seed: int) -> list[tuple[float, float]]:
    """Positions on a grid, each moved by up to half a pixel so that no phase of the pixels is preferred."""
    rng = np.random.default_rng(seed)
    grid = [np.arange(spacing / 2, n - spacing / 2 + 1, spacing) for n in shape]
    return [(x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5)) for y in grid[0] for x in grid[1]]


def paired(rows: Any, sources: list[Placed], radius: float) -> list[tuple[Placed, Any]]:
    """Each source with the row nearest to it, None beyond `radius` pixels; rows count pixels from 1."""
    found = []
    for true in sources:
        apart = np.hypot(rows["x"] - 1 - true.x, rows["y"] - 1 - true.y) if len(rows) else np.array([np.inf])
        best = int(np.argmin(apart))
        found.append((true, rows[best] if apart[best] <= radius else None))
    return found
