"""An image that was searched, and what it has at a place: the noise there, and the highest pixel."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError
from stoa.opening import regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BOX_BEAMS = 12.0  # half the side of the box whose noise is taken
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


class Local(Struct, frozen=True):
    """What an image has at a place, before the correction for the primary beam, in Jy/beam."""

    noise: float
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

    The noise is the robust rms about zero within a box of 24 beams, outliers clipped; that of the whole image where
    fewer than 30 beams have values. Where the image is not on this machine or is in another unit than Jy/beam, the
    noise is that of the image, and there may be as much as the threshold of the search.

    Parameters
    ----------
    gains
        At the points; a corrected image is multiplied by them.

    Raises
    ------
    CatalogueError
        If the image cannot be read as one of the sky.
    """
    unknown = Local(image.rms, image.threshold * image.rms, is_measured=False)
    if image.image_file is None or not image.beam_arcsec > 0 or not len(ra):
        return [unknown] * len(ra)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers that are not quite as the standard wants them
            return _read(image, ra, dec, gains, radius_arcsec, unknown)
    except (OSError, ValueError, TypeError, AttributeError) as problem:
        raise CatalogueError(f"the image {image.image_file.name!r} cannot be read: {problem}") from problem


def _read(image: SearchedImage, ra: Any, dec: Any, gains: Any, radius_arcsec: float, unknown: Local) -> list[Local]:
    import numpy as np
    from astropy import units
    from astropy.io import fits
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    assert image.image_file is not None
    with fits.open(regular(image.image_file)) as opened:
        hdu = next((each for each in opened if each.is_image and each.header.get("NAXIS", 0) >= 2), None)
        if hdu is None:
            raise CatalogueError(f"{image.image_file.name!r} has no image")
        unit = units.Unit(str(hdu.header.get("BUNIT", "")).replace("beam^-1", "beam-1"), parse_strict="silent")
        if not unit.is_equivalent(units.Jy / units.beam):
            return [unknown] * len(ra)
        scale = unit.to(units.Jy / units.beam)
        wcs = WCS(hdu.header).celestial
        pixel = 3600 * float(np.mean(proj_plane_pixel_scales(wcs)))
        beam = image.beam_arcsec / pixel
        x, y = wcs.world_to_pixel_values(ra, dec)
        return [
            _at(
                hdu,
                float(i),
                float(j),
                scale * (gain if image.is_corrected else 1.0),
                beam,
                radius_arcsec / pixel,
                image,
            )
            for i, j, gain in zip(x, y, gains, strict=True)
        ]


def _at(hdu: Any, x: float, y: float, scale: float, beam: float, radius: float, image: SearchedImage) -> Local:
    """At one place, in pixels."""
    import numpy as np

    half = max(_BOX_BEAMS * beam, radius) + 1
    ny, nx = hdu.shape[-2:]
    rows, columns = (
        slice(max(0, math.floor(centre - half)), min(size, math.ceil(centre + half) + 1))
        for centre, size in ((y, ny), (x, nx))
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return Local(image.rms, image.threshold * image.rms, is_measured=False)
    box = _plane(hdu.section[(..., rows, columns)]) * scale
    j, i = np.indices(box.shape)
    far = np.hypot(i + columns.start - x, j + rows.start - y)
    noise = _noise(box[np.isfinite(box)], image.rms, beam)
    near = box[(far <= max(beam / 2, 1.0)) & np.isfinite(box)]
    around = box[(far <= max(radius, beam / 2, 1.0)) & np.isfinite(box)]
    if not near.size:
        return Local(noise, image.threshold * noise, is_measured=False)
    is_above = image.threshold > 0 and float(around.max()) >= image.threshold * max(noise, image.rms)
    return Local(noise, max(0.0, float(near.max())), is_measured=True, is_above=bool(is_above))


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
