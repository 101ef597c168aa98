"""Sources matched with a catalogue on the sky: the nearest object within a radius.

Two numbers answer "how many matched?". Rows: every source of every image that has an object within the
radius; one quasar seen in the continuum image, four windows and a cube, with a companion, counts ten times.
Objects: distinct objects of the catalogue that have at least one such source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.chance import wrong_matches
from stoa.catalogue.columns import describe
from stoa.catalogue.duplicates import is_calibrator, setting, trust
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.position_errors import Errors, both_errors
from stoa.catalogue.positions import positions
from stoa.catalogue.sky import offsets, pairs_within
from stoa.numbers import MAD_SIGMA

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

FAR = 10
"""Second nearest objects are looked for up to this many radii."""

_ROUNDING_ARCSEC = 1e-9  # of positions in degrees
MEASURED = ("separation_arcsec", "second_arcsec", "d_ra_arcsec", "d_dec_arcsec")
"""Columns that a match adds."""

PREFIX = "cat_"
"""Put before the names of the catalogue's columns."""


class Offset(Struct, frozen=True):
    """Where sources are relative to their objects, in arcsec; one source an object."""

    objects: int
    d_ra: float  # median, source minus object, times cos(dec)
    d_dec: float
    scatter: float  # 1.4826 times the median absolute deviation, of both together
    error: float  # of each median, 1.2533 scatter / sqrt(objects)


class FieldOffset(Struct, frozen=True):
    """The same of the sources of one target."""

    target: str
    offset: Offset


class Matches(Struct, frozen=True, kw_only=True):
    """Outcome of a match."""

    table: Any  # astropy Table of the matched sources
    radius_arcsec: float
    sources: int  # rows that were asked about
    calibrators: int  # rows left out because their intent is calibrator
    matched: int  # rows with an object within the radius
    objects: int  # distinct objects among them
    expected: float  # of the matched rows, those whose object is expected to be another one
    e_expected: float = 0.0  # its error
    offset: Offset | None  # None without a match
    fields: tuple[
        FieldOffset, ...
    ] = ()  # by target, where the table names them; the largest offset over its error first


