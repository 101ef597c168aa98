"""Matches by chance, claimed and true, in constructed skies."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table
from chance_fields import KINDS, RADIUS, Fields, Kind, fields, pointed

from stoa.catalogue.match import match
from stoa.catalogue.position_errors import Errors

FEW = [(kind, number) for _, kind in KINDS for number in (20, 8)]


@pytest.mark.parametrize("kind", [kind for _, kind in KINDS], ids=[name for name, _ in KINDS])
@pytest.mark.parametrize("seed", [1, 2])
def test_chance_matches_are_claimed_within_a_factor_of_one_and_a_half(
    kind: tuple[float, float, float, float, float], seed: int
) -> None:
    claimed, wrong = fields(kind, 300, seed).claimed_and_true()
    assert wrong > 50
    assert 1 / 1.5 < claimed / wrong < 1.5


@pytest.mark.parametrize(("kind", "number"), FEW, ids=[f"{name}, {number}" for name, _ in KINDS for number in (20, 8)])
def test_those_of_few_fields_are_claimed_so_on_average(kind: Kind, number: int) -> None:
    """Of few fields 3 to 20 are by chance, which scatter by themselves; of eight such skies together they do not.

    Where no source has an object of its own, eight small fields do not tell that the objects end with them.
    """
    both = [fields(kind, number, seed).claimed_and_true() for seed in range(8)]
    share = sum(claimed for claimed, _ in both) / sum(wrong for _, wrong in both)
    assert (0.5 if number == 8 and not kind[4] and kind[0] < 10 else 1 / 1.5) < share < 1.5


@pytest.mark.parametrize("radius", [10.0, 20.0])
@pytest.mark.parametrize("number", [20, 8])
def test_so_are_those_of_fields_with_an_object_in_the_middle(radius: float, number: int) -> None:
    """As in an archive whose targets are the objects of the catalogue, with other sources round them."""
    both = [pointed(number, 3, radius, seed).claimed_and_true() for seed in range(8)]
    assert 1 / 1.5 < sum(claimed for claimed, _ in both) / sum(wrong for _, wrong in both) < 1.5


@pytest.mark.parametrize("number", [8, 20, 300])
def test_the_error_says_how_far_off_the_number_is(number: int) -> None:
    """Of sources half of which have an object of their own."""
    pulls = []
    for seed in range(24 if number < 300 else 8):
        sky = fields(KINDS[4][1], number, seed)
        claimed, wrong = sky.claimed_and_true()
        pulls.append((claimed - wrong) / sky.matches().e_expected)
    assert np.mean(np.abs(pulls) < 2) > 0.8
    assert max(map(abs, pulls)) < 5


def test_an_ellipse_of_errors_is_an_area_of_its_own() -> None:
    """The same skies matched within 3 times an error of 1.5 arcsec, which is 4.5 arcsec, less than the radius."""
    both = []
    for seed in range(8):
        sky = fields(KINDS[4][1], 20, seed)
        both.append(sky.claimed_and_true(Errors(3.0, 1.5)))
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
