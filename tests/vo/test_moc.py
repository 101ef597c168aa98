"""Coverage of the observed sky, beside every point and every field."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from mocpy import MOC

import stoa
from stoa.catalogue.coverage import border, coverage, outlines, read_coverage, within
from stoa.catalogue.fields import Observation, inside
from stoa.catalogue.formats import CatalogueError

LOG = """target_name,proposal_id,member_ous_uid,s_ra,s_dec,s_fov,s_region,is_mosaic
pole,p,uid://A001/X1/X1,10,89.99,0.03,,F
wrap,p,uid://A001/X1/X2,359.999,1,0.02,,F
mosaic,p,uid://A001/X1/X3,40.05,-20.05,0.2,Polygon ICRS 40 -20 40.1 -20 40.1 -20.1 40 -20.1,T
unknown,p,uid://A001/X1/X4,77,7,,,F
"""
OBJECTS = """name,ra,dec
polar,190,89.9995
west,0.004,1.001
corner,40.01,-20.01
outside,40.2,-20.2
nowhere,200,2
"""


def separation_deg(ra, dec, field: Observation) -> np.ndarray:
    """Distances of points from the centre of a field."""
    place = SkyCoord(field.ra_deg, field.dec_deg, unit="deg")
    return SkyCoord(ra, dec, unit="deg").separation(place).deg


def a_field(ra: float, dec: float, radius: float = 0.01, region: str = "") -> Observation:
    return Observation(member="", name="", project="", ra_deg=ra, dec_deg=dec, radius_deg=radius, region=region)


FIELDS = [
    a_field(0, 90, 0.3), a_field(12, -90, 0.2), a_field(359.99, 0.1, 0.05), a_field(180, 0, 1.5),
    a_field(45, 60, 0.002),
    a_field(0, 0, 0, "Polygon ICRS 359.5 10 0.5 10 0.5 11 359.5 11"),
    a_field(0, 0, 0, "Circle ICRS 90 -30 0.4 Not (Circle ICRS 90 -30 0.2)"),
    a_field(0, 0, 0, "Union ICRS (Circle ICRS 100 -30 0.1 Circle ICRS 100.15 -30 0.1)"),
]  # fmt: skip


def points_near(field: Observation, random: np.random.Generator, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Points round a field, some in it and some not."""
    centre = (
        field
        if not field.region
        else {5: a_field(0, 10.5), 6: a_field(90, -30), 7: a_field(100.07, -30)}[FIELDS.index(field)]
    )
    size = max(field.radius_deg, 0.002) if not field.region else 0.5
    up = np.clip(centre.dec_deg + random.uniform(-2, 2, number) * size, -90, 90)
    across = random.uniform(-2, 2, number) * size / np.maximum(np.cos(np.radians(up)), 1e-3)
    return (centre.ra_deg + np.clip(across, -180, 180)) % 360, up


def test_no_point_of_a_field_is_outside():
    random = np.random.default_rng(3)
    moc = coverage(FIELDS, 13)
    held = 0
    for field in FIELDS:
        ra, dec = points_near(field, random, 3000)
        in_field = np.zeros(len(ra), dtype=bool)
        in_field[inside(ra, dec, FIELDS).point] = True
        held += int(in_field.sum())
        assert within(moc, ra, dec)[in_field].all()
    assert held > 5000


def test_a_coverage_is_larger_by_less_than_a_cell():
    random = np.random.default_rng(4)
    order = 17
    cell_deg = 58.6 / 2**order * np.sqrt(2)  # a diagonal
    for field in FIELDS[:5]:
        ra, dec = points_near(field, random, 3000)
        apart = separation_deg(ra, dec, field)
        far = apart > field.radius_deg + 2 * cell_deg
        assert far.any()
        assert not within(coverage([field], order), ra[far], dec[far]).any()


def test_points_without_a_position_are_nowhere():
    moc = coverage([a_field(0, 0, 180)], 3)
    assert within(moc, np.array([1, np.nan]), np.array([1.0, 2])).tolist() == [True, False]
    assert within(moc, np.zeros(0), np.zeros(0)).tolist() == []


@pytest.fixture
def log(survey):
    (survey.top / "log.csv").write_text(LOG, encoding="utf-8")
    (survey.top / "objects.csv").write_text(OBJECTS, encoding="utf-8")
    return "log.csv"


def test_a_coverage_of_a_log(survey, log):
    result = survey("vo", "moc", log, "--out", "seen.moc.fits")
    assert result.stdout.splitlines()[0].startswith("3 fields of log.csv: 0.01")
    assert "1 field of unknown size left out" in result.stderr
    moc = MOC.load(str(survey.top / "seen.moc.fits"), "fits")
    assert moc.max_order == 15
    assert 0.0104 < moc.sky_fraction * 41252.96 < 0.0115  # circles of 0.015 and 0.01 deg, and 0.1 x 0.094 deg
    assert fits.getheader(survey.top / "seen.moc.fits", 1)["ORIGIN"] == "STOA"


