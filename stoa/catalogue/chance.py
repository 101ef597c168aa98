"""How many matches are there by chance: the density of unrelated objects within the radius of a match.

Objects round the sources are counted in rings outside the radius. Where a catalogue covers the sky widely, their
density is that within the radius. Where it ends with the fields that were searched, the counts fall with the distance,
since more and more of each ring is outside; the fall is fitted, and the density is carried inward along the fit. No
area has to be known, and none that was not observed counts as empty.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise, product
from typing import TYPE_CHECKING

from stoa.catalogue.sky import pairs_within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EDGES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)
"""Edges of the rings, in radii of the match."""

_BETTER = 3.0  # in the logarithm of the likelihood, from which on a catalogue ends with the fields
_SIZES = tuple(0.55 * 1.1**step for step in range(36))  # radii of fields that are tried, in radii of the match
_BEYOND = (0.0, 0.1, 0.25, 0.5)  # densities far out that are tried, over those in the field
_NARROWER = 8.0  # likewise, for another spread than the likeliest one
_SPREADS = (1.0, 0.6, 0.0)  # of the sources, over the radius of the field
_LEAST = 1e-9
_ENOUGH = 20
_ALONE = 30  # sources without a match, to have surroundings of their own


def wrong_matches(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    object_ra: NDArray[np.float64],
    object_dec: NDArray[np.float64],
    radius_arcsec: float,
    matched: NDArray[np.bool_],
    area: float = 1.0,
) -> float:
    """How many sources are expected to be matched with an object that is not their own.

    Of N sources, T with an object of their own, M = T + (N - T) p are matched, (N - T) p = (N - M) p / (1 - p) of them
    wrongly, where p is the probability of an unrelated object within the radius. It is that round all sources, or that
    round the sources without a match where their surroundings are denser, as in fields that were pointed at objects:
    there the sources with an object of their own see nothing else. The surroundings of fewer than 30 sources without a
    match are not taken: the denser of two would be the one that is denser by chance.

    Parameters
    ----------
    ra, dec, object_ra, object_dec
        Degrees.
    matched
        Which sources have an object within the wanted distance, of shape (sources,).
    area
        Mean over the sources of the area in which an object would be matched, over that of the circle.

    Returns
    -------
    number
        At most the number of matched sources.
    """
    import numpy as np

    pairs = pairs_within(ra, dec, object_ra, object_dec, EDGES[-1] * radius_arcsec)
    inside = pairs.separation_arcsec <= radius_arcsec
    asked = np.isfinite(ra + dec)
    alone = asked & ~matched
    reach = pairs.separation_arcsec / radius_arcsec
    share = _chance(pairs.first[~inside], reach[~inside], asked, 1, area)
    if alone.sum() >= _ALONE:
        share = max(share, _chance(pairs.first[~inside], reach[~inside], alone, _ENOUGH, area))
    few = float(matched.sum())
    return few if share >= 1 else min(few, float(alone.sum()) * share / (1 - share))


def chance_of_match(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    object_ra: NDArray[np.float64],
    object_dec: NDArray[np.float64],
    radius_arcsec: float,
) -> float:
    """Probability that a point has an unrelated object within a radius, from the objects in its surroundings."""
    import numpy as np

    pairs = pairs_within(ra, dec, object_ra, object_dec, EDGES[-1] * radius_arcsec)
    reach = pairs.separation_arcsec / radius_arcsec
    return _chance(pairs.first[reach > 1], reach[reach > 1], np.isfinite(ra + dec), 1, 1.0)


def _chance(
    first: NDArray[np.int64],
    reach: NDArray[np.float64],
    rows: NDArray[np.bool_],
    least: int,
    area: float,
) -> float:
    """Probability that one of some rows has an unrelated object within the radius; 0 with fewer than `least` objects.

    Densities that differ from row to row count as such: their distribution is taken to be a gamma distribution that
    makes the counts scatter as they do.
    """
    import numpy as np

    near = rows[first]
    counts = np.histogram(reach[near], EDGES)[0]
    if counts.sum() < least:
        return 0.0
    mean = area * _carried_inward(counts) / int(rows.sum())
    per_row = np.bincount(first[near], minlength=len(rows))[rows]
    excess = float(per_row.var() - per_row.mean())
    if excess <= 0 or len(per_row) < _ENOUGH:
        return float(-np.expm1(-mean))
    shape = float(per_row.mean()) ** 2 / excess
    return float(-np.expm1(-shape * np.log1p(mean / shape)))


def _carried_inward(counts: NDArray[np.int64]) -> float:
    """Objects within the radius that the counts in the rings let expect, of all sources together."""
    import numpy as np

    best, expected = _fit(counts, np.ones(len(counts)), 1.0)
    wide = best
    for spread in _SPREADS:
        better = wide + _BETTER if spread == _SPREADS[0] else best + _NARROWER
        for size, beyond in product(_SIZES, _BEYOND):
            rings = np.array([_covered(inner, outer, size, spread) for inner, outer in pairwise(EDGES)])
            within = _covered(0.0, 1.0, size, spread)
            likelihood, found = _fit(counts, beyond + (1 - beyond) * rings, beyond + (1 - beyond) * within)
            if likelihood > max(best, better):
                best, expected = likelihood, found
    return expected


def _fit(counts: NDArray[np.int64], covered: NDArray[np.float64], within: float) -> tuple[float, float]:
    """Likelihood of counts where this share of each ring is covered, and the objects expected within the radius."""
    import numpy as np

    areas = np.diff(np.square(EDGES)) * np.maximum(covered, _LEAST)
    density = counts.sum() / areas.sum()
    return float((counts * np.log(density * areas)).sum()), float(density * within)


@cache
def _covered(inner: float, outer: float, size: float, spread: float) -> float:
    """Share of a ring round a source that is in a round field, for sources within a part of the field.

    Parameters
    ----------
    inner, outer, size
        Radii of ring and field.
    spread
        Radius within which sources are found, over that of the field.
    """
    import numpy as np

    steps = (np.arange(8) + 0.5) / 8
    at = (inner + (outer - inner) * steps)[:, None] / size
    off = np.maximum(spread * np.sqrt(steps), 1e-6)[None, :]
    share = np.arccos(np.clip((at**2 + off**2 - 1) / (2 * at * off), -1, 1)) / math.pi
    return float((share.mean(axis=1) * at[:, 0]).sum() / at.sum())
