"""Sources matched with a catalogue."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.match import match
from stoa.catalogue.position_errors import Errors

ARCSEC = 1 / 3600


@pytest.fixture
def quasars() -> Table:
    return Table(
        {"name": ["Q1", "Q2", "Q3"], "ra_deg": [10.0, 200.0, 0.0], "dec_deg": [0.0, 0.0, 0.0], "z": [1.0, 2.0, 3.0]}
    )


def sources(*rows: tuple[float, float, str, str, float]) -> Table:
    """Sources by ra, dec, kind, intent and snr."""
    return Table(rows=list(rows), names=("ra_deg", "dec_deg", "kind", "intent", "snr"))


def test_the_nearest_object_within_the_radius_is_taken(quasars: Table) -> None:
    found = match(
        sources((10.0, 3 * ARCSEC, "cont", "science", 9.0), (10.0, 6 * ARCSEC, "cont", "science", 9.0)), quasars, 5
    )
    assert list(found.table["cat_name"]) == ["Q1"]
    assert found.table["separation_arcsec"] == pytest.approx([3.0])
    assert (found.sources, found.matched, found.objects) == (2, 1, 1)
    assert found.table["cat_z"][0] == 1.0


def test_the_radius_itself_is_within(quasars: Table) -> None:
    assert match(sources((10.0, 5 * ARCSEC, "cont", "science", 9.0)), quasars, 5).matched == 1
    assert match(sources((10.0, 5.001 * ARCSEC, "cont", "science", 9.0)), quasars, 5).matched == 0


def test_matches_go_across_zero_hours(quasars: Table) -> None:
    found = match(sources((360 - 2 * ARCSEC, 0.0, "cont", "science", 9.0)), quasars, 5)
    assert list(found.table["cat_name"]) == ["Q3"]
    assert found.table["d_ra_arcsec"] == pytest.approx([-2.0])


def test_the_second_nearest_object_is_told(quasars: Table) -> None:
    quasars.add_row(("Q4", 10.0, 7 * ARCSEC, 4.0))
    found = match(sources((10.0, 1 * ARCSEC, "cont", "science", 9.0), (200.0, 0.0, "cont", "science", 9.0)), quasars, 5)
    assert list(found.table["cat_name"]) == ["Q1", "Q2"]
    assert found.table["second_arcsec"][0] == pytest.approx(6.0)
    assert np.isnan(found.table["second_arcsec"][1])


def test_calibrators_are_left_out_unless_asked_for(quasars: Table) -> None:
    table = sources((10.0, 0.0, "mfs", "calibrator", 900.0), (200.0, 0.0, "cont", "science", 9.0))
    found = match(table, quasars, 5)
    assert (found.sources, found.calibrators, found.matched) == (1, 1, 1)
    assert match(table, quasars, 5, calibrators=True).matched == 2


def repeated() -> Table:
    """One quasar in a cube, two windows and the continuum image, with a companion there; and another quasar."""
    return sources(
        (10.0, 0.0, "cube", "science", 90.0),
        (10.0, 0.0, "mfs", "science", 20.0),
        (10.0, 0.1 * ARCSEC, "mfs", "science", 30.0),
        (10.0, 2.0 * ARCSEC, "cont", "science", 12.0),
        (10.0, 0.5 * ARCSEC, "cont", "science", 40.0),
        (200.0, 0.0, "mfs", "science", 9.0),
    )


def test_rows_and_objects_are_counted_apart(quasars: Table) -> None:
    found = match(repeated(), quasars, 5)
    assert (found.matched, found.objects, len(found.table)) == (6, 2, 6)


def test_unique_gives_one_row_an_object_the_best_one(quasars: Table) -> None:
    found = match(repeated(), quasars, 5, unique=True)
    assert list(found.table["snr"]) == [40.0, 9.0]
    assert (found.matched, found.objects) == (6, 2)


def test_the_offset_counts_each_object_once(quasars: Table) -> None:
    found = match(repeated(), quasars, 5)
    assert found.offset is not None
    assert (found.offset.objects, found.offset.d_ra) == (2, 0.0)
    assert found.offset.d_dec == pytest.approx(0.25)  # median of 0.5 and 0


def test_the_scatter_is_robust(quasars: Table) -> None:
    """Offsets of 1, 2 and 3 arcsec in RA and none in Dec: deviations 1, 0, 1, 0, 0, 0."""
    table = sources(*((ra + d * ARCSEC, 0.0, "cont", "science", 9.0) for ra, d in ((10, 1), (200, 2), (0, 3))))
    offset = match(table, quasars, 5).offset
    assert offset is not None
    assert (offset.d_ra, offset.scatter) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-6))


def test_a_calibrator_never_stands_for_a_science_source(quasars: Table) -> None:
    table = sources((10.0, 0.0, "cont", "calibrator", 900.0), (10.0, 0.0, "cube", "science", 9.0))
    assert list(match(table, quasars, 5, calibrators=True, unique=True).table["intent"]) == ["science"]


def test_unique_keeps_one_row_for_each_band_and_epoch(quasars: Table) -> None:
    table = sources(*((10.0, 0.0, "cont", "science", snr) for snr in (9.0, 8.0, 7.0, 6.0)))
    table["freq_ghz"] = [100.0, 95.0, 230.0, 101.0]
    table["date_obs"] = ["2015-01-01T00:00:00", "2015-01-01T05:00:00", "2015-01-01", "2016-01-01"]
    assert list(match(table, quasars, 5, unique=True).table["snr"]) == [9.0, 7.0, 6.0]
    assert list(match(table, quasars, 5, unique=True, across=True).table["snr"]) == [9.0]


def test_a_match_by_errors_takes_both_positions(quasars: Table) -> None:
    quasars["e_RAJ2000"] = quasars["e_DEJ2000"] = [400.0, 400.0, 400.0]
    quasars["e_RAJ2000"].unit = quasars["e_DEJ2000"].unit = "mas"
    table = sources((10.0, 1.4 * ARCSEC, "cont", "science", 9.0), (200.0, 1.6 * ARCSEC, "cont", "science", 9.0))
    table["e_ra_arcsec"] = table["e_dec_arcsec"] = [0.3, 0.3]
    assert list(match(table, quasars, 5, errors=Errors(3)).table["cat_name"]) == ["Q1"]  # 3 x 0.5 arcsec
    del quasars["e_RAJ2000"], quasars["e_DEJ2000"]
    assert match(table, quasars, 5, errors=Errors(3, object_arcsec=0.4)).matched == 1
    with pytest.raises(CatalogueError, match="'q.vot' has no errors of positions"):
        match(table, quasars, 5, errors=Errors(3), names=("s", "q.vot"))


def test_offsets_are_told_by_target(quasars: Table) -> None:
    table = sources((10.0, 1 * ARCSEC, "cont", "science", 9.0), (200.0, 3 * ARCSEC, "cont", "science", 9.0))
    table["target"] = ["A", "B"]
    found = match(table, quasars, 5)
    assert {field.target: field.offset.d_dec for field in found.fields} == {
        "A": pytest.approx(1),
        "B": pytest.approx(3),
    }


def test_nothing_matched_is_no_error(quasars: Table) -> None:
    found = match(sources((100.0, 50.0, "cont", "science", 9.0)), quasars, 5)
    assert (found.matched, found.objects, found.offset, len(found.table)) == (0, 0, None, 0)
    assert found.table.colnames[-3:] == ["cat_ra_deg", "cat_dec_deg", "cat_z"]


def test_empty_tables_match_nothing(quasars: Table) -> None:
    one = sources((10.0, 0.0, "cont", "science", 9.0))
    assert match(one[:0], quasars, 5).matched == 0
    assert match(one, quasars[:0], 5).matched == 0


def test_a_table_of_another_program_needs_positions_only(quasars: Table) -> None:
    found = match(Table({"RA": [10.0], "DEC": [0.0]}), quasars, 5, unique=True)
    assert list(found.table["cat_name"]) == ["Q1"]


@pytest.mark.parametrize("radius", [0.0, -5.0, float("nan"), 1e9])
def test_a_radius_that_makes_no_sense_is_refused(quasars: Table, radius: float) -> None:
    with pytest.raises(CatalogueError, match="match radius"):
        match(sources((10.0, 0.0, "cont", "science", 9.0)), quasars, radius)


def test_a_catalogue_without_positions_is_named(quasars: Table) -> None:
    with pytest.raises(CatalogueError, match=r"'veron\.vot' has no columns"):
        match(sources((10.0, 0.0, "cont", "science", 9.0)), quasars["name", "z"], 5, names=("s", "veron.vot"))
