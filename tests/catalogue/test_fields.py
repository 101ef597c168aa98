"""Which points are in the fields of a log: real rows, compared with astropy's plainest computation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from brute_observed import observed, ours, sky, widths

from stoa.catalogue.fields import inside, member_id, read_log
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.regions import read_region
from stoa.catalogue.tables import read_table

LOGS = Path(__file__).parents[1] / "data" / "alma_log"
FILES = ("obscore_ngc3504.csv", "obscore_m83.ecsv", "old_format_etacar.vot", "old_format_sgra.fits")


def log(name: str) -> Table:
    return read_table(LOGS / name)


def around(table: Table, width_deg: float, count: int = 1500) -> SkyCoord:
    """Points at random round the first pointing of a log."""
    chance = np.random.default_rng(5)
    centre = sky(table)[0]
    angle, distance = (
        chance.uniform(0, 2 * np.pi, count) * u.rad,
        np.sqrt(chance.uniform(0, 1, count)) * width_deg * u.deg,
    )
    return SkyCoord(centre.directional_offset_by(angle, distance))


@pytest.mark.parametrize("name", FILES)
def test_points_in_real_fields_are_those_of_astropy(name: str) -> None:
    """Circles by half the width of the primary beam, mosaics by their polygons; a third of the points are inside."""
    table = log(name)
    radii, regions = widths(table)
    points = around(table, 2 * float(np.nanmedian(radii)))
    expected = observed(table, points, radii, regions)
    assert len(expected) > 100
    assert ours(table, points) == expected


@pytest.mark.parametrize("name", FILES)
def test_quasars_round_real_pointings_are_those_of_astropy(name: str, examples: Path) -> None:
    table, quasars = log(name), sky(read_table(examples / "quasars.csv"))
    expected = observed(table, quasars, np.full(len(table), 45.0), [""] * len(table))
    assert expected
    assert ours(table, quasars, 45 * 3600) == expected


def test_the_quasars_of_the_example_archive_are_found_with_its_log(examples: Path) -> None:
    table, quasars = read_table(examples / "archive" / "obscore.csv"), read_table(examples / "quasars.csv")
    expected = observed(table, sky(quasars), *widths(table))
    assert len(expected) == 29
    assert ours(table, sky(quasars)) == expected


def test_rows_of_windows_are_one_observation() -> None:
    observations = read_log(log("obscore_ngc3504.csv"), "log")
    assert sum(o.rows for o in observations) == 20
    assert [(o.member, o.rows, bool(o.region)) for o in observations][:2] == [
        ("A001_X1288_Xba8", 4, False),
        ("A001_X1288_Xba6", 4, False),
    ]
    assert all(o.project and o.name == "NGC3504" for o in observations)


def test_the_field_of_a_log_without_one_is_that_of_the_primary_beam() -> None:
    first = read_log(log("old_format_sgra.fits"), "log")[0]
    middle_ghz = np.mean([86.26, 88.14, 88.15, 90.03, 98.19, 100.07, 100.15, 102.03])
    assert first.radius_deg == pytest.approx(np.degrees(1.13 * 0.299792458 / middle_ghz / 12) / 2)


def test_a_field_of_unknown_size_holds_nothing_unless_it_is_given_one() -> None:
    table = Table({"s_ra": [10.0], "s_dec": [20.0]})
    here = np.array([10.0]), np.array([20.0])
    assert len(inside(*here, read_log(table, "log")).point) == 0
    assert len(inside(*here, read_log(table, "log", 1.0)).point) == 1


def test_ra_zero_and_the_poles_are_no_borders() -> None:
    table = Table({"s_ra": [359.999, 0.0], "s_dec": [0.0, 90.0], "s_fov": [0.01, 0.01]})
    found = inside(np.array([0.001, 123.0]), np.array([0.0, 89.997]), read_log(table, "log"))
    assert list(zip(found.point, found.observation, strict=True)) == [(0, 0), (1, 1)]


def test_holes_and_several_shapes_of_a_region() -> None:
    region = read_region("Union ICRS ( Polygon 10 0 12 0 12 2 10 2 Not (Circle ICRS 11 1 0.2) Circle 20 0 0.5 )")
    ra, dec = np.array([10.5, 11.0, 20.3, 15.0]), np.array([0.5, 1.0, 0.0, 0.0])
    assert list(region.contains(ra, dec)) == [True, False, True, False]
    assert region.circle()[2] > 5


@pytest.mark.parametrize("text", ["Box ICRS 1 2 3 4", "Polygon ICRS 1 2 3 4 5", "Circle ICRS 1 2"])
def test_a_region_that_is_none_is_said(text: str) -> None:
    with pytest.raises(CatalogueError, match="a region of the log"):
        read_region(text)


@pytest.mark.parametrize(
    ("text", "member"),
    [
        ("uid://A001/X121/X28b", "A001_X121_X28b"),
        ("member.uid___A001_X121_X28b.J1_sci", "A001_X121_X28b"),
        ("2011.0.00217.S", ""),
    ],
)
def test_the_member_is_read_from_any_form(text: str, member: str) -> None:
    assert member_id(text) == member


def test_a_log_that_knows_no_mosaics_is_taken_by_its_regions() -> None:
    """Plain ObsCore has no column for them; a row without a region is a circle."""
    regions = ["Polygon ICRS 10 0 11 0 11 1 10 1", ""]
    table = Table({"s_ra": [10.5, 20.0], "s_dec": [0.5, 0.0], "s_fov": [0.01, 0.01], "s_region": regions})
    points = np.array([10.1, 20.004, 20.1]), np.array([0.9, 0.0, 0.0])
    found = inside(*points, read_log(table, "log"))
    assert list(zip(found.point, found.observation, strict=True)) == [(0, 0), (1, 1)]
    table["is_mosaic"] = ["F", "F"]
    assert list(inside(*points, read_log(table, "log")).point) == [1]
