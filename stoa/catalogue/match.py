"""Sources matched with a catalogue on the sky: the nearest object within a radius.

Two numbers answer "how many matched?". Rows: every source of every image that has an object within the
radius; one quasar seen in the continuum image, four windows and a cube, with a companion, counts ten times.
Objects: distinct objects of the catalogue that have at least one such source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.columns import describe
from stoa.catalogue.duplicates import trust
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.sky import offsets, pairs_within
from stoa.numbers import MAD_SIGMA

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

FAR = 10
"""Second nearest objects and the surroundings are looked at up to so many radii."""

_NEAR = 2  # radii; nearer objects may be the match itself
_ROUNDING_ARCSEC = 1e-9  # of positions in degrees
MEASURED = ("separation_arcsec", "second_arcsec", "d_ra_arcsec", "d_dec_arcsec")
"""Columns that a match adds."""

PREFIX = "cat_"
"""Put before the names of the catalogue's columns."""


class Offset(Struct, frozen=True):
    """Where sources lie relative to their objects, in arcsec; one source an object."""

    objects: int
    d_ra: float  # median, source minus object, times cos(dec)
    d_dec: float
    scatter: float  # 1.4826 times the median absolute deviation, of both together
    error: float  # of each median, 1.2533 scatter / sqrt(objects)


class Matches(Struct, frozen=True, kw_only=True):
    """Outcome of a match."""

    table: Any  # astropy Table of the matched sources
    radius_arcsec: float
    sources: int  # rows that were asked about
    calibrators: int  # rows left out because their intent is calibrator
    matched: int  # rows with an object within the radius
    objects: int  # distinct objects among them
    expected: float  # rows that would have matched by chance
    offset: Offset | None  # None without a match


def match(
    table: Table,
    catalogue: Table,
    radius_arcsec: float,
    *,
    calibrators: bool = False,
    unique: bool = False,
    names: tuple[str, str] = ("sources", "catalogue"),
) -> Matches:
    """The nearest catalogue object of every source, where there is one within the radius.

    Parameters
    ----------
    radius_arcsec
        Largest separation, included.
    calibrators
        Keep rows whose column ``intent`` says calibrator: these are quasars, and match for certain.
    unique
        One row an object in the table: of the continuum image before windows and cubes, then of the highest
        signal to noise, then the nearest. The counts stay those of all rows.
    names
        What the two tables are called in messages.

    Returns
    -------
    matches
        Its table has the columns of `table`, then ``separation_arcsec``, ``second_arcsec``, ``d_ra_arcsec`` and
        ``d_dec_arcsec``, then the catalogue's with `PREFIX`. ``expected`` is the number of objects between 2 and
        10 radii from the sources, scaled to the area within one radius: a local density, so that it holds for
        fields that were pointed at an object.

    Raises
    ------
    CatalogueError
        If the radius is no positive number or a table has no positions.
    """
    import numpy as np

    if not 0 < radius_arcsec < 3600:
        raise CatalogueError(f"a match radius must lie between 0 and 3600 arcsec, got {radius_arcsec:g}")
    asked = table if calibrators else table[~_is_calibrator(table)]
    (ra1, dec1), (ra2, dec2) = positions(asked, names[0]), positions(catalogue, names[1])
    pairs = pairs_within(ra1, dec1, ra2, dec2, FAR * radius_arcsec)
    rows, start = np.unique(pairs.first, return_index=True)
    near = pairs.separation_arcsec[start] <= radius_arcsec + _ROUNDING_ARCSEC
    rows, start = rows[near], start[near]
    objects = pairs.second[start]
    matched = asked[rows]
    matched["separation_arcsec"] = pairs.separation_arcsec[start]
    matched["second_arcsec"] = _second(pairs.first, pairs.separation_arcsec, start)
    matched["d_ra_arcsec"], matched["d_dec_arcsec"] = offsets(ra1[rows], dec1[rows], ra2[objects], dec2[objects])
    describe(matched, MEASURED)
    for name in catalogue.colnames:
        matched[PREFIX + name] = catalogue[name][objects]
    best = _one_an_object(matched, objects)
    annulus = int((pairs.separation_arcsec > _NEAR * radius_arcsec).sum())
    return Matches(
        table=matched[best] if unique else matched,
        radius_arcsec=radius_arcsec,
        sources=len(asked),
        calibrators=len(table) - len(asked),
        matched=len(matched),
        objects=len(best),
        expected=annulus / (FAR**2 - _NEAR**2),
        offset=_offset(matched[best]),
    )


def _is_calibrator(table: Table) -> NDArray[np.bool_]:
    import numpy as np

    if "intent" not in table.colnames:
        return np.zeros(len(table), dtype=bool)
    return np.ma.filled(np.ma.asarray(table["intent"]) == "calibrator", False)


def _second(first: NDArray[np.int64], separation: NDArray[np.float64], start: NDArray[np.int64]) -> Any:
    """Separation of the pair after the nearest one, NaN where that belongs to another source."""
    import numpy as np

    after = np.minimum(start + 1, max(len(first) - 1, 0))
    return np.where((after > start) & (first[after] == first[start]), separation[after], np.nan)


def _one_an_object(matched: Table, objects: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of `matched`, the best one of each object, in their order."""
    import numpy as np

    order = np.lexsort((matched["separation_arcsec"], *trust(matched), objects))
    _, first = np.unique(objects[order], return_index=True)
    return np.sort(order[first])


def _offset(best: Table) -> Offset | None:
    import numpy as np

    if len(best) == 0:
        return None
    both = np.stack([np.asarray(best["d_ra_arcsec"]), np.asarray(best["d_dec_arcsec"])])
    centre = np.median(both, axis=1)
    scatter = float(MAD_SIGMA * np.median(np.abs(both - centre[:, None])))
    return Offset(len(best), float(centre[0]), float(centre[1]), scatter, 1.2533 * scatter / len(best) ** 0.5)
