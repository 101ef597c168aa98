"""How many matches are by chance: from the density of unrelated objects, and from the separations of the matches.

Objects round the sources are counted in rings outside the radius. Where a catalogue covers the sky widely, their
density is that within the radius. Where it ends with the fields that were searched, the counts fall with the distance,
since more and more of each ring is outside; the fall is fitted, and the density is carried inward along the fit. No
area has to be known, and none that was not observed counts as empty. Of few fields the fit is uncertain. The
separations then say more: unrelated objects are spread over the area within the radius, own ones are near the source.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise, product
from typing import TYPE_CHECKING

from msgspec import Struct

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
_KNOWN = 0.02  # variance, relative, of a number that was carried inward from very many objects
_OBJECTS = 8.0  # over the number of objects: what is added to it; from skies of 8, 20 and 300 fields
_FLOOR = 0.06  # of the number: how far off that of 300 fields is at most
_TAIL = 0.1  # share of the own objects with twice the usual scatter
_SCATTERS = tuple(0.02 * 1.2**step for step in range(16))  # of own objects, in radii of the match; at most a third
_WITHIN = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # radii
_SHARES = 200  # steps of the share of matches by chance


class Wrong(Struct, frozen=True):
    """How many matches are by chance, and the error of this number (68 per cent)."""

    number: float
    error: float


class _Around(Struct, frozen=True):
    """Unrelated objects round sources.

    Attributes
    ----------
    share
        Probability that there is one within the radius.
    mean
        How many are expected within the radius.
    profile
        Their density at the distances `_WITHIN`.
    """

    share: float
    mean: float
    profile: tuple[float, ...]

    def nearest(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Density of the distance of the nearest one, where there is one within the radius."""
        import numpy as np

        steps = (np.arange(100) + 0.5) / 100
        rings = 2 * steps * np.interp(steps, _WITHIN, self.profile)
        rings *= self.mean / rings.mean()
        inner = np.cumsum(rings) / 100 - rings / 200
        density = rings * np.exp(-inner) if self.mean > 0 else 2 * steps
        return np.asarray(np.interp(at, steps, density / density.mean()))


def wrong_matches(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    object_ra: NDArray[np.float64],
    object_dec: NDArray[np.float64],
    radius_arcsec: float,
    places: NDArray[np.float64],
    area: float = 1.0,
) -> Wrong:
    """How many sources are expected to be matched with an object that is not their own.

    Of N sources, T with an object of their own, M = T + (N - T) p are matched, (N - T) p = (N - M) p / (1 - p) of them
    wrongly, where p is the probability of an unrelated object within the radius. It is that round all sources, or that
    round the sources without a match where their surroundings are denser, as in fields that were pointed at objects:
    there the sources with an object of their own see nothing else. The surroundings of fewer than 30 sources without a
    match are not taken: the denser of two would be the one that is denser by chance.

    This number, with its error, is what is known before the separations are looked at (`_from_separations`).

    Parameters
    ----------
    ra, dec, object_ra, object_dec
        Degrees.
    places
        Of the object of each source in the area in which it would be matched, of shape (sources,): 0 in the middle,
        1 at the border, NaN without an object there. In an ellipse it is the largest ellipse's size, not a distance.
    area
        Mean over the sources of the area in which an object would be matched, over that of the circle.

    Returns
    -------
    wrong
        At most the number of matched sources.
    """
    import numpy as np

    pairs = pairs_within(ra, dec, object_ra, object_dec, EDGES[-1] * radius_arcsec)
    inside = pairs.separation_arcsec <= radius_arcsec
    matched = np.isfinite(places)
    asked = np.isfinite(ra + dec)
    alone = asked & ~matched
    reach = pairs.separation_arcsec / radius_arcsec
    around = _around(pairs.first[~inside], reach[~inside], asked, 1, area)
    if alone.sum() >= _ALONE:
        theirs = _around(pairs.first[~inside], reach[~inside], alone, _ENOUGH, area)
        around = max(around, theirs, key=lambda one: one.share)
    if not matched.any():
        return Wrong(0.0, 0.0)
    share = around.share
    before = float(alone.sum()) * share / (1 - share) if share < 1 else math.inf
    doubt = _KNOWN + _OBJECTS / (1 + len(np.unique(pairs.second[~inside])))
    return _from_separations(places[matched], around, before, doubt)


