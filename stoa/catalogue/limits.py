"""Upper limits for objects that were observed and not detected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.regions import read_region
from stoa.catalogue.sky import pairs_within
from stoa.catalogue.tables import positions

if TYPE_CHECKING:
    from astropy.table import Table

LEAST_GAIN = 0.3
"""Below this gain of the primary beam an object does not count as observed, as for the finders."""


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
    footprint: str = ""  # corners, RA and Dec in degrees; "" where nobody knows them


def undetected(
    objects: Table, images: Sequence[SearchedImage], sources: Table, radius_arcsec: float, sigma: float, name: str
) -> Table:
    """Objects in searched images with no source there, and the limit on their flux density.

    The gain at the object is that of a Gaussian of the image's primary beam, the local noise that of the image over
    the gain; the limit holds for a point source.

    Parameters
    ----------
    sources
        What was found, with the columns ``target``, ``group`` and positions; before any cut, so that what was cut
        counts as seen.
    radius_arcsec
        An object with a source of the same image within this is detected.
    sigma
        How many times the local noise the limit is.
    name
        The catalogue's name for messages.

    Returns
    -------
    table
        A row for each object and image: ``target``, ``group``, ``kind``, ``run``, ``freq_ghz``, ``gain``, ``rms``,
        ``flux_limit`` (Jy), ``centre_arcsec``, then the columns of the catalogue with ``cat_``. Its ``meta`` has
        ``objects``, how many distinct ones there are.
    """
    import numpy as np
    from astropy.table import Table

    ra, dec = positions(objects, name)
    reach = (np.log(1 / LEAST_GAIN) / np.log(2)) ** 0.5  # in half widths at half maximum
    rows: list[tuple[Any, ...]] = []
    chosen: list[int] = []
    found = _found(objects, sources, radius_arcsec, name)
    for image in images:
        near = pairs_within(np.array([image.ra_deg]), np.array([image.dec_deg]), ra, dec, reach * image.hwhm_arcsec)
        for number, apart in zip(near.second.tolist(), near.separation_arcsec.tolist(), strict=True):
            if (number, image.target, image.group) in found or not _within(image, ra[number], dec[number]):
                continue
            gain = float(np.exp(-np.log(2) * (apart / image.hwhm_arcsec) ** 2))
            local = image.rms / gain
            rows.append(
                (image.target, image.group, image.kind, image.run, image.freq_ghz, gain, local, sigma * local, apart)
            )
            chosen.append(number)
    names = ("target", "group", "kind", "run", "freq_ghz", "gain", "rms", "flux_limit", "centre_arcsec")
    types = ("U120", "U200", "U8", "U40", "f8", "f8", "f8", "f8", "f8")
    made = Table(rows=rows or None, names=names, dtype=types)
    for column, unit in (("freq_ghz", "GHz"), ("rms", "Jy/beam"), ("flux_limit", "Jy"), ("centre_arcsec", "arcsec")):
        made[column].unit = unit
    made.meta["objects"] = len(set(chosen))
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


def _within(image: SearchedImage, ra: float, dec: float) -> bool:
    import numpy as np

    if not image.footprint:
        return True
    return bool(read_region(f"Polygon {image.footprint}").contains(np.array([ra]), np.array([dec]))[0])
