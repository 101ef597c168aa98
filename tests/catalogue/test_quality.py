"""Quality cuts, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.quality import CutCount, passes, select
from stoa.project import QualityCut


@pytest.fixture
def sources() -> Table:
    return Table(
        {
            "snr": [3.0, 7.0, 10.0, np.nan],
            "gain": [0.9, 0.2, 0.5, 1.0],
            "flags": [0, 1, 2, 0],
            "intent": ["science", "science", "calibrator", "science"],
            "z": MaskedColumn([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, False]),
            "good": [True, False, True, True],
        }
    )


def keeps(table: Table, condition: str) -> list[int]:
    """Rows that a condition keeps, counted from 0."""
    return np.flatnonzero(passes(table, QualityCut("cut", condition))).tolist()


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("snr >= 7", [1, 2]),
        ("snr >= 7 and gain > 0.3", [2]),
        ("snr < 5 or flags == 2", [0, 2]),
        ("not snr >= 7", [0, 3]),
        ("0.3 < gain <= 0.9", [0, 2]),
        ("snr != 3", [1, 2]),  # what is absent does not pass
        ("intent == 'science'", [0, 1, 3]),
        ("intent in ('calibrator', 'check')", [2]),
        ("flags not in (1, 2)", [0, 3]),
        ("snr * gain > 2", [0, 2]),
        ("abs(gain - 0.5) < 0.1", [2]),
        ("sqrt(snr) > 3 or log10(snr) < 0.5", [0, 2]),
        ("isfinite(snr)", [0, 1, 2]),
        ("-snr < -5", [1, 2]),
        ("z > 0", [0, 2, 3]),
        ("good", [0, 2, 3]),
        ("good and not intent == 'calibrator'", [0, 3]),
        ("True", [0, 1, 2, 3]),
        ("1 > 2", []),
    ],
)
def test_a_condition_keeps_the_rows_that_it_says(sources: Table, condition: str, rows: list[int]) -> None:
    assert keeps(sources, condition) == rows


def test_each_cut_has_the_count_that_it_removed(sources: Table) -> None:
    cuts = [QualityCut("bright", "snr > 5"), QualityCut("inside", "gain >= 0.3"), QualityCut("all", "flags >= 0")]
    chosen = select(sources, cuts)
    assert chosen.cuts == (
        CutCount("bright", "snr > 5", 2),
        CutCount("inside", "gain >= 0.3", 1),
        CutCount("all", "flags >= 0", 0),
    )
    assert list(chosen.table["snr"]) == [10.0]


def test_no_cuts_keep_everything(sources: Table) -> None:
    assert len(select(sources, []).table) == 4


def test_an_empty_table_can_be_cut(sources: Table) -> None:
    assert select(sources[:0], [QualityCut("bright", "snr > 5")]).cuts[0].removed == 0


def test_an_unknown_column_is_named_with_the_nearest(sources: Table) -> None:
    with pytest.raises(CatalogueError, match=r"quality cut 'cut' \(sn > 5\) names 'sn', which is not a column.*'snr'"):
        keeps(sources, "sn > 5")


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os').system('true')",
        "snr.__class__",
        "snr[0] > 1",
        "(lambda: True)()",
        "[x for x in (1, 2)]",
        "open('x')",
        "abs(snr, gain) > 1",
        "f'{snr}' == '3'",
        "snr ** 2 > 1",
        "flags & 1 == 0",
        "~good",
        "snr if good else gain",
        "(snr := 3) > 1",
        "snr is None",
        "snr == None",
        "b'x' == intent",
        "(1, 2) == (1, 2)",
        "'a' * 1000000 == intent",
        "9" * 600,
        "(" * 200 + "snr" + ")" * 200,
        "not " * 120 + "good and snr >",
        "",
        "snr",
        "snr and gain",
        "snr > 'five'",
        "intent > 5",
        "snr >= 7; good",
        "import os",
        "\x00",
    ],
)
def test_what_is_no_plain_condition_is_refused(sources: Table, condition: str) -> None:
    with pytest.raises(CatalogueError, match="quality cut 'cut'"):
        keeps(sources, condition)


def test_huge_numbers_cost_nothing(sources: Table) -> None:
    assert keeps(sources, "snr < 99999999999999999999 * 99999999999999999999") == [0, 1, 2]


def two_fields() -> Table:
    """Source A in two overlapping fields, B twice near itself in one field, C in a continuum image and a window."""
    rows = [
        ("t1", "g", "cont", 10.0, 0.0, 8.0),  # A
        ("t2", "g", "cont", 10.0, 0.1 / 3600, 12.0),  # A again, brighter
        ("t1", "g", "cont", 20.0, 0.0, 9.0),  # B
        ("t1", "g", "cont", 20.0, 0.2 / 3600, 7.0),  # its neighbour
        ("t1", "w", "mfs", 30.0, 0.0, 50.0),  # C in a window
        ("t1", "g", "cont", 30.0, 0.1 / 3600, 40.0),  # C in the continuum
    ]
    return Table(rows=rows, names=("target", "group", "kind", "ra_deg", "dec_deg", "snr"))


def test_of_sources_in_overlapping_fields_the_best_is_kept() -> None:
    chosen = select(two_fields(), [QualityCut("duplicates", apart_arcsec=0.5)])
    assert list(chosen.table["snr"]) == [12.0, 9.0, 7.0, 40.0]
    assert chosen.cuts == (CutCount("duplicates", "apart by 0.5 arcsec", 2),)


def test_a_source_near_one_that_went_is_kept() -> None:
    """In a row of three, each 0.4 arcsec from the next, the middle one goes to the first, and the third stays."""
    rows = [(f"t{n}", 10.0, n * 0.4 / 3600, 9.0 - n) for n in range(3)]
    table = Table(rows=rows, names=("target", "ra_deg", "dec_deg", "snr"))
    assert list(select(table, [QualityCut("d", apart_arcsec=0.5)]).table["snr"]) == [9.0, 7.0]


def test_a_table_without_images_takes_each_row_for_one_of_its_own() -> None:
    table = Table({"ra_deg": [10.0, 10.0], "dec_deg": [0.0, 0.0], "snr": [5.0, 6.0]})
    assert list(select(table, [QualityCut("d", apart_arcsec=1.0)]).table["snr"]) == [6.0]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.floats(5, 20)), min_size=1, max_size=12))
def test_what_is_kept_is_apart_and_what_went_was_near(rows: list[tuple[int, int, float]]) -> None:
    table = Table({"target": [f"t{target}" for target, _, _ in rows], "snr": [snr for _, _, snr in rows]})
    table["dec_deg"] = [place * 0.3 / 3600 for _, place, _ in rows]
    table["ra_deg"] = 10.0
    table["row"] = np.arange(len(rows))
    kept = set(select(table, [QualityCut("d", apart_arcsec=1.0)]).table["row"])
    for i, (target, place, _) in enumerate(rows):
        near = [j for j in kept - {i} if rows[j][0] != target and abs(rows[j][1] - place) <= 3]
        assert bool(near) is (i not in kept)