def test_which_objects_were_observed_at_all(survey, log):
    survey.ok("vo", "moc", log, "--out", "seen.moc.fits")
    said = survey("target", "from-log", log, "-c", "objects.csv", "--moc", "seen.moc.fits")
    assert said.stdout.splitlines()[-1].startswith("3 of 3 objects in 4 fields")
    assert "2 objects outside the coverage left out" in said.stderr
    (survey.top / "mine.csv").write_text("target,ra,dec\na,190,89.9995\nb,200,2\n", encoding="utf-8")
    said = survey.ok("catalogue", "match", "mine.csv", "objects.csv", "--moc", "seen.moc.fits", "--out", "m.csv")
    assert said.splitlines()[0].startswith("1 of 2 sources")
    assert said.splitlines()[1] == "  3 objects in the coverage, 1 of them matched"


def test_a_coverage_of_the_targets(survey, log):
    said = survey.error("vo", "moc")
    assert said[0] == "error: the targets have no field of a known place and size"


def test_python_makes_one(survey, log):
    with stoa.open(survey.top) as project:
        report = project.moc(survey.top / log, "1arcmin", order=12)
    assert (report.fields, report.file) == (4, "catalogues/log.moc.fits")


def test_lines_for_a_map_go_round_every_field():
    moc = coverage(FIELDS)
    lines = outlines(moc)
    assert all(ra[0] == ra[-1] and dec[0] == dec[-1] for ra, dec in lines)
    for field in FIELDS[2:5]:
        assert min(separation_deg(ra, dec, field).min() for ra, dec in lines) < 1.5


@pytest.mark.parametrize("order", [0, 1, 3, 6])
def test_borders_are_those_of_the_cells(order):
    """A point a little inside of each corner is in the cell, and one a little outside is not."""
    random = np.random.default_rng(order)
    for number in {0, 12 * 4**order - 1, *random.integers(0, 12 * 4**order, 60).tolist()}:
        cell = MOC.from_healpix_cells(np.array([number], dtype="u8"), np.array([order], dtype="u1"), order)
        ra, dec = border(number, order)
        corners = SkyCoord(ra, dec, unit="deg").cartesian.xyz.value
        middle = corners[:, :-1].mean(axis=1, keepdims=True)
        for share, is_inside in ((0.98, True), (1.02, False)):
            moved = SkyCoord(*(middle + share * (corners - middle)), representation_type="cartesian")
            held = within(cell, *(np.asarray(each.deg) for each in (moved.spherical.lon, moved.spherical.lat)))
            assert held.all() if is_inside else not held.all()


@pytest.mark.parametrize("order", [-1, 21])
def test_orders_that_there_are_not(order):
    with pytest.raises(CatalogueError, match="from 0 to 20"):
        coverage(FIELDS, order)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "is no coverage"),
        (lambda data: b"hello" * 1000, "is no coverage"),
        (lambda data: data[:3000], "is no coverage|is cut"),
        (lambda data: data[:-2880], "is cut"),
        (lambda data: _with(data, NAXIS2=10**12), "is cut"),
        (lambda data: _with(data, COORDSYS="G"), "in the frame 'G'"),
    ],
)
def test_what_is_no_coverage(tmp_path, damage, message):
    good = tmp_path / "good.fits"
    coverage(FIELDS, 10).save(str(good), format="fits")
    bad = tmp_path / "bad.fits"
    bad.write_bytes(damage(good.read_bytes()))
    with pytest.raises(CatalogueError, match=message):
        read_coverage(bad)


def _with(data: bytes, **cards: object) -> bytes:
    """A file with other cards in its second header."""
    for key, value in cards.items():
        start = data.index(f"{key:8}=".encode())
        data = data[:start] + fits.Card(key, value).image.encode() + data[start + 80 :]
    return data


def test_a_table_is_no_coverage(survey, log):
    said = survey.error("target", "from-log", log, "-c", "objects.csv", "--moc", "objects.csv")
    assert "objects.csv is no coverage (MOC in FITS)" in said[0]
    assert "missing.fits" in survey.error("catalogue", "match", log, "objects.csv", "--moc", "missing.fits")[0]


def test_what_json_says(survey, log):
    said = json.loads(survey.ok("vo", "moc", log, "--order", "10", "--json"))
    assert (said["order"], said["fields"], said["unknown_radius"]) == (10, 3, 1)
    assert said["area_square_deg"] > 0.01
