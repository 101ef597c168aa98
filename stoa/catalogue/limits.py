"""Upper limits for objects that were observed and not detected.

The limit at a place is what the image has there plus some times the noise there, and never below what the search would
have detected. Where the image has more than that, no limit is given, though the list of sources has nothing: a finder
had detected something and cut it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.catalogue.columns import describe
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.planes import open_plane
from stoa.catalogue.positions import positions
from stoa.catalogue.regions import read_region
from stoa.catalogue.searched import SearchedImage, at_places
from stoa.catalogue.sky import offsets, pairs_within

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

LEAST_GAIN = 0.3
"""Below this gain of the primary beam an object does not count as observed, as for the finders."""

_ROUNDING = 1e-6  # of gains in single precision


def undetected(
    objects: Table, images: Sequence[SearchedImage], sources: Table, radius_arcsec: float, sigma: float, name: str
) -> Table:
    """Objects in searched images with no source there, and the limit on their flux density.

    The gain at the object is that of the image's file of the primary beam, which may be of a mosaic, else that of a
    Gaussian as wide as the primary beam. The limit is the highest pixel within half a beam of the place (0 where it is
    negative) and `sigma` times the noise there, in the image before the correction, over the gain; at least the
    threshold of the search times the noise. Where the image is not on this machine, what is there may be as high as the
    threshold. The limit holds for point sources.

    Parameters
    ----------
    sources
        What was found, with the columns ``target``, ``group`` and positions; before any cut, so that what was cut
        counts as seen.
    radius_arcsec
        An object with a source of the same image within this is detected.
    sigma
        How many times the local noise the limit is above what the image has.
    name
        The catalogue's name for messages.

    Returns
    -------
    table
        A row for each object and image: ``target``, ``group``, ``kind``, ``run``, ``freq_ghz``, ``gain``,
        ``gain_is_model``, ``rms``, ``pixel_flux`` (of the image there; NaN: unknown), ``threshold``, ``flux_limit``
        (Jy), ``centre_arcsec``, then the columns of the catalogue with ``cat_``. Its ``meta`` has ``objects``, how many
        distinct ones there are, and ``above``, how many objects in images have no limit because the image is above the
        threshold there.

    Raises
    ------
    CatalogueError
        If the objects have no positions, or a file of a primary beam cannot be read.
    """
    import numpy as np
    from astropy.table import Table

    ra, dec = positions(objects, name)
    rows: list[tuple[Any, ...]] = []
    chosen: list[int] = []
    above = 0
    found = _found(objects, sources, radius_arcsec, name)
    for image in images:
        numbers, apart = _near(image, ra, dec)
        gains = _gains(image, ra[numbers], dec[numbers], apart)
        asked = [
            place
            for place, (number, gain) in enumerate(zip(numbers.tolist(), gains.tolist(), strict=True))
            if (number, image.target, image.group) not in found and gain >= LEAST_GAIN - _ROUNDING
        ]
        local = at_places(image, ra[numbers[asked]], dec[numbers[asked]], gains[asked], radius_arcsec)
        for place, value in zip(asked, local, strict=True):
            if value.is_above:
                above += 1
                continue
            gain = float(gains[place])
            limit = max(image.threshold * value.searched, value.peak + sigma * value.noise) / gain
            rows.append(
                (image.target, image.group, image.kind, image.run, image.freq_ghz, gain, image.beam_file is None,
                 value.noise / gain, value.peak / gain if value.is_measured else math.nan, image.threshold, limit,
                 float(apart[place]))
            )  # fmt: skip
            chosen.append(int(numbers[place]))
    names = (
        "target", "group", "kind", "run", "freq_ghz", "gain", "gain_is_model", "rms", "pixel_flux", "threshold",
        "flux_limit", "centre_arcsec",
    )  # fmt: skip
    types = ("U120", "U200", "U8", "U40", "f8", "f8", "bool", "f8", "f8", "f8", "f8", "f8")
    made = Table(rows=rows or None, names=names, dtype=types)
    describe(made, names)
    made.meta |= {"objects": len(set(chosen)), "above": above}
    picked = np.array(chosen, dtype=np.int64)
    for column in objects.colnames:
        made["cat_" + column] = objects[column][picked]
    return made


def _found(objects: Table, sources: Table, radius_arcsec: float, name: str) -> set[tuple[int, str, str]]:
    """Object, target and image group of every detection."""
    if not len(sources):
        return set()
    pairs = pairs_within(*positions(sources, "sources"), *positions(objects, name), radius_arcsec)
    return {
        (second, str(sources["target"][first]), str(sources["group"][first]))
        for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    }


def _near(image: SearchedImage, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> tuple[Any, Any]:
    """Rows of the points that may be in an image, and their distance from its centre in arcsec.

    All in its footprint where the gain is read from a file, else those of a gain that counts.
    """
    import numpy as np

    centre = _point(image.ra_deg, image.dec_deg)
    region = read_region(f"Polygon {image.footprint}") if image.footprint else None
    reach = image.hwhm_arcsec * (np.log(1 / LEAST_GAIN) / np.log(2)) ** 0.5
    if image.beam_file and region:
        a, d, radius = region.circle()
        reach = radius * 3600 + math.hypot(*(float(part[0]) for part in offsets(*_point(a, d), *centre)))
    near = pairs_within(*centre, ra, dec, reach)
    held = region.contains(ra[near.second], dec[near.second]) if region else np.ones(len(near.second), dtype=bool)
    return near.second[held], near.separation_arcsec[held]


def _point(ra: float, dec: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    return np.array([ra]), np.array([dec])


def _gains(
    image: SearchedImage, ra: NDArray[np.float64], dec: NDArray[np.float64], apart: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gains of the primary beam at points, NaN outside its file and where that is blank."""
    import numpy as np

    if image.beam_file is None or not len(ra):
        return np.asarray(np.exp(-np.log(2) * (apart / image.hwhm_arcsec) ** 2))
    return _read_gains(image.beam_file, ra, dec)


def _read_gains(path: Path, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the nearest pixel, the mean of its channels."""
    import numpy as np

    gains = np.full(len(ra), np.nan)
    try:
        with warnings.catch_warnings(), open_plane(path) as plane:
            warnings.simplefilter("ignore", RuntimeWarning)  # pixels without a value in any channel
            if plane is None:
                raise CatalogueError(f"the primary beam {path.name!r} has no image")
            x, y = (np.rint(part) for part in plane.places(ra, dec))
            ny, nx = plane.shape[-2:]
            inside = (x >= 0) & (y >= 0) & (x < nx) & (y < ny)
            data = np.asarray(plane.pixels[...])
            values = np.asarray(data[..., y[inside].astype(int), x[inside].astype(int)], dtype=np.float64)
            gains[inside] = np.nanmean(values.reshape(math.prod(plane.shape[:-2]), -1), axis=0)
    except (OSError, ValueError, TypeError, AttributeError) as problem:
        raise CatalogueError(f"the primary beam {path.name!r} cannot be read: {problem}") from problem
    return gains
