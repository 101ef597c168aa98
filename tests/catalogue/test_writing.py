"""Every kind of column in every format, or a refusal that names column, row and value before a file is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.tables import read_table, write_table, write_tables
from stoa.csvcells import guarded, unguarded

ALL = ["vot", "fits", "ecsv", "csv"]


def again(table: Table, tmp_path: Path, suffix: str) -> Table:
    write_table(table, tmp_path / f"t.{suffix}")
    return read_table(tmp_path / f"t.{suffix}")


def arrays(*values: list[Any]) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        made[row] = np.array(value)
    return made


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"])
def test_numbers_of_every_type_keep_their_values(tmp_path: Path, suffix: str, kind: str) -> None:
    limits = np.iinfo(kind) if kind[0] in "ui" else None
    values = [0, 1, 100] if limits is None else [int(limits.min), 1, min(int(limits.max), 2**63 - 1)]
    table = Table({"n": np.array(values, dtype=kind)})
    assert again(table, tmp_path, suffix)["n"].tolist() == values


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "i8", "f8"])
def test_absent_numbers_stay_absent_and_the_others_stay(tmp_path: Path, suffix: str, kind: str) -> None:
    values = [63, 16959, 7] if kind != "u1" else [63, 0, 7]
    table = Table({"n": MaskedColumn(np.array(values, dtype=kind), mask=[False, False, True])})
    column = again(table, tmp_path, suffix)["n"]
    filled = np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
    assert filled[:2].tolist() == values[:2]
    assert np.isnan(filled[2])


def test_an_integer_beyond_those_of_a_votable_is_named(tmp_path: Path) -> None:
    table = Table({"n": np.array([1, 2**64 - 1], dtype="u8")})
    with pytest.raises(CatalogueError, match=r"'t\.vot', row 2: n is 18446744073709551615"):
        write_table(table, tmp_path / "t.vot")
    assert again(table, tmp_path, "fits")["n"].tolist() == [1, 2**64 - 1]


@pytest.mark.parametrize("suffix", ["vot", "ecsv", "csv"])
def test_umlauts_and_greek_are_kept(tmp_path: Path, suffix: str) -> None:
    table = Table(
        {"name": ["Müller \u2212 3", "\u03b1 Ori"], "\u03b1": [1.0, 2.0], "ra": [1.0, 2.0], "dec": [3.0, 4.0]}
    )
    found = again(table, tmp_path, suffix)
    assert found["name"].tolist() == table["name"].tolist()
    assert found["\u03b1"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (Table({"name": ["a", "Müller"]}), "row 2: name is 'Müller', which is not ASCII"),
        (Table({"\u03b1": [1.0]}), "the column 'α' is not ASCII"),
    ],
)
def test_what_fits_cannot_hold_is_named_before_any_file_is_written(tmp_path: Path, table: Table, said: str) -> None:
    (tmp_path / "t.vot").write_bytes(b"old")
    with pytest.raises(CatalogueError) as problem:
        write_tables(table, [tmp_path / "t.vot", tmp_path / "t.fits"])
    assert said in problem.value.message
    assert [file.name for file in tmp_path.iterdir()] == ["t.vot"]
    assert (tmp_path / "t.vot").read_bytes() == b"old"


@pytest.mark.parametrize("suffix", ["vot", "fits", "ecsv", "csv"])
def test_times_and_coordinates_are_written_as_plain_columns(tmp_path: Path, suffix: str) -> None:
    table = QTable({"c": SkyCoord([10.5], [-20.25], unit="deg"), "t": Time(["2020-01-02T03:04:05.678"], scale="utc")})
    found = again(table, tmp_path, suffix)
    assert found.colnames == ["c_ra_deg", "c_dec_deg", "t"]
    assert found["t"].tolist() == ["2020-01-02T03:04:05.678"]
    assert found["c_ra_deg"].tolist() == pytest.approx([10.5])


@pytest.mark.parametrize("suffix", ["vot", "fits", "ecsv"])
@pytest.mark.parametrize("kind", ["i4", "f4", "f8"])
def test_arrays_of_different_lengths_are_kept(tmp_path: Path, suffix: str, kind: str) -> None:
    values = arrays([1, 2, 3], [4])
    for row in range(2):
        values[row] = values[row].astype(kind)
    table = Table({"id": [1, 2], "v": Column(values), "w": [1.5, 2.5]})
    found = again(table, tmp_path, suffix)
    assert found.colnames == ["id", "v", "w"]
    assert [np.asarray(value).tolist() for value in found["v"]] == [[1, 2, 3], [4]]
    assert found["w"].tolist() == [1.5, 2.5]


@pytest.mark.parametrize("values", [arrays([1, 2], [3]), np.zeros((2, 3))])
def test_a_csv_of_arrays_is_refused(tmp_path: Path, values: Any) -> None:
    with pytest.raises(CatalogueError, match="the column v has several values in a row"):
        write_table(Table({"v": Column(values)}), tmp_path / "t.csv")


@pytest.mark.parametrize("suffix", [*ALL, "parquet"])
def test_an_object_that_is_no_number_text_or_array_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(CatalogueError, match="row 2: v is an object"):
        write_table(Table({"v": Column(["a", {"b": 1}], dtype=object)}), tmp_path / f"t.{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["vot", "fits"])
def test_hours_stay_hours_in_formats_that_have_no_hour_angle(tmp_path: Path, suffix: str) -> None:
    table = Table({"ra": Column([10.0], unit=units.hourangle), "dec": Column([-30.0], unit="deg")})
    assert positions(again(table, tmp_path, suffix), "t")[0] == pytest.approx([150.0])


@pytest.mark.parametrize("suffix", ["vot", "fits", "ecsv"])
def test_the_frame_of_positions_stays_with_them(tmp_path: Path, suffix: str) -> None:
    table = Table({"ra": [10.0], "dec": [20.0]}, meta={"frame": "FK4 B1950"})
    wanted = SkyCoord(10.0, 20.0, unit="deg", frame="fk4", equinox="B1950").icrs
    assert positions(again(table, tmp_path, suffix), "t")[0] == pytest.approx([wanted.ra.deg], abs=1e-9)


def test_a_csv_that_cannot_say_the_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="the positions are FK4 B1950.0, which CSV cannot say"):
        write_table(Table({"ra": [10.0], "dec": [20.0]}, meta={"frame": "FK4 B1950"}), tmp_path / "t.csv")


FORMULAE = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\t=1", "'=1", "''=x"]


@pytest.mark.parametrize("text", [*FORMULAE, "3C 273", "-", "+", "-00 12 34", "+02 03 09", "-1.5", "", "'quoted'"])
def test_a_guarded_text_is_no_formula_and_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in ("=", "@", "\t", "\r")
    assert (guarded(text) != text) == (text in FORMULAE)


def test_cells_of_a_csv_are_guarded_and_read_again(tmp_path: Path) -> None:
    table = Table({"name": ["=1+1", "plain"], "ra": [1.0, 2.0], "dec": [3.0, 4.0]})
    found = again(table, tmp_path, "csv")
    assert "\n'=1+1," in (tmp_path / "t.csv").read_text(encoding="utf-8")
    assert found["name"].tolist() == ["=1+1", "plain"]


@pytest.mark.parametrize("suffix", ALL)
def test_texts_with_separators_quotes_and_line_breaks_come_back(tmp_path: Path, suffix: str) -> None:
    texts = ['a, "b"', "two\nlines", "semi;colon"] if suffix != "fits" else ['a, "b"', "a;b", "c"]
    assert again(Table({"t": texts, "n": [1, 2, 3]}), tmp_path, suffix)["t"].tolist() == texts