def _from_separations(places: NDArray[np.float64], around: _Around, before: float, doubt: float) -> Wrong:
    """Matches by chance among matches at these places, 0 in the middle to 1 at the border.

    Unrelated objects are spread over the area as they are round the sources, and the nearest one counts. Own ones
    scatter by a normal distribution, a tenth of them twice as much, with a scatter of at most a third of the radius.
    The number is the mean over all shares of unrelated ones and all scatters, each with its probability. Its error is
    the standard deviation, and in quadrature half a match and `_FLOOR` of the number: an unrelated object that is as
    near as an own one is not told from it.

    Parameters
    ----------
    before, doubt
        The number that is expected without the places, and its relative variance; it has a gamma distribution.
    """
    import numpy as np

    number = len(places)
    before = min(max(before, _LEAST), float(number))
    at = np.maximum(places, 1e-3)[:, None]
    even = around.nearest(at)
    shares = (np.arange(_SHARES) + 0.5) / _SHARES
    chance = number * shares
    known = (1 / doubt - 1) * np.log(chance) - chance / doubt / before
    weights, means, squares = [], [], []
    for scatter in _SCATTERS:
        own = (1 - _TAIL) * _near(at, scatter) + _TAIL * _near(at, 2 * scatter)
        wrong = shares * even / (shares * even + (1 - shares) * own)
        weights.append(known + np.log(shares * even + (1 - shares) * own).sum(axis=0))
        means.append(wrong.sum(axis=0))
        squares.append(means[-1] ** 2 + (wrong * (1 - wrong)).sum(axis=0))
    likely = np.exp(np.array(weights) - np.max(weights))
    likely /= likely.sum()
    mean = float((likely * means).sum())
    variance = max(float((likely * squares).sum()) - mean**2, 0.0)
    return Wrong(mean, math.hypot(math.sqrt(variance), _FLOOR * mean, 0.5 * min(mean, 1.0)))


def _near(at: NDArray[np.float64], scatter: float) -> NDArray[np.float64]:
    """Density of the distance of own objects, within the radius."""
    import numpy as np

    return at / scatter**2 * np.exp(-0.5 * (at / scatter) ** 2) / -math.expm1(-0.5 / scatter**2)


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
    return _around(pairs.first[reach > 1], reach[reach > 1], np.isfinite(ra + dec), 1, 1.0).share


def _around(
    first: NDArray[np.int64],
    reach: NDArray[np.float64],
    rows: NDArray[np.bool_],
    least: int,
    area: float,
) -> _Around:
    """What is round some rows; nothing with fewer than `least` objects.

    Densities that differ from row to row count as such: their distribution is taken to be a gamma distribution that
    makes the counts scatter as they do.
    """
    import numpy as np

    near = rows[first]
    counts = np.histogram(reach[near], EDGES)[0]
    if counts.sum() < least:
        return _Around(0.0, 0.0, (1.0,) * len(_WITHIN))
    inward, profile = _carried_inward(counts)
    mean = area * inward / int(rows.sum())
    per_row = np.bincount(first[near], minlength=len(rows))[rows]
    excess = float(per_row.var() - per_row.mean())
    if excess <= 0 or len(per_row) < _ENOUGH:
        return _Around(float(-np.expm1(-mean)), mean, profile)
    shape = float(per_row.mean()) ** 2 / excess
    return _Around(float(-np.expm1(-shape * np.log1p(mean / shape))), mean, profile)


def _carried_inward(counts: NDArray[np.int64]) -> tuple[float, tuple[float, ...]]:
    """Objects within the radius that the counts in the rings let expect, of all sources together; their profile."""
    import numpy as np

    profile = (1.0,) * len(_WITHIN)
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
                profile = tuple(beyond + (1 - beyond) * _covered(at, at + 0.01, size, spread) for at in _WITHIN)
    return expected, profile


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
