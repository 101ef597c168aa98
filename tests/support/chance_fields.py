"""Constructed fields of sources and objects, in which it is known which match is by chance."""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from stoa.catalogue.match import Matches, match
from stoa.catalogue.position_errors import Errors
from stoa.catalogue.sky import pairs_within

RADIUS = 5.0


class Fields:
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

    def tables(self) -> tuple[Table, Table]:
        return (
            Table(rows=self.sources, names=("ra_deg", "dec_deg", "own")),
            Table(rows=self.objects, names=("ra_deg", "dec_deg")),
        )

    def matches(self, errors: Errors | None = None) -> Matches:
        a, b = self.tables()
        if errors:
            a["e_ra_arcsec"], a["e_dec_arcsec"] = 0.0, 0.0
        return match(a, b, RADIUS, errors=errors)

    def claimed_and_true(self, errors: Errors | None = None) -> tuple[float, int]:
        a, b = self.tables()
        reach = min(RADIUS, errors.times * errors.object_arcsec) if errors else RADIUS
        pairs = pairs_within(*(np.array(t[c]) for t in (a, b) for c in ("ra_deg", "dec_deg")), reach)
        first = np.unique(pairs.first, return_index=True)[1]
        wrong = int((np.array(a["own"])[pairs.first[first]] != pairs.second[first]).sum())
        return self.matches(errors).expected, wrong


Kind = tuple[float, float, float, float, float]

KINDS = (
    ("ends with fields of 9 arcsec", (9.0, 2, 3, 0.0, 0.0)),
    ("ends with fields of 7 arcsec", (7.0, 2, 2, 0.0, 0.0)),
    ("ends with fields of 20 arcsec", (20.0, 3, 6, 0.0, 0.0)),
    ("covers the sky round them", (9.0, 2, 1, 120.0, 0.0)),
    ("ends with them; half of the sources have an object", (9.0, 2, 3, 0.0, 0.5)),
    ("covers the sky; half of the sources have an object", (9.0, 2, 1, 120.0, 0.5)),
)
"""The catalogue, and: radius of a field in arcsec, sources and objects in it, radius that the catalogue covers round it
(0: that of the field), share of the sources with an object of their own."""


def fields(kind: Kind, number: int, seed: int) -> Fields:
    """So many fields of a kind."""
    radius, sources, objects, covered, own = kind
    made = Fields(seed)
    for _ in range(number):
        made.add(radius, sources, objects, covered=covered, own=own)
    return made


def pointed(number: int, sources: float, radius: float, seed: int) -> Fields:
    """Fields with one object in the middle, which is a source too, and unrelated sources round it."""
    made = Fields(seed)
    for _ in range(number):
        made.add(radius, 0, 0)
        ra, dec = 10 + 4 * ((made.fields - 1) % 60), -30 + 2 * ((made.fields - 1) // 60)
        made.sources.append((*made.at(ra, dec, *made.random.normal(0, 0.4, 2)), len(made.objects)))
        made.objects.append(made.at(ra, dec, 0.0, 0.0))
        others = zip(*made.disc(made.random.poisson(sources), radius), strict=True)
        made.sources += [(*made.at(ra, dec, x, y), -1) for x, y in others]
    return made
