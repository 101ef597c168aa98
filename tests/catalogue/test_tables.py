"""Tables as files, and finding their positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import MaskedColumn, Table

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import PositionColumns, position_columns, positions
from stoa.catalogue.tables import read_table, write_table


@pytest.fixture
def sources() -> Table:
    """Two sources: a text, a masked number, a unit with a fraction, a UCD."""
    table = Table({"target": ["A001_X1", "B"], "ra_deg": [10.5, 359.25], "dec_deg": [-30.0, 45.5]})
    table["peak_flux"] = MaskedColumn([0.0125, 0.0], mask=[False, True], unit="Jy/beam", description="Peak")
    table["ra_deg"].unit = table["dec_deg"].unit = "deg"
    table["ra_deg"].meta["ucd"] = "pos.eq.ra;meta.main"
    table["dec_deg"].meta["ucd"] = "pos.eq.dec;meta.main"
    table.meta["images"] = 12
    return table


@pytest.mark.parametrize("suffix", ["vot", "xml", "fits", "ecsv", "csv", "vot.gz", "fits.gz"])
def test_what_is_written_is_read_again(sources: Table, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sources.{suffix}"
    write_table(sources, path)
    again = read_table(path)
    assert list(again["target"]) == ["A001_X1", "B"]
    assert list(again["dec_deg"]) == [-30.0, 45.5]
    assert again["peak_flux"][0] == 0.0125
    assert np.ma.is_masked(again["peak_flux"][1]) or np.isnan(again["peak_flux"][1])


@pytest.mark.parametrize("suffix", ["vot", "fits", "ecsv"])
def test_units_ucds_descriptions_and_facts_are_kept(sources: Table, tmp_path: Path, suffix: str) -> None:
    write_table(sources, tmp_path / f"sources.{suffix}")
    again = read_table(tmp_path / f"sources.{suffix}")
    assert again["peak_flux"].unit == "Jy/beam"
    assert again["peak_flux"].description == "Peak"
    assert again["ra_deg"].meta["ucd"] == "pos.eq.ra;meta.main"
    assert again.meta["images"] == 12


@pytest.mark.parametrize("suffix", ["vot", "fits", "ecsv", "csv"])
def test_a_table_without_rows_keeps_its_columns(sources: Table, tmp_path: Path, suffix: str) -> None:
    write_table(sources[:0], tmp_path / f"none.{suffix}")
    again = read_table(tmp_path / f"none.{suffix}")
    assert (len(again), again.colnames) == (0, sources.colnames)


def test_a_votable_is_valid_and_names_its_frame(sources: Table, tmp_path: Path) -> None:
    write_table(sources, tmp_path / "sources.vot")
    document = parse(tmp_path / "sources.vot", verify="exception")
    fields = {field.name: field for field in document.get_first_table().fields}
    assert document.resources[0].coordinate_systems[0].system == "ICRS"
    assert fields["ra_deg"].ref == "sky"
    assert fields["target"].arraysize == "*"
    assert 'unit="Jy.beam**-1"' in (tmp_path / "sources.vot").read_text(encoding="utf-8")


def test_a_fits_table_has_the_cards_that_other_programs_read(sources: Table, tmp_path: Path) -> None:
    write_table(sources, tmp_path / "sources.fits")
    header = fits.getheader(tmp_path / "sources.fits", 1)
    assert (header["TTYPE2"], header["TUCD2"], header["TUNIT4"]) == ("ra_deg", "pos.eq.ra;meta.main", "Jy beam-1")
    assert header["IMAGES"] == 12


def test_the_frame_of_a_votable_may_be_fk5(sources: Table, tmp_path: Path) -> None:
    sources.meta["frame"] = "FK5"
    write_table(sources, tmp_path / "sources.vot")
    system = parse(tmp_path / "sources.vot").resources[0].coordinate_systems[0]
    assert (system.system, system.equinox) == ("eq_FK5", "J2000")


def test_a_failed_write_leaves_the_old_table(sources: Table, tmp_path: Path) -> None:
    path = tmp_path / "sources.fits"
    write_table(sources, path)
    before = path.read_bytes()
    sources["bad"] = [object(), object()]
    with pytest.raises(Exception, match="object"):
        write_table(sources, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["table", "table.txt", "table.gz"])
def test_an_unknown_suffix_is_refused(sources: Table, tmp_path: Path, name: str) -> None:
    with pytest.raises(CatalogueError, match="does not say what kind") as problem:
        write_table(sources, tmp_path / name)
    assert ".vot" in str(problem.value.hint)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"there is no table '.*quasars\.vot'"):
        read_table(tmp_path / "quasars.vot")


def test_a_folder_that_is_missing_is_named(sources: Table, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"no folder '.*/none'"):
        write_table(sources, tmp_path / "none" / "sources.vot")


@pytest.mark.parametrize("suffix", ["vot", "fits", "ecsv", "csv"])
def test_a_damaged_table_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(b"\x00\x01 <html> 503\n" * 3 if suffix != "csv" else b"")
    with pytest.raises(CatalogueError, match=rf"damaged\.{suffix}' cannot be read"):
        read_table(path)


def vizier() -> Table:
    """Positions twice, as VizieR gives them: computed decimal ones, and the published text with the main UCD."""
    table = Table({"_RAJ2000": [10.0], "_DEJ2000": [-5.0], "RAJ2000": ["00 40 00.0"], "DEJ2000": ["-05 00 00"]})
    table["RAJ2000"].meta["ucd"] = "pos.eq.ra;meta.main"
    table["DEJ2000"].meta["ucd"] = "pos.eq.dec;meta.main"
    return table


def test_decimal_columns_come_before_sexagesimal_ones() -> None:
    assert position_columns(vizier(), "vv10") == PositionColumns("_RAJ2000", "_DEJ2000")


def test_sexagesimal_columns_are_read_in_hours_and_degrees() -> None:
    table = vizier()["RAJ2000", "DEJ2000"]
    assert positions(table, "vv10") == (pytest.approx([10.0]), pytest.approx([-5.0]))


def test_a_negative_declination_of_zero_degrees_keeps_its_sign() -> None:
    table = Table({"RAJ2000": ["00 00 00.0"], "DEJ2000": ["-00 30 00"]})
    assert positions(table, "vv10")[1] == pytest.approx([-0.5])


def test_a_main_ucd_tells_positions_from_other_angles() -> None:
    table = Table({"ra": [1.0], "dec": [2.0], "alpha": [3.0], "delta": [4.0]})
    table["alpha"].meta["ucd"], table["delta"].meta["ucd"] = "POS.EQ.RA;META.MAIN", "pos.eq.dec;meta.main"
    assert position_columns(table, "t") == PositionColumns("alpha", "delta")


@pytest.mark.parametrize(
    ("unit", "value", "degrees"), [("hourangle", 2.0, 30.0), ("rad", np.pi / 2, 90.0), ("deg", 7, 7)]
)
def test_positions_are_in_degrees_whatever_the_unit(unit: str, value: float, degrees: float) -> None:
    table = Table({"ra": [value], "dec": [0.5]})
    table["ra"].unit = unit
    assert positions(table, "t")[0] == pytest.approx([degrees])


def test_absent_positions_are_nan() -> None:
    table = Table({"ra": MaskedColumn([1.0, 2.0], mask=[False, True]), "dec": [1.0, 2.0]})
    ra, _ = positions(table, "t")
    assert np.isnan(ra).tolist() == [False, True]


def test_a_table_without_positions_is_told_with_its_columns() -> None:
    with pytest.raises(CatalogueError, match=r"'flux.csv' has no columns .* \(it has: name, flux\)"):
        positions(Table({"name": ["a"], "flux": [1.0]}), "flux.csv")


@pytest.mark.parametrize(("ra", "dec"), [(400.0, 0.0), (10.0, 95.0), (-200.0, 0.0)])
def test_values_outside_the_sky_are_told_with_their_row(ra: float, dec: float) -> None:
    with pytest.raises(CatalogueError, match="row 2"):
        positions(Table({"ra": [1.0, ra], "dec": [1.0, dec]}), "t")


def test_a_unit_that_is_no_angle_is_named() -> None:
    table = Table({"ra": [1.0], "dec": [1.0]})
    table["ra"].unit = "Jy"
    with pytest.raises(CatalogueError, match="column ra has the unit Jy"):
        positions(table, "t")


def test_a_text_that_is_no_angle_is_told_with_its_row() -> None:
    with pytest.raises(CatalogueError, match="row 1: RAJ2000 is 'unknown'"):
        positions(Table({"RAJ2000": ["unknown"], "DEJ2000": ["-05 00 00"]}), "t")
