"""The shipped finder as a module, and images with known sources in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from finder_truth import shipped

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / ".stoa-template" / "shipped" / "scripts" / "find_sep.py"
PIXEL_DEG = 0.1 / 3600
FWHM_PIX = 5.0
RMS_JY = 1e-3


@pytest.fixture(scope="session")
def examples() -> Path:
    return REPOSITORY / "examples"


@pytest.fixture(scope="session")
def script() -> Path:
    return SCRIPT


@pytest.fixture(scope="session")
def find_sep() -> Iterator[ModuleType]:
    """The shipped script as a module, with `finding`, which it imports, as `find_sep.finding`."""
    with shipped("find_sep") as module:
        yield module


@pytest.fixture
def search(find_sep: ModuleType, tmp_path: Path) -> Callable[..., tuple[dict[str, Any], np.ndarray]]:
    """Run the script's search: `search(image, "--snr", "7")` gives its results and the rows of its table."""

    def run(image: Path, *options: str) -> tuple[dict[str, Any], np.ndarray]:
        out = tmp_path / "sources.fits"
        results = find_sep.search(find_sep.arguments(["--image", str(image), "--out", str(out), *options]))
        return results, fits.getdata(out, 1)

    return run


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., Path]:
    """Maker of an uncorrected image: `image([(x, y, peak)], widths=[1.0], shape=(1, 1, 96, 96), cards={...})`.

    Pixels are counted from 0, peaks in Jy/beam; the beam is round with a FWHM of 5 pixels; noise of 1 mJy/beam
    has the beam's shape. A card of None is left out.
    """

    def make(
        sources: Sequence[tuple[float, float, float]],
        *,
        widths: Sequence[float] = (),
        shape: tuple[int, ...] = (1, 1, 96, 96),
        cards: Mapping[str, Any] | None = None,
        name: str = "J0000.image.fits",
    ) -> Path:
        sky = noise(shape[-2:])
        for number, (x, y, peak) in enumerate(sources):
            sky += gaussian(shape[-2:], x, y, peak, FWHM_PIX * (widths[number] if widths else 1.0))
        hdu = fits.PrimaryHDU(np.broadcast_to(sky, shape).astype(np.float32))
        for key, value in (header(shape[-1], shape[-2]) | dict(cards or {})).items():
            if value is not None:
                hdu.header[key] = value
        path = tmp_path / name
        hdu.writeto(path, overwrite=True)
        return path

    return make


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
