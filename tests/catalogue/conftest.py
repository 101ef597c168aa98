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
from image_kinds import write_image

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / ".stoa-template" / "shipped" / "scripts" / "find_sep.py"


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
        return write_image(tmp_path / name, sources, widths=widths, shape=shape, cards=cards)

    return make
