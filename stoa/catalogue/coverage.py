"""Which part of the sky was observed, as a MOC (IVOA, Multi-Order Coverage map 2.0): cells of HEALPix.

A coverage holds each cell that a field touches: it is never smaller than the fields, and larger by less than a cell.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.catalogue.fields import Observation
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.regions import Shape, read_region
from stoa.opening import regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".moc.fits"
ORDER = 15
"""Cells of 6.4 arcsec: the field of a dish of 12 m is 10 arcsec across or more."""

MOST_ORDER = 20
_MOST_BYTES = 200_000_000
_SQUARE_DEG = 4 * math.pi * math.degrees(1) ** 2
_MOST_OUTLINES = 20_000


def coverage(observations: Iterable[Observation], order: int = ORDER) -> Any:
    """The sky that some observations have in their fields, as a `mocpy.MOC`.

    Fields of a region count with its shapes, others as circles; those of unknown radius are left out.

    Raises
    ------
    CatalogueError
        If a region cannot be read, or the order is not one of HEALPix.
    """
    import numpy as np
    from astropy import units
    from mocpy import MOC

    if not 0 <= order <= MOST_ORDER:
        raise CatalogueError(f"the order of a coverage is from 0 to {MOST_ORDER}, got {order}")
    made = MOC.new_empty(order)
    circles: list[tuple[float, float, float]] = []
    for one in observations:
        if one.region:
            shapes = read_region(one.region).shapes
            solid = [_of_shape(shape, order) for shape in shapes if not shape.is_hole]
            region = solid[0].union(*solid[1:]) if len(solid) > 1 else solid[0]
            for hole in (_inner(shape, order) for shape in shapes if shape.is_hole):
                region = region.difference(hole)
            made = made.union(region)
        elif one.radius_deg > 0:
            circles.append((one.ra_deg, one.dec_deg, min(one.radius_deg, 180.0)))
    if circles:
        ra, dec, radius = np.array(sorted(set(circles))).T * units.deg
        cones = MOC.from_cones(lon=ra, lat=dec, radius=radius, max_depth=order)
        made = made.union(*cones)
    return made


def _of_shape(shape: Shape, order: int) -> Any:
    from astropy import units
    from mocpy import MOC

    ra, dec = shape.corners.T * units.deg
    if shape.radius_deg:
        return MOC.from_cone(lon=ra[0], lat=dec[0], radius=shape.radius_deg * units.deg, max_depth=order)
    return MOC.from_polygon(lon=ra, lat=dec, max_depth=order)


def _inner(shape: Shape, order: int) -> Any:
    """The cells that are inside of a hole as a whole: those at its border are partly observed."""
    return _of_shape(shape, order).contracted()


def within(moc: Any, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points are in a coverage; those that are not finite are nowhere."""
    import numpy as np
    from astropy import units

    inside = np.zeros(len(ra), dtype=bool)
    known = np.isfinite(ra + dec)
    if known.any():
        inside[known] = moc.contains_lonlat(ra[known] * units.deg, dec[known] * units.deg)
    return inside


def area_square_deg(moc: Any) -> float:
    """Size of a coverage."""
    return float(moc.sky_fraction) * _SQUARE_DEG


def is_coverage(path: Path) -> bool:
    """Whether a file is called as coverages are."""
    return path.name.lower().endswith((SUFFIX, ".moc"))


def read_coverage(path: Path) -> Any:
    """A coverage from a FITS file.

    Raises
    ------
    CatalogueError
        If it is none, or not whole.
    """
    from astropy.io import fits
    from mocpy import MOC

    try:
        size = regular(path).stat().st_size
        if size > _MOST_BYTES:
            raise CatalogueError(f"{path} is larger than {_MOST_BYTES / 1e6:g} MB, the most that is read of a coverage")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a cut file, which is reported below
            with fits.open(regular(path), memmap=False) as units:
                table = units[1]
                is_whole = table.fileinfo()["datLoc"] + table.header["NAXIS1"] * table.header["NAXIS2"] <= size
                frame = str(table.header.get("COORDSYS", "C")).strip()
        if not is_whole:
            raise CatalogueError(f"{path} is cut: a part of the coverage is missing")
        if frame != "C":
            raise CatalogueError(f"{path} is a coverage in the frame {frame!r}, and not in ICRS (COORDSYS is not C)")
        found = MOC.from_fits(str(regular(path)))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as problem:
        raise CatalogueError(f"{path} is no coverage (MOC in FITS): {problem}") from None
    if not isinstance(found, MOC):
        raise CatalogueError(f"{path} is a coverage of something else than the sky alone")
    return found


def write_coverage(moc: Any, path: Path, facts: Mapping[str, str]) -> None:
    """Write a coverage as FITS, with facts of at most 8 letters' names in its header."""
    aside = path.with_name(f".{path.name}.part")
    try:
        moc.save(str(aside), format="fits", overwrite=True, fits_keywords=dict(facts))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def outlines(moc: Any, order: int = 6) -> list[tuple[list[float], list[float]]]:
    """Closed lines round the cells of a coverage, right ascensions and declinations, for a map of the whole sky.

    Parameters
    ----------
    order
        Cells are drawn as large as that or larger.
    """
    import numpy as np

    coarse = moc.degrade_to_order(order) if moc.max_order > order else moc
    cells = np.asarray(coarse.uniq_hpx, dtype=np.int64)[:_MOST_OUTLINES]
    found: list[tuple[list[float], list[float]]] = []
    for cell in cells.tolist():
        depth = (cell.bit_length() - 3) // 2  # a cell's number in one, 4 * 4^depth more than in its order
        ra, dec = border(cell - 4 * 4**depth, depth)
        found.append((ra.tolist(), dec.tolist()))
    return found


def border(number: int, order: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The border of a cell of HEALPix in the nested scheme, as a closed line in degrees.

    The projection is that of Gorski et al. 2005 (ApJ 622, 759), section 5, with places in a face as real numbers.
    """
    import numpy as np

    side = 1 << order
    face, inside = divmod(number, side * side)
    x, y = (sum(((inside >> (2 * bit + shift)) & 1) << bit for bit in range(order)) for shift in (0, 1))
    step = np.linspace(0, 1, max(2, 16 >> order), endpoint=False)
    along = np.concatenate([x + step, np.full(len(step), x + 1.0), x + 1 - step, np.full(len(step), float(x)), [x]])
    across = np.concatenate([np.full(len(step), float(y)), y + step, np.full(len(step), y + 1.0), y + 1 - step, [y]])
    u, v = along / side, across / side
    ring = face // 4 + 2 - u - v  # 0 at the north pole, 4 at the south pole
    middle = 2 * (face % 4) + (face // 4 != 1)  # eighths of a circle
    near = np.clip(np.minimum(ring, 4 - ring), 1e-12, 1)  # distance from the nearer pole, 1 in the equatorial belt
    height = np.where(near < 1, np.sign(2 - ring) * (1 - near**2 / 3), (2 - ring) * 2 / 3)
    ra = 45 * (middle * near + u - v) / near
    return np.asarray(ra % 360), np.asarray(np.degrees(np.arcsin(np.clip(height, -1, 1))))
