"""Regions of the sky: those of logs (the part of IVOA's STC-S that ObsCore uses), and files of DS9."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.sky import unit_vectors

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

_SHAPE = re.compile(
    r"(?i)(not\b[\s(]*)?\b(circle|polygon)\b\s*(?:icrs|fk5|j2000)?\s*(?:[a-z]*center|unknownrefpos)?\s*([-+.\d\se]*)"
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class Shape(Struct, frozen=True):
    """A circle (one corner) or a polygon whose edges are great circles; less than a hemisphere."""

    corners: Any  # shape (corners, 2): RA and Dec in degrees
    radius_deg: float  # of a circle; 0 for a polygon
    is_hole: bool

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which unit vectors, shape (points, 3), are inside."""
        import numpy as np

        if self.radius_deg:
            centre = unit_vectors(*self.corners.T)[0]
            chord = 2 * np.sin(np.radians(self.radius_deg) / 2)
            return np.asarray(np.linalg.norm(points - centre, axis=1) <= chord * (1 + 1e-9))
        plane, in_front = gnomonic(points, self.centre())
        corners, _ = gnomonic(unit_vectors(*self.corners.T), self.centre())
        return np.asarray(_in_polygon(plane, corners) & in_front)

    def centre(self) -> NDArray[np.float64]:
        """Unit vector of the middle of the corners."""
        import numpy as np

        middle = unit_vectors(*self.corners.T).mean(axis=0)
        return np.asarray(middle / np.linalg.norm(middle))


class Region(Struct, frozen=True):
    """Shapes; a point counts as inside if it is in at least one of them and in no hole."""

    shapes: tuple[Shape, ...]

    def contains(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points are inside, of shape (points,)."""
        import numpy as np

        points = unit_vectors(ra, dec)
        held = np.zeros(len(points), dtype=bool)
        holes = held.copy()
        for shape in self.shapes:
            if shape.is_hole:
                holes |= shape.contains(points)
            else:
                held |= shape.contains(points)
        return held & ~holes

    def circle(self) -> tuple[float, float, float]:
        """A circle that holds the region: centre and radius in degrees."""
        import numpy as np

        solid = [shape for shape in self.shapes if not shape.is_hole]
        middle = np.sum([shape.centre() for shape in solid], axis=0)
        middle /= np.linalg.norm(middle)
        far = max(float(_angles(unit_vectors(*shape.corners.T), middle).max()) + shape.radius_deg for shape in solid)
        ra, dec = np.degrees(np.arctan2(middle[1], middle[0])) % 360, np.degrees(np.arcsin(middle[2]))
        return float(ra), float(dec), far * (1 + 1e-9)


def read_region(text: str) -> Region:
    """A region from STC-S: circles and polygons in ICRS degrees, joined, with ``Not (...)`` for holes.

    Raises
    ------
    CatalogueError
        If there is no shape in it, or a shape has too few or odd numbers.
    """
    import numpy as np

    shapes = []
    for hole, kind, rest in _SHAPE.findall(text):
        numbers = [float(number) for number in _NUMBER.findall(rest)]
        is_circle = kind.lower() == "circle"
        if len(numbers) != 3 if is_circle else (len(numbers) < 6 or len(numbers) % 2):
            raise CatalogueError(f"a region of the log has a {kind.lower()} of {len(numbers)} numbers: {text[:80]!r}")
        corners = np.array(numbers[:2] if is_circle else numbers).reshape(-1, 2)
        shapes.append(Shape(corners, numbers[2] if is_circle else 0.0, bool(hole)))
    if not any(not shape.is_hole for shape in shapes):
        raise CatalogueError(f"a region of the log is neither circle nor polygon: {text[:80]!r}")
    return Region(tuple(shapes))


def write_ds9(table: Table, path: Path, *, name: str, radius_arcsec: float = 0.0) -> int:
    """Sources as circles of a DS9 region file, in ICRS, labelled by name or number; gives the number of circles.

    A source without a position is left out.

    Parameters
    ----------
    radius_arcsec
        Of each circle; 0 for half the major axis where there is one, and 1 arcsec where not.
    """
    import numpy as np

    ra, dec = positions(table, name)
    size = np.full(len(table), radius_arcsec or 1.0)
    if not radius_arcsec and "major_arcsec" in table.colnames:
        widths = np.ma.filled(np.ma.asarray(table["major_arcsec"], dtype=float), np.nan) / 2
        size = np.where(widths > 0, widths, 1.0)
    label = next((column for column in ("name", "Name", "target", "id") if column in table.colnames), None)
    lines = ["# Region file format: DS9", "global color=red", "icrs"]
    for row in range(len(table)):
        text = re.sub(r"[{}\r\n]", " ", str(table[label][row])) if label else ""
        if np.isfinite(ra[row] + dec[row]):
            lines.append(
                f'circle({ra[row]:.8f},{dec[row]:.8f},{size[row]:.4f}")' + (f" # text={{{text}}}" if text else "")
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines) - 3


def gnomonic(points: NDArray[np.float64], centre: NDArray[np.float64]) -> tuple[Any, Any]:
    """Points on the plane that touches the sphere at a centre, where great circles are straight; which are in front."""
    import numpy as np

    pole = np.array([0.0, 0.0, 1.0]) if abs(centre[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(pole, centre)
    east /= np.linalg.norm(east)
    north = np.cross(centre, east)
    depth = points @ centre
    in_front = depth > 1e-9
    safe = np.where(in_front, depth, 1.0)
    return np.stack([points @ east / safe, points @ north / safe], axis=1), in_front


def _in_polygon(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Even-odd rule: how many edges a ray to the right crosses."""
    import numpy as np

    held = np.zeros(len(points), dtype=bool)
    x, y = points.T
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y1 > y) != (y2 > y)
        if crosses.any():
            held ^= crosses & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1 if y2 != y1 else 1.0))
    return held


def _angles(points: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles from a centre in degrees."""
    import numpy as np

    chord = np.linalg.norm(points - centre, axis=1)
    return np.asarray(np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1))))
