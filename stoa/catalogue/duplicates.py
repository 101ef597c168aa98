"""Sources that are in a table more than once: from overlapping fields, or from windows and cubes of one field."""

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

_BANDS_GHZ = {
    1: (35, 50), 2: (67, 84), 3: (84, 116), 4: (125, 163), 5: (163, 211), 6: (211, 275), 7: (275, 373), 8: (385, 500),
    9: (602, 720), 10: (787, 950),
}  # fmt: skip
"""Bands of ALMA (Technical Handbook, cycle 11, table 4.1)."""


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


def band_numbers(table: Table) -> tuple[NDArray[np.int64], list[str]]:
    """A number for the band of each row, and the names of the bands by number; "" where a table does not say it.

    The band is that of the column ``band``, else ALMA's band of ``freq_ghz``.
    """
    import numpy as np

    if "band" in table.colnames:
        said = np.ma.filled(np.ma.asarray(table["band"]).astype(str), "").tolist()
        words = [f"band {text}" if text.strip().isdigit() else text.strip() for text in said]
    elif "freq_ghz" in table.colnames:
        freq: NDArray[np.float64] = np.ma.filled(np.ma.asarray(table["freq_ghz"], dtype=float), np.nan)
        words = [_band(float(value)) for value in freq]
    else:
        words = [""] * len(table)
    names = sorted(set(words), key=lambda word: (len(word), word)) or [""]
    places = {name: number for number, name in enumerate(names)}
    return np.array([places[word] for word in words], dtype=np.int64), names


def _band(ghz: float) -> str:
    """ALMA's band of a frequency, else the frequency to two digits."""
    if not ghz > 0:
        return ""
    found = next((number for number, (low, high) in _BANDS_GHZ.items() if low <= ghz <= high), None)
    return f"band {found}" if found else f"{ghz:.2g} GHz"


def setting(table: Table) -> NDArray[np.int64]:
    """A number for each row, the same for rows of one band and epoch.

    The band is that of the column ``band``, else ALMA's band of ``freq_ghz``; the epoch is the day of ``date_obs``.
    What a table does not say is the same for all rows.
    """
    import numpy as np

    parts: list[Any] = [band_numbers(table)[0]]
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
