"""Angles as people write them."""

from __future__ import annotations

import re

from stoa.errors import StoaError

_RADIUS = re.compile(r"(\d+(?:\.\d+)?)\s*(arcsec|arcmin|deg|\"|')?")
_ARCSEC = {"arcsec": 1.0, '"': 1.0, "": 1.0, "arcmin": 60.0, "'": 60.0, "deg": 3600.0}


def radius_arcsec(text: str) -> float:
    """Arcseconds of ``5``, ``5arcsec``, ``0.1arcmin`` or ``0.01deg``.

    Raises
    ------
    StoaError
        If it is not an angle above zero.
    """
    found = _RADIUS.fullmatch(text.strip())
    if not found or float(found[1]) <= 0:
        raise StoaError(f"{text!r} is not a radius", "write it like 5arcsec, 0.1arcmin or 0.01deg")
    return float(found[1]) * _ARCSEC[found[2] or ""]
