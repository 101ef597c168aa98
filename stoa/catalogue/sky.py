"""Which points of two lists are near one another on the sphere."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ARCSEC_PER_RADIAN = 206264.80624709636
_LEAST_CELL = 2e-6  # of the unit sphere; three cell numbers fit 63 bits
_SIEVE = 1 << 23  # bytes; more of them let fewer empty cells through
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: neighbouring cells are spread over the sieve


class Pairs(Struct, frozen=True):
    """Pairs of points, sorted by the first list's row and then by separation."""

    first: Any  # shape (pairs,), rows of the first list
    second: Any  # rows of the second list
    separation_arcsec: Any


def pairs_within(
    ra1: NDArray[np.float64],
    dec1: NDArray[np.float64],
    ra2: NDArray[np.float64],
    dec2: NDArray[np.float64],
    radius_arcsec: float,
) -> Pairs:
    """All pairs at most a radius apart.

    The second list is sorted into cubic cells of twice the radius, so that the neighbours of a point are in at
    most eight of them; poles and RA = 0 need no care. A sieve of the cells that hold anybody spares most searches
    where the lists are sparse. The cost grows with rows and pairs, not with their product.

    Parameters
    ----------
    ra1, dec1, ra2, dec2
        Degrees. Points that are not finite have no neighbours.
    radius_arcsec
        More than 0, at most a few degrees to be fast.
    """
    import numpy as np

    rows1, rows2 = np.flatnonzero(np.isfinite(ra1 + dec1)), np.flatnonzero(np.isfinite(ra2 + dec2))
    points1, points2 = unit_vectors(ra1[rows1], dec1[rows1]), unit_vectors(ra2[rows2], dec2[rows2])
    chord = 2 * np.sin(min(radius_arcsec / ARCSEC_PER_RADIAN, np.pi) / 2)
    i, j = _candidates(points1, points2, max(2 * chord * (1 + 1e-9), _LEAST_CELL))
    distance = np.linalg.norm(points1[i] - points2[j], axis=1)
    near = distance <= chord * (1 + 1e-12)
    i, j, distance = rows1[i[near]], rows2[j[near]], distance[near]
    separation = 2 * np.arcsin(np.minimum(distance / 2, 1)) * ARCSEC_PER_RADIAN
    sorting = np.lexsort((separation, i))
    return Pairs(i[sorting], j[sorting], separation[sorting])


def unit_vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the unit sphere, shape (points, 3), from degrees."""
    import numpy as np

    a, d = np.radians(ra), np.radians(dec)
    return np.stack((np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)), axis=-1)


def offsets(
    ra1: NDArray[np.float64], dec1: NDArray[np.float64], ra2: NDArray[np.float64], dec2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First minus second point in arcsec, east (times cos dec) and north, for points close together."""
    import numpy as np

    east = ((ra1 - ra2 + 180) % 360 - 180) * np.cos(np.radians((dec1 + dec2) / 2))
    return east * 3600, (dec1 - dec2) * 3600


def _candidates(
    points1: NDArray[np.float64], points2: NDArray[np.float64], size: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows in the same or a neighbouring cell: all that are at most half a cell's size apart, and more."""
    import numpy as np

    across = int(np.ceil(2 / size)) + 3
    keys2 = _keys(_cells(points2, size), across)
    order = np.argsort(keys2, kind="stable")
    filled, start, held = np.unique(keys2[order], return_index=True, return_counts=True)
    sieve = np.zeros(_SIEVE, dtype=bool)
    sieve[_places(filled)] = True
    cells = _cells(points1, size)
    keys1 = _keys(cells, across)
    nearer = np.where((points1 + 1) / size - cells < 0.5, -1, 1)  # the side of the cell, along each axis
    sides = nearer * np.array([across**2, across, 1])
    found1, found2 = [], []
    for corner in product((0, 1), repeat=3):
        wanted = keys1 + sides @ np.array(corner)
        rows = np.flatnonzero(sieve[_places(wanted)])  # no one is near the others
        at = np.minimum(np.searchsorted(filled, wanted[rows]), max(len(filled) - 1, 0))
        there = filled[at] == wanted[rows]
        rows, at = rows[there], at[there]
        count = held[at]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        found1.append(np.repeat(rows, count))
        found2.append(order[np.repeat(start[at], count) + within])
    return np.concatenate(found1), np.concatenate(found2)


def _cells(points: NDArray[np.float64], size: float) -> NDArray[np.int64]:
    import numpy as np

    return np.floor((points + 1) / size).astype(np.int64)


def _keys(cells: NDArray[np.int64], across: int) -> NDArray[np.int64]:
    """One number a cell; cells run from -1 to `across` - 2 along each axis."""
    x, y, z = (cells[:, axis] + 1 for axis in range(3))
    return (x * across + y) * across + z


def _places(keys: NDArray[Any]) -> NDArray[np.uint64]:
    """Where cells are in the sieve, in which few share a place."""
    import numpy as np

    return (keys.astype(np.uint64) * np.uint64(_GOLDEN)) >> np.uint64(65 - _SIEVE.bit_length())
