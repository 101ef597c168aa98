"""Which of many points are in a cone on the sphere, in time that grows with the answer and not with the points."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAF = 64  # points that are looked at one by one
_SLACK = 1e-15  # of coordinates of unit vectors


class Sky:
    """Points on the sphere in a balanced k-d tree of their unit vectors, so that poles and RA = 0 need no care.

    Parameters
    ----------
    ra, dec
        Degrees, shape (points,). A point that is not finite is in no cone.
    """

    def __init__(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> None:
        import numpy as np

        rows = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
        points = _unit_vectors(ra[rows], dec[rows])
        self._depth = max(int(np.ceil(np.log2(max(len(rows), 1) / _LEAF))), 0)
        order = _ordered(points, self._depth)
        self._rows, self._points = rows[order], points[order]
        self._starts = [len(rows) * np.arange(2**level + 1) // 2**level for level in range(self._depth + 1)]
        self._lows, self._highs = self._boxes() if len(rows) else ([], [])

    def __len__(self) -> int:
        return len(self._rows)

    def _boxes(self) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """Least and greatest coordinates of each node, by level."""
        import numpy as np

        starts = self._starts[-1][:-1]
        lows, highs = [np.minimum.reduceat(self._points, starts)], [np.maximum.reduceat(self._points, starts)]
        for _ in range(self._depth):
            lows.insert(0, np.minimum(lows[0][::2], lows[0][1::2]))
            highs.insert(0, np.maximum(highs[0][::2], highs[0][1::2]))
        return lows, highs

    def cone(self, ra: float, dec: float, radius: float) -> NDArray[np.int64]:
        """Rows of the points at most `radius` away, in ascending order.

        Parameters
        ----------
        ra, dec, radius
            Degrees; the radius from 0 to 180, which is the whole sphere.
        """
        import numpy as np

        if not len(self) or radius >= 180:
            return np.sort(self._rows)
        centre = _unit_vectors(np.array([ra]), np.array([dec]))[0]
        inside, border = self._ranges(centre, 2 * np.sin(np.radians(radius) / 2))
        within = border[_separations(self._points[border], centre) <= np.radians(radius)]
        return np.sort(self._rows[np.concatenate([inside, within])])

    def _ranges(self, centre: NDArray[np.float64], chord: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of the points of nodes that are wholly inside, and of leaves that the border of the cone may cross."""
        import numpy as np

        most, least = (chord * (1 + 1e-9) + _SLACK) ** 2, max(chord * (1 - 1e-9) - _SLACK, 0) ** 2
        nodes = np.zeros(1, dtype=np.int64)
        whole = []
        for level in range(self._depth + 1):
            low, high = self._lows[level][nodes], self._highs[level][nodes]
            near = ((np.clip(centre, low, high) - centre) ** 2).sum(axis=1)
            far = (np.maximum(np.abs(low - centre), np.abs(high - centre)) ** 2).sum(axis=1)
            is_inside = far <= least
            whole.append(self._places(level, nodes[is_inside]))
            nodes = nodes[(near <= most) & ~is_inside]
            if level < self._depth:
                nodes = np.stack((2 * nodes, 2 * nodes + 1), axis=1).ravel()
        return np.concatenate(whole), self._places(self._depth, nodes)

    def _places(self, level: int, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        import numpy as np

        starts = self._starts[level][nodes]
        counts = self._starts[level][nodes + 1] - starts
        shifts = starts - (np.cumsum(counts) - counts)
        return np.asarray(np.arange(counts.sum()) + np.repeat(shifts, counts), dtype=np.int64)


def _ordered(points: NDArray[np.float64], depth: int) -> NDArray[np.int64]:
    """Order in which every node's points are together: each level halves the nodes along their longest side."""
    import numpy as np

    order = np.arange(len(points))
    for level in range(depth):
        starts = len(points) * np.arange(2 ** (level + 1) + 1) // 2 ** (level + 1)
        for node in range(2**level):
            start, middle, end = starts[2 * node : 2 * node + 3]
            mine = order[start:end]
            own = points[mine]
            axis = int(np.argmax(own.max(axis=0) - own.min(axis=0)))
            order[start:end] = mine[np.argpartition(own[:, axis], middle - start)]
    return order


def _unit_vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    a, d = np.radians(ra), np.radians(dec)
    return np.stack((np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)), axis=-1)


def _separations(points: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radians, exact for small angles and for those near 180 degrees alike."""
    import numpy as np

    return np.asarray(np.arctan2(np.linalg.norm(np.cross(points, centre), axis=-1), points @ centre))
