"""Sources that stand in a table more than once: from overlapping fields, or from windows and cubes of one field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoa.catalogue.positions import positions
from stoa.catalogue.sky import pairs_within

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

KINDS = ("cont", "mfs", "cube")
"""Kinds of images, the best for measuring a source first."""


def trust(table: Table) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Keys of `numpy.lexsort`, the weightier last, that put the best measured rows first.

    Continuum images come first, then single windows, then cubes; among equals the higher signal to noise.
    """
    import numpy as np

    kind = np.full(len(table), len(KINDS))
    if "kind" in table.colnames:
        for number, name in enumerate(KINDS):
            kind[np.ma.filled(np.ma.asarray(table["kind"]) == name, False)] = number
    snr = np.ma.filled(np.ma.asarray(table["snr"], dtype=float), 0) if "snr" in table.colnames else 0.0 * kind
    return -np.asarray(snr), kind


def unique(table: Table, radius_arcsec: float) -> NDArray[np.bool_]:
    """Which rows stay when of sources in different images, nearer than a radius, the best one is kept.

    Two sources of one image are two sources, however near. The best one is the first by `trust`; a source that is near
    one that went is kept.

    Raises
    ------
    CatalogueError
        If the table has no positions.
    """
    import numpy as np

    image = _images(table)
    ra, dec = positions(table, "sources")
    pairs = pairs_within(ra, dec, ra, dec, radius_arcsec)
    place = np.empty(len(table), dtype=np.int64)
    place[np.lexsort(trust(table))] = np.arange(len(table))
    worse = (place[pairs.first] > place[pairs.second]) & (image[pairs.first] != image[pairs.second])
    first, second = pairs.first[worse], pairs.second[worse]
    order = np.argsort(place[first], kind="stable")
    kept = np.ones(len(table), dtype=bool)
    for loser, winner in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if kept[winner]:
            kept[loser] = False
    return kept


def _images(table: Table) -> NDArray[np.int64]:
    """A number for each row, the same for the rows of one image; each its own where the table names no image."""
    import numpy as np

    names = [name for name in ("target", "group", "product") if name in table.colnames]
    if not names:
        return np.arange(len(table))
    number = np.zeros(len(table), dtype=np.int64)
    for name in names:
        values = np.unique(np.asarray(table[name]).astype(str), return_inverse=True)[1]
        number = np.unique(number * (int(values.max(initial=0)) + 1) + values, return_inverse=True)[1]
    return number
