"""Fields of definitions that have a form of their own: times, sizes, tolerances, paths, exit codes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from stoa.provenance.scalars import brief, parse_value
from stoa.provenance.yamltree import Spot

LONGEST_S = 1000 * 86400.0
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|m|h|d)?")
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(MB|GB|TB)")
_ANGLE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(arcsec|arcmin|deg)")
_ARCSEC = {"arcsec": 1.0, "arcmin": 60.0, "deg": 3600.0}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MEGABYTES = {"MB": 1.0, "GB": 1000.0, "TB": 1e6}
T = TypeVar("T")


def get(fields: Mapping[str, Spot], name: str, read: Callable[[Spot], T], default: T) -> T:
    """A field that may be absent."""
    return read(fields[name]) if name in fields else default


def seconds_of(text: str) -> float | None:
    """Seconds of ``90``, ``90s``, ``10m``, ``2h`` or ``1d``; None for anything else."""
    found = _DURATION.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2] or "s"] if found else None


def duration(spot: Spot) -> float:
    """Seconds of ``90``, ``90s``, ``10m``, ``2h`` or ``1d``."""
    seconds = seconds_of(spot.text())
    if seconds is None:
        raise spot.error(f"{spot.field} must be a time such as 90s, 10m or 2h, got {brief(spot.text())}")
    if seconds > LONGEST_S:
        raise spot.error(f"{spot.field} must be at most 1000d, got {brief(spot.text())}", "leave it out for no limit")
    return seconds


def memory(spot: Spot) -> int:
    """Megabytes of ``500MB`` or ``2GB``."""
    found = _SIZE.fullmatch(spot.text())
    size = round(float(found[1]) * _MEGABYTES[found[2]]) if found else 0
    if size < 1:
        raise spot.error(f"{spot.field} must be a size such as 500MB or 2GB, got {brief(spot.text())}")
    return size


def angle_arcsec(spot: Spot) -> float:
    """Arcseconds of ``0.5arcsec``, ``1arcmin`` or ``0.01deg``."""
    found = _ANGLE.fullmatch(spot.text())
    arcsec = float(found[1]) * _ARCSEC[found[2]] if found else 0.0
    if not 0 < arcsec < 3600:
        raise spot.error(f"{spot.field} must be an angle such as 0.5arcsec or 1arcmin, got {brief(spot.text())}")
    return arcsec


def tolerance(spot: Spot) -> float:
    """A relative difference: ``5%`` or ``0.05``."""
    text = spot.text()
    number, scale = (text[:-1].rstrip(), 0.01) if text.endswith("%") else (text, 1.0)
    try:
        value = float(parse_value(number, "float")) * scale
    except ValueError:
        value = -1.0
    if value < 0:
        raise spot.error(f"{spot.field} must be a relative difference such as 5% or 0.05, got {brief(text)}")
    return value


def path_below(spot: Spot, place: str) -> str:
    """A relative path that stays below the place that it is relative to, in its shortest form."""
    path = spot.text()
    normal = posixpath.normpath(path)
    if not path or path.startswith("/") or ".." in path.split("/") or normal == ".":
        raise spot.error(f"{spot.field} must be a path below {place}, got {brief(path)}")
    return normal


def exit_codes(spot: Spot) -> tuple[int, ...]:
    """Exit codes of a script that is not content."""
    codes = tuple(code.integer() for code in spot.sequence())
    if not all(1 <= code <= 255 for code in codes):
        raise spot.error(f"{spot.field} must be exit codes from 1 to 255")
    return codes