def match(
    table: Table,
    catalogue: Table,
    radius_arcsec: float,
    *,
    calibrators: bool = False,
    unique: bool = False,
    across: bool = False,
    errors: Errors | None = None,
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
        One row for each object, band and epoch in the table: a science target before a calibrator, the continuum image
        before windows and cubes, then the highest signal to noise, then the nearest. The counts stay those of all rows.
    across
        With `unique`: one row for each object, whatever its band and epoch.
    errors
        Sources match that are, besides, no farther away than this many times the errors of both positions,
        sqrt((d_ra / e_ra)^2 + (d_dec / e_dec)^2) with the errors added in quadrature.
    names
        What the two tables are called in messages.

    Returns
    -------
    matches
        Its table has the columns of `table`, then ``separation_arcsec``, ``second_arcsec``, ``d_ra_arcsec`` and
        ``d_dec_arcsec``, then the catalogue's with `PREFIX`. ``expected`` is by `stoa.catalogue.chance`.

    Raises
    ------
    CatalogueError
        If the radius is not a positive number or a table has no positions.
    """
    import numpy as np

    if not 0 < radius_arcsec < 3600:
        raise CatalogueError(f"a match radius must be between 0 and 3600 arcsec, got {radius_arcsec:g}")
    asked = table if calibrators else table[~is_calibrator(table)]
    (ra1, dec1), (ra2, dec2) = positions(asked, names[0]), positions(catalogue, names[1])
    pairs = pairs_within(ra1, dec1, ra2, dec2, FAR * radius_arcsec)
    rows, start = np.unique(pairs.first, return_index=True)
    near = pairs.separation_arcsec[start] <= radius_arcsec + _ROUNDING_ARCSEC
    place = pairs.separation_arcsec[start] / radius_arcsec
    area = 1.0
    if errors:
        sigma = both_errors(asked, catalogue, rows, pairs.second[start], errors, names)
        east, north = offsets(ra1[rows], dec1[rows], ra2[pairs.second[start]], dec2[pairs.second[start]])
        times = np.hypot(east / sigma[0], north / sigma[1])
        near &= times <= errors.times
        place = np.maximum(place, times / errors.times)
        area = _area(asked, catalogue, errors, radius_arcsec, names)
    rows, start = rows[near], start[near]
    objects = pairs.second[start]
    places = np.full(len(asked), np.nan)
    places[rows] = np.minimum(place[near], 1.0)
    wrong = wrong_matches(ra1, dec1, ra2, dec2, radius_arcsec, places, area)
    matched = asked[rows]
    matched["separation_arcsec"] = pairs.separation_arcsec[start]
    matched["second_arcsec"] = _second(pairs.first, pairs.separation_arcsec, start)
    matched["d_ra_arcsec"], matched["d_dec_arcsec"] = offsets(ra1[rows], dec1[rows], ra2[objects], dec2[objects])
    describe(matched, MEASURED)
    for name in catalogue.colnames:
        matched[PREFIX + name] = catalogue[name][objects]
    best = _one_an_object(matched, objects)
    if unique and not across:
        kept = _one_an_object(matched, objects, setting(matched))
    else:
        kept = best if unique else np.arange(len(matched))
    return Matches(
        table=matched[kept],
        radius_arcsec=radius_arcsec,
        sources=len(asked),
        calibrators=len(table) - len(asked),
        matched=len(matched),
        objects=len(best),
        expected=wrong.number,
        e_expected=wrong.error,
        offset=_offset(matched[best]),
        fields=_by_field(matched, objects),
    )


def _second(first: NDArray[np.int64], separation: NDArray[np.float64], start: NDArray[np.int64]) -> Any:
    """Separation of the pair after the nearest one, NaN where that belongs to another source."""
    import numpy as np

    after = np.minimum(start + 1, max(len(first) - 1, 0))
    return np.where((after > start) & (first[after] == first[start]), separation[after], np.nan)


def _one_an_object(
    matched: Table, objects: NDArray[np.int64], settings: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Rows of `matched`, the best one of each object, or of each object and setting, in their order."""
    import numpy as np

    apart = np.zeros(len(matched), dtype=np.int64) if settings is None else settings
    order = np.lexsort((matched["separation_arcsec"], *trust(matched), apart, objects))
    _, first = np.unique(np.stack([objects[order], apart[order]]), axis=1, return_index=True)
    return np.sort(order[first])


def _area(asked: Table, catalogue: Table, errors: Errors, radius_arcsec: float, names: tuple[str, str]) -> float:
    """Mean area of the ellipses in which an object matches, over that of the circle; with the objects' median error."""
    import numpy as np

    e_ra, e_dec = both_errors(asked, catalogue, None, None, errors, names)
    shares = np.minimum(errors.times**2 * e_ra * e_dec / radius_arcsec**2, 1.0)
    known = shares[np.isfinite(shares)]
    return float(known.mean()) if known.size else 1.0


def _by_field(matched: Table, objects: NDArray[np.int64]) -> tuple[FieldOffset, ...]:
    """Offsets by target, each object once, the most significant first."""
    import numpy as np

    if "target" not in matched.colnames:
        return ()
    targets = np.ma.filled(np.ma.asarray(matched["target"]).astype(str), "")
    found = []
    for target in np.unique(targets):
        rows = np.flatnonzero(targets == target)
        offset = _offset(matched[rows[_one_an_object(matched[rows], objects[rows])]])
        if offset:
            found.append(FieldOffset(str(target), offset))
    return tuple(sorted(found, key=lambda field: (-_significance(field.offset), field.target)))


def _significance(offset: Offset) -> float:
    size = float((offset.d_ra**2 + offset.d_dec**2) ** 0.5)
    return size / offset.error if offset.error > 0 else 0.0


def _offset(best: Table) -> Offset | None:
    import numpy as np

    if len(best) == 0:
        return None
    both = np.stack([np.asarray(best["d_ra_arcsec"]), np.asarray(best["d_dec_arcsec"])])
    centre = np.median(both, axis=1)
    scatter = float(MAD_SIGMA * np.median(np.abs(both - centre[:, None])))
    return Offset(len(best), float(centre[0]), float(centre[1]), scatter, 1.2533 * scatter / len(best) ** 0.5)
