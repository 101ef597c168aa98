"""An image that was searched, and what it has at a place: the noise there, and the highest pixel.

The noise is that which the search had there, where its process wrote it: an image HDU named NOISE in the file of its
table, before the correction for the primary beam, on a grid of its own (docs/finders.md). Else it is measured.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.planes import Plane, has_plane, is_fits, open_plane

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BOX_BEAMS = 12.0  # half the side of the box whose noise is taken
NOISE = "NOISE"
"""Name of the HDU with the noise of a search, in the file of its table."""

_LEAST_BEAMS = 30  # in the box, for its noise to be taken
_MAD = 1.4826  # rms over the median of absolute values of a normal distribution


class SearchedImage(Struct, frozen=True, kw_only=True):
    """An image that was searched: where, how wide, how deep."""

    target: str
    group: str
    kind: str
    run: str
    freq_ghz: float  # NaN: unknown
    ra_deg: float
    dec_deg: float
    hwhm_arcsec: float  # of the primary beam
    rms: float  # Jy/beam, before the correction for the primary beam
    footprint: str = ""  # corners, RA and Dec in degrees; "" where no one knows them
    beam_file: Path | None = None  # FITS image of the primary beam's gain, where there is one
    image_file: Path | None = None  # the image that was searched, where it is on this machine
    is_corrected: bool = False  # whether its values are divided by the gain
    threshold: float = 0.0  # lowest signal to noise that the search took; 0: unknown
    beam_arcsec: float = 0.0  # major axis of the clean beam; 0: unknown
    noise_file: Path | None = None  # the search's table, where it is on this machine; it may have the HDU `NOISE`


class Local(Struct, frozen=True):
    """What an image has at a place, before the correction for the primary beam, in Jy/beam."""

    noise: float
    searched: float  # noise that the threshold of the search is a multiple of; the higher one where that is not known
    peak: float  # highest pixel within half a beam, at least 0; the threshold of the search where it is not known
    is_measured: bool
    is_above: bool = False  # whether a pixel within the radius of a match is above the threshold of the search


def at_places(
    image: SearchedImage,
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    gains: NDArray[np.float64],
    radius_arcsec: float,
) -> list[Local]:
    """Noise and highest pixel at points of an image.

    The noise is that of the search. Where its process wrote none it is the robust rms about zero within a box of 24
    beams, outliers clipped; that of the whole image where fewer than 30 beams have values. Where the image is not on
    this machine or is in another unit than Jy/beam, the noise is that of the search or of the image, and there may be
    as much as the threshold of the search.

    Parameters
    ----------
    gains
        At the points; a corrected image is multiplied by them.

    Raises
    ------
    CatalogueError
        If the image cannot be read as one of the sky.
    """
    import numpy as np

    try:
        noises = _searched_with(image.noise_file, ra, dec) if image.noise_file else np.full(len(ra), np.nan)
        if image.image_file is None or not image.beam_arcsec > 0 or not len(ra):
            return [_unknown(image, float(noise)) for noise in noises]
        return _read(image, ra, dec, gains, radius_arcsec, noises)
    except (OSError, ValueError, TypeError, AttributeError) as problem:
        name = (image.image_file or image.noise_file or Path()).name
        raise CatalogueError(f"the image {name!r} cannot be read: {problem}") from problem


def _unknown(image: SearchedImage, noise: float) -> Local:
    """What a place may have whose pixels are not known; the noise is NaN where the search's is not known either."""
    noise = noise if noise > 0 else image.rms
    return Local(noise, noise, image.threshold * noise, is_measured=False)


def _searched_with(path: Path, ra: Any, dec: Any) -> NDArray[np.float64]:
    """Noise of a search at points in Jy/beam, from the nodes of its grid; NaN where its table has none."""
    import numpy as np

    if is_fits(path):
        with open_plane(path, lambda hdu: has_plane(hdu) and hdu.name == NOISE) as plane:
            if plane and plane.jy_per_beam:
                nodes = np.asarray(plane.pixels[...], dtype=np.float64)
                return between(nodes, *plane.places(ra, dec)) * plane.jy_per_beam
    return np.full(len(ra), np.nan)


