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
from pathlib import Path
from typing import TYPE_CHECKING

from stoa.durable import write_whole
from stoa.meta.stills import block_means, picture, read_plane

if TYPE_CHECKING:
    from astropy.io import fits

LARGEST = 2048
"""Pixels a side that are sent; two images of 4096 would take 600 MB in the browser."""

SIDES = {"small": 160, "large": 640}
"""Pixels a side of still pictures, at most."""

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

    data, header, number, channels = read_plane(file, channel)
    step = -(-max(data.shape) // LARGEST)
    small = fits.PrimaryHDU(block_means(data, step), _header(header, step))
    small.header["STOACHAN"] = (number, "channel of the cube, from 1")
    small.header["STOANCH"] = (channels, "channels of the cube")
    small.header["STOABIN"] = (step, "pixels averaged along each side")
    out = io.BytesIO()
    small.writeto(out, output_verify="silentfix+ignore")
    return out.getvalue()


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
    made = picture(read_plane(file, None)[0], SIDES[size])
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, made)
    return made
