"""Matches by chance, claimed and true, in constructed skies."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table
from chance_fields import KINDS, RADIUS, Fields, fields

from stoa.catalogue.match import match


@pytest.mark.parametrize("kind", [kind for _, kind in KINDS], ids=[name for name, _ in KINDS])
@pytest.mark.parametrize("seed", [1, 2])
def test_chance_matches_are_claimed_within_a_factor_of_one_and_a_half(
    kind: tuple[float, float, float, float, float], seed: int
) -> None:
    claimed, wrong = fields(kind, 300, seed).claimed_and_true()
    assert wrong > 50
    assert 1 / 1.5 < claimed / wrong < 1.5


@pytest.mark.parametrize("kind", [kind for _, kind in KINDS], ids=[name for name, _ in KINDS])
def test_those_of_twenty_fields_are_claimed_so_on_average(kind: tuple[float, float, float, float, float]) -> None:
    """Of twenty fields 5 to 20 are by chance, which scatter by themselves; of eight such skies together they do not."""
    both = [fields(kind, 20, seed).claimed_and_true() for seed in range(8)]
    assert 1 / 1.5 < sum(claimed for claimed, _ in both) / sum(wrong for _, wrong in both) < 1.5


def test_densities_that_differ_from_field_to_field_count_as_such() -> None:
    sky = Fields(3)
    for number in range(300):
        sky.add(9.0, 2, 6 if number % 2 else 0.01)
    claimed, wrong = sky.claimed_and_true()
    assert 1 / 1.5 < claimed / wrong < 1.5


def test_fields_pointed_at_single_objects_expect_next_to_none() -> None:
    sky = Fields(4)
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