def between(nodes: NDArray[np.float64], x: Any, y: Any) -> NDArray[np.float64]:
    """Values between the nodes of a grid by their distance, at its border those of the nearest; x and y from 0."""
    import numpy as np

    places = []
    for value, count in zip((y, x), nodes.shape, strict=True):
        place = np.clip(np.asarray(value, dtype=float), 0, count - 1)
        low = np.minimum(place.astype(int), max(count - 2, 0))
        places.append((low, np.minimum(low + 1, count - 1), place - low))
    (y0, y1, fy), (x0, x1, fx) = places
    low = nodes[y0, x0] * (1 - fx) + nodes[y0, x1] * fx
    return np.asarray(low * (1 - fy) + (nodes[y1, x0] * (1 - fx) + nodes[y1, x1] * fx) * fy)


def _read(image: SearchedImage, ra: Any, dec: Any, gains: Any, radius_arcsec: float, noises: Any) -> list[Local]:
    import numpy as np
    from astropy.wcs.utils import proj_plane_pixel_scales

    assert image.image_file is not None
    with open_plane(image.image_file) as plane:
        if plane is None:
            raise CatalogueError(f"{image.image_file.name!r} has no image")
        if not plane.jy_per_beam:
            return [_unknown(image, float(noise)) for noise in noises]
        pixel = 3600 * float(np.mean(proj_plane_pixel_scales(plane.wcs)))
        places = _Places(image, plane, image.beam_arcsec / pixel, radius_arcsec / pixel)
        return [
            places.at(float(i), float(j), plane.jy_per_beam * (gain if image.is_corrected else 1.0), float(noise))
            for i, j, gain, noise in zip(*plane.places(ra, dec), gains, noises, strict=True)
        ]


class _Places(Struct, frozen=True):
    """An open image, and lengths in its pixels."""

    image: SearchedImage
    plane: Plane
    beam: float
    radius: float

    def at(self, x: float, y: float, scale: float, noise: float) -> Local:
        """What is at one place, in pixels.

        Parameters
        ----------
        scale
            Of the pixels, to what was searched in Jy/beam.
        noise
            Of the search there; NaN: not known.
        """
        import numpy as np

        image, beam = self.image, self.beam
        half = max(_BOX_BEAMS * beam, self.radius) + 1
        ny, nx = self.plane.shape[-2:]
        rows, columns = (
            slice(max(0, math.floor(centre - half)), min(size, math.ceil(centre + half) + 1))
            for centre, size in ((y, ny), (x, nx))
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return _unknown(image, noise)
        box = _plane(self.plane.pixels[(..., rows, columns)]) * scale
        j, i = np.indices(box.shape)
        far = np.hypot(i + columns.start - x, j + rows.start - y)
        is_known = noise > 0
        noise = noise if is_known else _noise(box[np.isfinite(box)], image.rms, beam)
        searched = noise if is_known else max(noise, image.rms)
        near = box[(far <= max(beam / 2, 1.0)) & np.isfinite(box)]
        around = box[(far <= max(self.radius, beam / 2, 1.0)) & np.isfinite(box)]
        if not near.size:
            return Local(noise, searched, image.threshold * noise, is_measured=False)
        is_above = image.threshold > 0 and float(around.max()) >= image.threshold * searched
        return Local(noise, searched, max(0.0, float(near.max())), is_measured=True, is_above=bool(is_above))


def _plane(values: Any) -> NDArray[np.float64]:
    """The first polarization, channels averaged where they have values."""
    import numpy as np

    plane: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    while plane.ndim > 3:
        plane = plane[0]
    if plane.ndim == 2:
        return plane
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels without a value in any channel stay NaN
        return np.asarray(np.nanmean(plane, axis=0))


def _noise(values: NDArray[np.float64], whole: float, beam: float) -> float:
    """Robust rms about zero, values above 4 of it left out until none is."""
    import numpy as np

    if values.size < _LEAST_BEAMS * beam * beam:
        return whole
    size: NDArray[np.float64] = np.abs(values)
    rms = math.inf
    while True:
        kept = size[size < 4 * rms]
        before, rms = rms, _MAD * float(np.median(kept)) if kept.size else 0.0
        if rms == before or not rms > 0:
            return rms or whole
