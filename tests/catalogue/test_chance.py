"""Matches by chance, claimed and true, in constructed skies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from astropy.table import Table

from stoa.catalogue.match import match
from stoa.catalogue.sky import pairs_within

RADIUS = 5.0

Draw = Callable[[int, float], tuple[np.ndarray, np.ndarray]]


class Sky:
    """Sources and objects in separate fields, and which object is the own one of a source."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.sources: list[tuple[float, float, int]] = []
        self.objects: list[tuple[float, float]] = []
        self.fields = 0

    def disc(self, number: int, radius: float) -> tuple[np.ndarray, np.ndarray]:
        angle, far = self.random.uniform(0, 2 * np.pi, number), radius * self.random.uniform(size=number) ** 0.5
        return far * np.cos(angle), far * np.sin(angle)

    def add(self, radius: float, sources: float, objects: float, *, covered: float = 0.0, own: float = 0.0) -> None:
        """A field with Poisson numbers of both; the catalogue covers it, or a larger disc with the same density."""
        ra, dec = 10 + 4 * (self.fields % 60), -30 + 2 * (self.fields // 60)
        self.fields += 1
        wide = covered or radius
        places = zip(*self.disc(self.random.poisson(objects * (wide / radius) ** 2), wide), strict=True)
        self.objects += [self.at(ra, dec, *place) for place in places]
        for x, y in zip(*self.disc(self.random.poisson(sources), radius), strict=True):
            is_own = self.random.uniform() < own
            self.sources.append((*self.at(ra, dec, x, y), len(self.objects) if is_own else -1))
            if is_own:
                self.objects.append(self.at(ra, dec, *(np.array([x, y]) + self.random.normal(0, 0.3, 2))))

    @staticmethod
    def at(ra: float, dec: float, x: float, y: float) -> tuple[float, float]:
        return ra + x / 3600 / np.cos(np.radians(dec)), dec + y / 3600

    def claimed_and_true(self) -> tuple[float, int]:
        a = Table(rows=self.sources, names=("ra_deg", "dec_deg", "own"))
        b = Table(rows=self.objects, names=("ra_deg", "dec_deg"))
        pairs = pairs_within(*(np.array(t[c]) for t in (a, b) for c in ("ra_deg", "dec_deg")), RADIUS)
        first = np.unique(pairs.first, return_index=True)[1]
        wrong = int((np.array(a["own"])[pairs.first[first]] != pairs.second[first]).sum())
        return match(a, b, RADIUS).expected, wrong


@pytest.mark.parametrize(
    ("radius", "sources", "objects", "covered", "own", "fields"),
    [
        (9.0, 2, 3, 0.0, 0.0, 300),  # the catalogue ends with the fields, which are not much wider than the radius
        (7.0, 2, 2, 0.0, 0.0, 300),
        (20.0, 3, 6, 0.0, 0.0, 200),
        (9.0, 2, 1, 120.0, 0.0, 300),  # it covers the sky round them
        (9.0, 2, 3, 0.0, 0.5, 400),  # half of the sources have an object of their own
        (9.0, 2, 1, 120.0, 0.5, 400),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_chance_matches_are_claimed_within_a_factor_of_one_and_a_half(
    radius: float, sources: float, objects: float, covered: float, own: float, fields: int, seed: int
) -> None:
    sky = Sky(seed)
    for _ in range(fields):
        sky.add(radius, sources, objects, covered=covered, own=own)
    claimed, wrong = sky.claimed_and_true()
    assert wrong > 50
    assert 1 / 1.5 < claimed / wrong < 1.5


def test_densities_that_differ_from_field_to_field_count_as_such() -> None:
    sky = Sky(3)
    for number in range(300):
        sky.add(9.0, 2, 6 if number % 2 else 0.01)
    claimed, wrong = sky.claimed_and_true()
    assert 1 / 1.5 < claimed / wrong < 1.5


def test_fields_pointed_at_single_objects_expect_next_to_none() -> None:
    sky = Sky(4)
    for _ in range(100):
        sky.add(20.0, 1, 0.0, own=1.0)
    claimed, wrong = sky.claimed_and_true()
    assert claimed <= wrong + 3


def test_no_more_are_claimed_than_are_matched() -> None:
    table = Table({"ra_deg": [10.0], "dec_deg": [0.0]})
    ring = np.arange(10) * np.pi / 5
    objects = Table({"ra_deg": 10 + 7 / 3600 * np.cos(ring), "dec_deg": 7 / 3600 * np.sin(ring)})
    found = match(table, objects, RADIUS)
    assert (found.matched, found.expected) == (0, 0.0)
