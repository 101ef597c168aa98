"""Images on their way to a browser: one plane of at most 2048 pixels a side, and thumbnails.

Values stay as they are, as 32-bit floats; where pixels were averaged the header says so, and the world coordinates are
those of the averaged pixels.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stoa.durable import write_whole
from stoa.errors import StoaError
from stoa.opening import regular

if TYPE_CHECKING:
    from astropy.io import fits
    from numpy.typing import NDArray

LARGEST = 2048
"""Pixels a side that are sent; two images of 4096 would take 600 MB in the browser."""

SIDES = {"small": 160, "large": 640}
"""Pixels a side of still pictures, at most."""

_BLANK = 255
"""The shade of pixels without a value; the others are 0 to 254. One byte a pixel is a third of what colours take."""

_KEPT = ("OBJECT", "TELESCOP", "INSTRUME", "BUNIT", "BMAJ", "BMIN", "BPA", "DATE-OBS", "EQUINOX", "BTYPE")
_LOOK = "thumb 3"  # what thumbnails look like; another number makes all of them again


def is_image(ref: str) -> bool:
    """Whether a file's name is that of FITS, packed or not."""
    return ref.lower().endswith((".fits", ".fits.gz", ".fit", ".fit.gz", ".fits.fz"))


def plane(file: Path, channel: int | None = None) -> bytes:
    """One plane of a FITS image as a FITS file that a browser can hold.

    Parameters
    ----------
    channel
        Counted from 1; None for the middle one of a cube.

    Returns
    -------
    content
        A two-dimensional image. `STOACHAN` and `STOANCH` are its channel and how many there are, `STOABIN` is how
        many pixels were averaged along each side.

    Raises
    ------
    StoaError
        If there is no image in the file, or it cannot be read.
    """
    from astropy.io import fits

    data, header, number, channels = _read(file, channel)
    step = -(-max(data.shape) // LARGEST)
    small = fits.PrimaryHDU(block_means(data, step), _header(header, step))
    small.header["STOACHAN"] = (number, "channel of the cube, from 1")
    small.header["STOANCH"] = (channels, "channels of the cube")
    small.header["STOABIN"] = (step, "pixels averaged along each side")
    out = io.BytesIO()
    small.writeto(out, output_verify="silentfix+ignore")
    return out.getvalue()


def _read(file: Path, channel: int | None) -> tuple[NDArray[np.float32], fits.Header, int, int]:
    """A plane, the header of its image, its channel, and how many channels there are."""
    from astropy.io import fits

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(regular(file), memmap=True, ignore_missing_simple=True) as units:
                return _chosen(units, file.name, channel)
    except (OSError, ValueError, TypeError, EOFError, IndexError, KeyError, fits.VerifyError) as problem:
        raise StoaError(f"{file.name} cannot be read as an image: {problem}") from None


def _chosen(units: fits.HDUList, name: str, channel: int | None) -> tuple[NDArray[np.float32], fits.Header, int, int]:
    unit = next((each for each in units if each.is_image and each.header.get("NAXIS", 0) >= 2), None)
    if unit is None or 0 in unit.shape:
        raise StoaError(f"{name} holds no image")
    stack = unit.data.reshape(-1, *unit.shape[-2:])
    number = len(stack) // 2 + 1 if channel is None else channel
    if not 1 <= number <= len(stack):
        raise StoaError(f"{name} has the channels 1 to {len(stack)}, not {number}")
    return np.array(stack[number - 1], dtype=np.float32), unit.header.copy(), number, len(stack)


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


def _header(header: fits.Header, step: int) -> fits.Header:
    """World coordinates of the plane, and the few words that a viewer shows; without them where they are unreadable."""
    from astropy.io import fits
    from astropy.wcs import WCS

    words = fits.Header()
    with suppress(Exception), warnings.catch_warnings():  # wcslib names what it does not like in many ways
        warnings.simplefilter("ignore")
        world = WCS(header).celestial
        if world.naxis == 2:
            words = world[::step, ::step].to_header(relax=True)
    for name in _KEPT:
        with suppress(Exception):
            if name in header and name not in words:
                words[name] = header[name]
    return words


def content_key(file: Path, sha256: str = "") -> str:
    """What stands for a file's content: its checksum, or else its place, size and time."""
    if sha256:
        return sha256
    facts = file.stat()
    return hashlib.sha256(f"{os.fspath(file)}\0{facts.st_size}\0{facts.st_mtime_ns}".encode()).hexdigest()


def thumbnail(file: Path, cache: Path, sha256: str = "", size: str = "small") -> bytes:
    """A PNG of an image, from the cache where it is there.

    Parameters
    ----------
    size
        A name of `SIDES`.

    Raises
    ------
    StoaError
        If the file cannot be read as an image.
    """
    key = hashlib.sha256(f"{_LOOK}\0{size}\0{content_key(file, sha256)}".encode()).hexdigest()
    kept = cache / "thumbnails" / key[:2] / f"{key[2:]}.png"
    with suppress(OSError):
        return kept.read_bytes()
    made = picture(_read(file, None)[0], SIDES[size])
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, made)
    return made


def picture(data: NDArray[np.float32], side: int) -> bytes:
    """A PNG of a plane, north up, stretched from just below the noise to the brightest pixels; blank is grey."""
    from astropy.visualization import AsinhStretch
    from PIL import Image

    small = block_means(data, max(1, -(-max(data.shape) // side)))
    known = np.isfinite(small)
    shades = np.full(small.shape, _BLANK, dtype=np.uint8)
    shades[known] = 0
    if known.any():
        values = small[known].astype(np.float64)
        least, middle, most, brightest = np.percentile(values, [16, 50, 84, 99.95])
        noise = (most - least) / 2
        low, high = middle - 2.5 * noise, max(brightest, middle + 12 * noise)  # as in the viewer
        if high > low:
            scaled: NDArray[Any] = AsinhStretch(0.3)(np.clip((values - low) / (high - low), 0, 1))
            shades[known] = np.round(scaled * (_BLANK - 1))
    drawn = Image.frombytes("P", small.shape[::-1], shades[::-1].tobytes())
    drawn.putpalette(_palette())
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()


@lru_cache(maxsize=1)
def _palette() -> bytes:
    """The colours of the shades, red, green and blue of each; the last is that of blank pixels."""
    from matplotlib import colormaps

    colours = colormaps["inferno"](np.linspace(0, 1, _BLANK), bytes=True)[:, :3]
    return bytes(colours.tobytes()) + bytes((128, 128, 128))
