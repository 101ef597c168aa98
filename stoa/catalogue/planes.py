"""The sky plane of a FITS image: its pixels with the celestial axes last, and where positions are in it.

The celestial axes may come in any order and anywhere among the axes, in every frame that astropy knows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.opening import open_regular, regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Plane(Struct, frozen=True, kw_only=True):
    """An open image of the sky."""

    pixels: Any  # to be indexed as `[..., rows, columns]`; other axes before them
    shape: tuple[int, ...]
    wcs: Any  # of the celestial axes, in the order of columns and rows
    header: Any

    def places(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> tuple[Any, Any]:
        """Columns and rows, from 0, of ICRS positions in degrees."""
        from astropy.coordinates import SkyCoord

        x, y = self.wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg", frame="icrs"))
        return x, y

    @property
    def jy_per_beam(self) -> float:
        """What the pixels have to be multiplied by to be in Jy/beam; 0 where they are no flux per beam."""
        from astropy import units

        text = str(self.header.get("BUNIT", "")).strip().replace("beam^-1", "beam-1")
        text = "Jy/beam" if text.upper() == "JY/BEAM" else text  # as older CASA writes it
        unit = units.Unit(text, parse_strict="silent")
        return float(unit.to(units.Jy / units.beam)) if unit.is_equivalent(units.Jy / units.beam) else 0.0


def has_plane(hdu: Any) -> bool:
    """Whether an HDU is an image with a plane."""
    return bool(hdu.is_image) and hdu.header.get("NAXIS", 0) >= 2


def is_fits(path: Path) -> bool:
    """Whether a file begins as FITS does."""
    with open_regular(path, follow_links=True) as file:
        return file.read(6) == b"SIMPLE"


@contextmanager
def open_plane(path: Path, chosen: Callable[[Any], bool] = has_plane) -> Iterator[Plane | None]:
    """The first image HDU of a FITS file that is chosen; None without one.

    Raises
    ------
    ValueError
        If it has no pair of celestial axes. astropy's own errors of a file that is no FITS are passed on.
    """
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers that are not quite as the standard wants them
        with fits.open(regular(path)) as opened:
            hdu = next((each for each in opened if chosen(each)), None)
            yield None if hdu is None else _plane(hdu)


def _plane(hdu: Any) -> Plane:
    import numpy as np
    from astropy.wcs import WCS

    whole = WCS(hdu.header)
    if not whole.has_celestial:
        raise ValueError("it has no celestial axes")
    first, second = sorted((whole.wcs.lng, whole.wcs.lat))
    if (first, second) == (0, 1):
        return Plane(pixels=hdu.section, shape=hdu.shape, wcs=whole.celestial, header=hdu.header)
    last = len(hdu.shape) - 1
    turned = np.moveaxis(hdu.data, (last - second, last - first), (-2, -1))
    return Plane(pixels=turned, shape=turned.shape, wcs=whole.celestial, header=hdu.header)
