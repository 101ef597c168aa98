"""The sky in the projection of Mollweide, as numbers and as a chart of ECharts; right ascension grows to the left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = tuple[float | None, float | None]

BREAK: Point = (None, None)
"""Between two lines of one series."""

_ROUNDS = 40


def mollweide(ra_deg: ArrayLike, dec_deg: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places of directions: x in [-2, 2], y in [-1, 1]; right ascension 0 is in the middle.

    The angle theta of the projection solves ``2 theta + sin 2 theta = pi sin dec`` (Snyder 1987, USGS Professional
    Paper 1395, equation 31-4), here by Newton's method.
    """
    dec = np.radians(np.asarray(dec_deg, dtype=float))
    theta = dec.copy()
    for _ in range(_ROUNDS):
        slope = np.maximum(2 + 2 * np.cos(2 * theta), 1e-9)
        step = (2 * theta + np.sin(2 * theta) - np.pi * np.sin(dec)) / slope
        theta = np.clip(theta - step, -np.pi / 2, np.pi / 2)
    longitude = (np.asarray(ra_deg, dtype=float) + 180) % 360 - 180
    return -2 / 180 * longitude * np.cos(theta), np.sin(theta)


def line(ra_deg: ArrayLike, dec_deg: ArrayLike) -> list[Point]:
    """A line through directions, broken where it leaves the map at one edge."""
    x, y = mollweide(ra_deg, dec_deg)
    found: list[Point] = [(round(float(a), 5), round(float(b), 5)) for a, b in zip(x, y, strict=True)]
    for place in np.flatnonzero(np.abs(np.diff(x)) > 1)[::-1]:
        found.insert(int(place) + 1, BREAK)
    return [*found, BREAK]


def graticule() -> list[Point]:
    """Meridians every 60 degrees, parallels every 30 degrees, and the edge of the map."""
    edge = 180 - 1e-6
    up = np.linspace(-90, 90, 61)
    across = np.linspace(-edge, edge, 91)
    found: list[Point] = []
    for ra in (-edge, -120, -60, 0, 60, 120, edge):
        found += line(np.full(up.shape, ra), up)
    for dec in (-60, -30, 0, 30, 60):
        found += line(across, np.full(across.shape, dec))
    return found


def circle(ra_deg: float, dec_deg: float, radius_deg: float, corners: int = 36) -> list[Point]:
    """A circle that is true on the sphere, as a closed line."""
    angle = np.linspace(0, 2 * np.pi, corners + 1)
    dec, radius = np.radians(dec_deg), np.radians(radius_deg)
    up = np.arcsin(np.sin(dec) * np.cos(radius) + np.cos(dec) * np.sin(radius) * np.cos(angle))
    across = np.arctan2(
        np.sin(angle) * np.sin(radius) * np.cos(dec), np.cos(radius) - np.sin(dec) * np.sin(up)
    )  # fmt: skip
    return line(ra_deg + np.degrees(across), np.degrees(up))


def frame_series(lines: Sequence[Point], name: str, colour: str, width: float) -> dict[str, Any]:
    """A series of lines that nothing selects."""
    return {
        "type": "line", "name": name, "data": [list(point) for point in lines], "showSymbol": False, "silent": True,
        "animation": False, "lineStyle": {"width": width, "color": colour}, "itemStyle": {"color": colour},
    }  # fmt: skip
