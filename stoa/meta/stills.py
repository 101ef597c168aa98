"""Still pictures of FITS images: one plane, its pixels averaged, as a PNG; and thumbnails small enough for records."""

from __future__ import annotations

import io
import math
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stoa.errors import StoaError
from stoa.opening import regular
from stoa.project import MOST_THUMBNAIL

if TYPE_CHECKING:
    from astropy.io import fits
    from numpy.typing import NDArray

_BLANK = 255
"""The shade of pixels without a value; the others are 0 to 254. One byte a pixel is a third of what colours take."""

_TRIED = ((160, 255), (160, 21), (128, 21), (96, 21), (64, 21), (32, 21))
"""Pixels a side and shades of a thumbnail, until it is small enough; 21 shades look nearly as good as 255."""


def small_picture(file: Path) -> bytes:
    """A PNG of an image that is small enough to go with the records.

    Raises
    ------
    StoaError
        If the file cannot be read as an image.
    """
    data = read_plane(file, None)[0]
    for side, shades in _TRIED:
        made = picture(data, side, shades)
        if len(made) <= MOST_THUMBNAIL:
            return made
    raise StoaError(f"{file.name} gives no picture of at most {MOST_THUMBNAIL} bytes")


def read_plane(file: Path, channel: int | None) -> tuple[NDArray[np.float32], fits.Header, int, int]:
    """A plane, the header of its image, its channel, and how many channels there are."""
    from astropy.io import fits

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(regular(file), memmap=False, ignore_missing_simple=True) as units:
                return _chosen(units, file.name, channel)
    except (OSError, ValueError, TypeError, EOFError, IndexError, KeyError, fits.VerifyError) as problem:
        raise StoaError(f"{file.name} cannot be read as an image: {problem}") from None


def _chosen(units: fits.HDUList, name: str, channel: int | None) -> tuple[NDArray[np.float32], fits.Header, int, int]:
    unit = next((each for each in units if each.is_image and each.header.get("NAXIS", 0) >= 2), None)
    if unit is None or 0 in unit.shape:
        raise StoaError(f"{name} holds no image")
    others, count = unit.shape[:-2], math.prod(unit.shape[:-2])
    number = _middle(others, unit.header) if channel is None else channel
    if not 1 <= number <= count:
        raise StoaError(f"{name} has the channels 1 to {count}, not {number}")
    # By `section`, which reads this plane alone and scales it, and by slices, as it mistakes some whole numbers.
    plane = unit.section[tuple(slice(at, at + 1) for at in np.unravel_index(number - 1, others))]
    return np.array(plane.reshape(unit.shape[-2:]), dtype=np.float32), unit.header.copy(), number, count


def _middle(others: tuple[int, ...], header: fits.Header) -> int:
    """Number of the middle channel, of the first Stokes plane; `others` are the axes before those of a plane."""
    kinds = [str(header.get(f"CTYPE{axis}", "")) for axis in range(len(others) + 2, 2, -1)]
    at = [0 if kind.startswith("STOKES") else size // 2 for kind, size in zip(kinds, others, strict=True)]
    return int(np.ravel_multi_index(at, others)) + 1 if others else 1


def block_means(data: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Means of blocks of pixels without those that are not a number; what is left over at the far edges is cut off."""
    if step <= 1:
        return data
    ny, nx = (size // step for size in data.shape)
    blocks = data[: ny * step, : nx * step].reshape(ny, step, nx, step)
    known = np.isfinite(blocks)
    counts = known.sum(axis=(1, 3))
    sums = np.where(known, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(counts > 0, sums / counts, np.nan), dtype=np.float32)


def picture(data: NDArray[np.float32], side: int, shades: int = _BLANK) -> bytes:
    """A PNG of a plane, north up, stretched from just below the noise to the brightest pixels; blank is grey.

    Parameters
    ----------
    side
        Pixels a side, at most.
    shades
        Fewer make the file smaller.
    """
    from astropy.visualization import AsinhStretch
    from PIL import Image

    small = block_means(data, max(1, -(-max(data.shape) // side)))
    known = np.isfinite(small)
    drawn = np.full(small.shape, _BLANK, dtype=np.uint8)
    drawn[known] = 0
    if known.any():
        values = small[known].astype(np.float64)
        least, middle, most, brightest = np.percentile(values, [16, 50, 84, 99.95])
        noise = (most - least) / 2
        low, high = middle - 2.5 * noise, max(brightest, middle + 12 * noise)  # as in the viewer
        if high > low:
            scaled: NDArray[Any] = AsinhStretch(0.3)(np.clip((values - low) / (high - low), 0, 1))
            step = -(-_BLANK // shades)
            drawn[known] = np.round(scaled * (_BLANK - 1)) // step * step
    image = Image.frombytes("P", small.shape[::-1], drawn[::-1].tobytes())
    image.putpalette(_palette())
    out = io.BytesIO()
    image.save(out, "PNG", optimize=shades < _BLANK)
    return out.getvalue()


@lru_cache(maxsize=1)
def _palette() -> bytes:
    """The colours of the shades, red, green and blue of each; the last is that of blank pixels."""
    from matplotlib import colormaps

    colours = colormaps["inferno"](np.linspace(0, 1, _BLANK), bytes=True)[:, :3]
    return bytes(colours.tobytes()) + bytes((128, 128, 128))
