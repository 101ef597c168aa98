"""Sources that stand in a table more than once: from overlapping fields, or from windows and cubes of one field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoa.catalogue.positions import positions
from stoa.catalogue.sky import pairs_within

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

KINDS = ("cont", "mfs", "cube")
"""Kinds of images, the best for measuring a source first."""

_BANDS_GHZ = (35, 60, 67, 84, 117, 163, 211, 275, 375, 501, 601, 721, 786, 951)
"""Edges of the bands of ALMA and of what lies between them (Technical Handbook, cycle 11, table 4.1)."""


def trust(table: Table) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Keys of `numpy.lexsort`, the weightier last, that put the best measured rows first.

    Science targets come before calibrators; then continuum images, single windows, cubes; among equals the higher
    signal to noise.
    """
    import numpy as np

    kind = np.full(len(table), len(KINDS))
    if "kind" in table.colnames:
        for number, name in enumerate(KINDS):
            kind[np.ma.filled(np.ma.asarray(table["kind"]) == name, False)] = number
    snr = np.ma.filled(np.ma.asarray(table["snr"], dtype=float), 0) if "snr" in table.colnames else 0.0 * kind
    return -np.asarray(snr), kind, is_calibrator(table)


def is_calibrator(table: Table) -> NDArray[np.bool_]:
    """Which rows are sources on calibrators, by the column ``intent``."""
    import numpy as np

    if "intent" not in table.colnames:
        return np.zeros(len(table), dtype=bool)
    return np.asarray(np.ma.filled(np.ma.asarray(table["intent"]) == "calibrator", False))


def setting(table: Table) -> NDArray[np.int64]:
    """A number for each row, the same for rows of one band and epoch.

    The band is that of the column ``band``, else ALMA's band of ``freq_ghz``; the epoch is the day of ``date_obs``.
    What a table does not say is the same for all rows.
    """
    import numpy as np

    parts = []
    if "band" in table.colnames:
        parts.append(np.ma.filled(np.ma.asarray(table["band"]).astype(str), ""))
    elif "freq_ghz" in table.colnames:
        freq: NDArray[np.float64] = np.ma.filled(np.ma.asarray(table["freq_ghz"], dtype=float), np.nan)
        parts.append(np.where(np.isfinite(freq), np.searchsorted(_BANDS_GHZ, freq, side="right"), -1).astype(str))
    if "date_obs" in table.colnames:
        days = np.ma.filled(np.ma.asarray(table["date_obs"]).astype(str), "")
        parts.append(np.array([day[:10] for day in days.tolist()], dtype=str))
    return _numbered(parts, len(table))


def unique(table: Table, radius_arcsec: float, *, across: bool = False) -> NDArray[np.bool_]:
    """Which rows stay when of sources in different images, nearer than a radius, the best one is kept.

    Two sources of one image are two sources, however near. The best one is the first by `trust`; a source that is near
    one that went is kept. What was seen in different bands or at different epochs is kept in each.

    Parameters
    ----------
    across
        Keep one row for a source whatever its band and epoch.

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
    if not across:
        settings = setting(table)
        worse &= settings[pairs.first] == settings[pairs.second]
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
    return _numbered([np.asarray(table[name]).astype(str) for name in names], len(table))


def _numbered(columns: list[Any], rows: int) -> NDArray[np.int64]:
    """The same number for rows that are the same in all columns."""
    import numpy as np

    number = np.zeros(rows, dtype=np.int64)
    for column in columns:
        values = np.unique(column, return_inverse=True)[1]
        number = np.unique(number * (int(values.max(initial=0)) + 1) + values, return_inverse=True)[1]
    return number
