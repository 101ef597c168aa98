"""Neighbours on the sphere, against a computation of every pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.catalogue.sky import offsets, pairs_within

DIRECTIONS = st.lists(st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-90, 90)), min_size=1, max_size=30)


def separations(ra1: np.ndarray, dec1: np.ndarray, ra2: np.ndarray, dec2: np.ndarray) -> np.ndarray:
    """All separations in arcsec by Vincenty's formula, shape (first, second)."""
    a, d = np.radians(ra1)[:, None] - np.radians(ra2), (np.radians(dec1)[:, None], np.radians(dec2))
    y = np.hypot(np.cos(d[1]) * np.sin(a), np.cos(d[0]) * np.sin(d[1]) - np.sin(d[0]) * np.cos(d[1]) * np.cos(a))
    x = np.sin(d[0]) * np.sin(d[1]) + np.cos(d[0]) * np.cos(d[1]) * np.cos(a)
    return np.degrees(np.arctan2(y, x)) * 3600


def near(
    ra1: list[float], dec1: list[float], ra2: list[float], dec2: list[float], radius: float
) -> set[tuple[int, int]]:
    found = pairs_within(*(np.array(values, dtype=float) for values in (ra1, dec1, ra2, dec2)), radius)
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


@given(DIRECTIONS, DIRECTIONS, st.sampled_from([1.0, 600.0, 7200.0, 200000.0]))
def test_the_pairs_are_those_of_every_separation(first, second, radius: float) -> None:
    (ra1, dec1), (ra2, dec2) = np.array(first).T, np.array(second).T
    every = separations(ra1, dec1, ra2, dec2)
    found = near(ra1, dec1, ra2, dec2, radius)
    sure = {(int(i), int(j)) for i, j in np.argwhere(every < radius - 1e-3)}
    maybe = {(int(i), int(j)) for i, j in np.argwhere(every < radius + 1e-3)}
    assert sure <= found <= maybe


def test_crowded_points_are_all_found() -> None:
    chance = np.random.default_rng(3)
    ra, dec = 359.99 + chance.uniform(0, 0.02, 300), chance.uniform(-0.01, 0.01, 300)
    every = separations(ra % 360, dec, ra % 360, dec)
    found = pairs_within(ra % 360, dec, ra % 360, dec, 5.0)
    assert len(found.first) == (every <= 5.0).sum()
    assert found.separation_arcsec == pytest.approx(every[found.first, found.second], abs=1e-6)


def test_pairs_are_sorted_by_row_and_separation() -> None:
    found = pairs_within(np.array([20.0, 10.0]), np.zeros(2), np.array([10.002, 20.0, 10.001]), np.zeros(3), 10.0)
    assert found.first.tolist() == [0, 1, 1]
    assert found.second.tolist() == [1, 2, 0]
    assert found.separation_arcsec == pytest.approx([0.0, 3.6, 7.2])


def test_neighbours_across_zero_hours_and_at_the_pole() -> None:
    assert near([359.9999], [0.0], [0.0001], [0.0], 1.0) == {(0, 0)}
    assert near([0.0], [89.9999], [180.0], [89.9999], 1.0) == {(0, 0)}


def test_points_that_are_nowhere_have_no_neighbours() -> None:
    assert near([np.nan, 1.0], [0.0, 0.0], [1.0, np.nan], [0.0, 0.0], 1.0) == {(1, 0)}
    assert near([], [], [1.0], [0.0], 1.0) == near([1.0], [0.0], [], [], 1.0) == set()


def test_tiny_radii_find_what_is_the_same() -> None:
    assert near([10.0], [20.0], [10.0, 10.0001], [20.0, 20.0], 1e-3) == {(0, 0)}


def test_offsets_are_east_and_north_in_arcsec() -> None:
    east, north = offsets(np.array([0.0005]), np.array([60.001]), np.array([359.9995]), np.array([60.0]))
    assert east == pytest.approx([1.8], rel=1e-4)
    assert north == pytest.approx([3.6])
