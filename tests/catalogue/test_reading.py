"""Catalogues as other people write them: what is read, and what is refused with column, row and value."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import FK4, FK5, ICRS, BaseCoordinateFrame, SkyCoord
from astropy.io import fits
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time

from stoa.catalogue import formats
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.tables import read_table


def read(path: Path, content: str | bytes) -> tuple[list[float], list[float]]:
    """Positions of a file with this content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    ra, dec = positions(read_table(path), path.name)
    return ra.tolist(), dec.tolist()


def texts(ra: list[str], dec: list[str], unit: str = "", dec_unit: str = "") -> Table:
    table = Table({"RA": ra, "DEC": dec})
    table["RA"].unit = unit or None
    table["DEC"].unit = dec_unit or unit or None
    return table


def sky(table: Table) -> tuple[list[float], list[float]]:
    ra, dec = positions(table, "t")
    return ra.tolist(), dec.tolist()


# Angles as text


def test_degrees_as_text_are_degrees() -> None:
    assert sky(texts(["10.5", "20.25"], ["-30.0", "0.5"], "deg")) == ([10.5, 20.25], [-30.0, 0.5])
    assert sky(texts(["10.5", "20.25"], ["-30.0", "0.5"])) == ([10.5, 20.25], [-30.0, 0.5])


@pytest.mark.parametrize("unit", ["h", "hourangle", '"h:m:s"', "hours"])
def test_hours_as_text_are_hours_where_the_unit_says_so(unit: str) -> None:
    assert sky(texts(["10.5"], ["-30.0"], unit, "deg"))[0] == [157.5]
    assert sky(texts(["10 30 00"], ["-30 00 00"], unit, '"d:m:s"'))[0] == [157.5]


def test_sexagesimal_degrees_are_degrees_where_the_unit_says_so() -> None:
    assert sky(texts(["10 30 00"], ["-30 30 00"], "deg")) == ([10.5], [-30.5])


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("12 34 56.7", "-00 12 34"),
        ("12:34:56.7", "-00:12:34"),
        ("12h34m56.7s", "-00d12m34s"),
        ("12h 34m 56.7s", "\u221200\u00b0 12\u2032 34\u2033"),
        ("12\u02b034\u1d5056.7\u02e2", "\u201300\u00b012'34\""),
        ("12\u00a034\u00a056,7", "\u221200 12 34,0"),
    ],
)
def test_sexagesimal_texts_are_read_as_people_print_them(ra: str, dec: str) -> None:
    found = sky(texts([ra], [dec]))
    assert found[0] == pytest.approx([15 * (12 + 34 / 60 + 56.7 / 3600)], abs=1e-10)
    assert found[1] == pytest.approx([-(12 / 60 + 34 / 3600)], abs=1e-10)


def test_sexagesimal_texts_agree_with_astropy() -> None:
    points = SkyCoord(np.linspace(0.001, 359.9, 200), np.linspace(-89.9, 89.9, 200), unit="deg")
    table = texts(
        points.ra.to_string("hourangle", sep=" ", precision=4, pad=True).tolist(),
        points.dec.to_string(sep=" ", precision=3, pad=True, alwayssign=True).tolist(),
    )
    ra, dec = positions(table, "t")
    assert np.abs(ra - points.ra.deg).max() < 1e-6
    assert np.abs(dec - points.dec.deg).max() < 1e-6


@pytest.mark.parametrize(
    ("ra", "dec", "unit", "said"),
    [
        (["10 00 00", "10.5"], ["0 0 0", "0 0 0"], "", "row 2: RA is '10.5', which is not written like row 1"),
        (["10 61 00"], ["0 0 0"], "", "row 1: RA is '10 61 00', which has minutes"),
        (["10 00 00", "n/a"], ["0 0 0", "0 0 0"], "", "row 2: RA is 'n/a', which is not an angle"),
        (["1 0 0", "--"], ["0 0 0", "0 0 0"], "", "row 2: RA is '--', which is not an angle"),
        (["10h00m00s"], ["0 0 0"], "deg", "row 1: RA is '10h00m00s', which is not in degrees"),
        (["30 00 00"], ["0 0 0"], "", "row 1: RA 450"),
        (["10.5"], ["1h"], "", "row 1: DEC is '1h', which is in hours"),
        (["10.5"], ["0.5"], "Jy", "column RA has the unit Jy, which is not an angle"),
        (["1,234"], ["0.5"], "", "row 1: RA is '1,234', which is not an angle"),
    ],
)
def test_what_is_not_understood_is_named_with_row_and_value(
    ra: list[str], dec: list[str], unit: str, said: str
) -> None:
    with pytest.raises(CatalogueError) as problem:
        positions(texts(ra, dec, unit), "t")
    assert said in problem.value.message


def test_numbers_in_hours_are_hours_by_unit_or_name() -> None:
    for unit in (units.hourangle, units.h):
        table = Table({"ra": Column([10.0], unit=unit), "dec": Column([-30.0], unit="deg")})
        assert sky(table) == ([150.0], [-30.0])
    assert sky(Table({"ra_hours": [10.0], "dec_deg": [-30.0]})) == ([150.0], [-30.0])


def test_a_declination_in_hours_is_refused() -> None:
    table = Table({"ra": [10.0], "dec": Column([1.0], unit="h")})
    with pytest.raises(CatalogueError, match="column dec has the unit h, which no declination has"):
        positions(table, "t")


def test_packed_numbers_are_refused() -> None:
    table = Table({"ra": Column([123456.7]), "dec": [1.0]})
    table["ra"].unit = units.Unit("h:m:s", parse_strict="silent")
    with pytest.raises(CatalogueError, match="which is not an angle"):
        positions(table, "t")


def test_infinite_positions_are_named() -> None:
    with pytest.raises(CatalogueError, match="row 2: ra is inf"):
        positions(Table({"ra": [1.0, np.inf], "dec": [1.0, 2.0]}), "t")


# Columns of CDS


def parts(**columns: list[object]) -> Table:
    return Table({{"DEsign": "DE-"}.get(name, name): values for name, values in columns.items()})


def test_parts_of_positions_are_put_together_and_minus_zero_stays_south() -> None:
    table = parts(
        RAh=[12, 13, 0], RAm=[29, 0, 0], RAs=[6.7, 0.1, 0.0], DEsign=["+", "-", "\u2212"], DEd=[2, 0, 0],
        DEm=[3, 12, 0], DEs=[9.0, 34.0, 30.0],
    )  # fmt: skip
    ra, dec = positions(table, "t")
    assert ra == pytest.approx([187.277917, 195.000417, 0.0], abs=1e-6)
    assert dec == pytest.approx([2.0525, -0.209444, -30 / 3600], abs=1e-6)


def test_parts_without_seconds_and_blank_seconds_are_read() -> None:
    assert sky(parts(RAh=[1], RAm=[30.5], DEsign=["-"], DEd=[5], DEm=[30])) == ([22.625], [-5.5])
    blank = MaskedColumn([0.0], mask=[True])
    assert sky(parts(RAh=[1], RAm=[30], RAs=blank, DEsign=["-"], DEd=[5], DEm=[30], DEs=blank)) == ([22.5], [-5.5])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"RAm": [61]}, "row 1: RAm is 61, no part of a position"),
        ({"DEsign": ["x"]}, "row 1: DE- is 'x', which is not a sign"),
        ({"DEs": [-5.0]}, "row 1: DEs is -5, no part of a position"),
    ],
)
def test_parts_that_are_none_are_named(changed: dict[str, list[object]], said: str) -> None:
    given: dict[str, list[object]] = {"RAh": [1], "RAm": [2], "DEsign": ["-"], "DEd": [5], "DEm": [3], "DEs": [4.0]}
    with pytest.raises(CatalogueError) as problem:
        positions(parts(**(given | changed)), "t")
    assert said in problem.value.message


def test_the_sign_of_minus_zero_in_a_csv_is_kept_without_a_column_of_signs(tmp_path: Path) -> None:
    assert read(tmp_path / "p.csv", "RAh,RAm,DEd,DEm\n1,0,-00,30\n1,0,5,30\n")[1] == [-0.5, 5.5]


def test_an_integer_zero_whose_sign_is_lost_is_refused() -> None:
    with pytest.raises(CatalogueError, match="row 1: DEd is 0, whose sign is not known"):
        positions(parts(RAh=[1, 1], RAm=[0, 0], DEd=[0, -5], DEm=[30, 30]), "t")


README_CDS = """\
J/A+A/1/1    Some quasars    (No one, 2020)
================================================================================
Byte-by-byte Description of file: table.dat
--------------------------------------------------------------------------------
   Bytes Format Units   Label     Explanations
--------------------------------------------------------------------------------
   1-  6  A6    ---     Name      Name
   8-  9  I2    h       RAh       Hours RA, equinox 2000.0
  11- 12  I2    min     RAm       Minutes RA
  14- 17  F4.1  s       RAs       ?Seconds RA
      19  A1    ---     DE-       Sign Dec
  20- 21  I2    deg     DEd       Degrees Dec
  23- 24  I2    arcmin  DEm       Minutes Dec
  26- 27  I2    arcsec  DEs       ?Seconds Dec
  29- 32  F4.2  Jy      F6cm      ?=-1.0 Flux at 6 cm
--------------------------------------------------------------------------------
"""
ROWS_CDS = "3C 273 12 29 06.7 +02 03 09 37.4\nPKS 1  13 00 00.1 -00 12 34 -1.0\n"


@pytest.mark.parametrize("packed", [False, True])
def test_the_published_form_is_read_with_its_readme(tmp_path: Path, packed: bool) -> None:
    (tmp_path / "ReadMe").write_text(README_CDS, encoding="utf-8")
    path = tmp_path / ("table.dat.gz" if packed else "table.dat")
    path.write_bytes(gzip.compress(ROWS_CDS.encode()) if packed else ROWS_CDS.encode())
    table = read_table(path)
    ra, dec = positions(table, "vv")
    assert ra == pytest.approx([187.277917, 195.000417], abs=1e-6)
    assert dec == pytest.approx([2.0525, -0.209444], abs=1e-6)
    assert table["F6cm"].mask.tolist() == [False, True]


def test_a_machine_readable_table_has_its_description_in_it(tmp_path: Path) -> None:
    title = "Title: Quasars\nAuthors: No one\nTable: positions\n" + "=" * 80 + "\n"
    (tmp_path / "t.txt").write_text(
        title + README_CDS.partition("\n" + "=" * 80 + "\n")[2] + ROWS_CDS, encoding="utf-8"
    )
    assert positions(read_table(tmp_path / "t.txt"), "t")[1] == pytest.approx([2.0525, -0.209444], abs=1e-6)


def test_degrees_of_cds_and_b1950_by_their_names(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", "Name,RAdeg,DEdeg\na,187.5,-2.5\n") == ([187.5], [-2.5])
    ra, dec = read(tmp_path / "b.csv", "Name,RAB1950,DEB1950\na,187.5,-2.5\n")
    wanted = SkyCoord(187.5, -2.5, unit="deg", frame=FK4(equinox="B1950")).icrs
    assert (ra[0], dec[0]) == (pytest.approx(wanted.ra.deg, abs=1e-7), pytest.approx(wanted.dec.deg, abs=1e-7))


# Frames


def votable(tmp_path: Path, coosys: str, infos: str = "") -> Path:
    path = tmp_path / "t.vot"
    path.write_text(
        f'<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f"<RESOURCE>{infos}{coosys}"
        f'<TABLE><FIELD name="ra" ref="s" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main"/>'
        f'<FIELD name="dec" ref="s" datatype="double" unit="deg" ucd="pos.eq.dec;meta.main"/>'
        f"<DATA><TABLEDATA><TR><TD>10.0</TD><TD>20.0</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("coosys", "frame"),
    [
        ('system="eq_FK4" equinox="B1950"', FK4(equinox="B1950")),
        ('system="eq_FK4" equinox="1950.0" epoch="1980.5"', FK4(equinox="B1950", obstime="B1980.5")),
        ('system="eq_FK5" equinox="J1975"', FK5(equinox="J1975")),
        ('system="ICRS" epoch="J2015.5"', ICRS()),
    ],
)
def test_the_frame_of_a_votable_is_honoured(tmp_path: Path, coosys: str, frame: BaseCoordinateFrame) -> None:
    ra, dec = positions(read_table(votable(tmp_path, f'<COOSYS ID="s" {coosys}/>')), "t")
    wanted = SkyCoord(10.0, 20.0, unit="deg", frame=frame).icrs
    assert ra[0] == pytest.approx(wanted.ra.deg, abs=1e-9)
    assert dec[0] == pytest.approx(wanted.dec.deg, abs=1e-9)


@pytest.mark.parametrize("system", ["galactic", "geo_app", "ecl_FK5"])
def test_a_frame_that_is_not_understood_or_contradicts_the_names_is_refused(tmp_path: Path, system: str) -> None:
    with pytest.raises(CatalogueError, match="frame"):
        positions(read_table(votable(tmp_path, f'<COOSYS ID="s" system="{system}"/>')), "t")


def test_the_frame_of_a_fits_table_is_honoured(tmp_path: Path) -> None:
    columns = [fits.Column("RA", "D", "deg", array=[10.0]), fits.Column("DEC", "D", "deg", array=[20.0])]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["RADESYS"], hdu.header["EQUINOX"] = "FK4", 1950.0
    hdu.writeto(tmp_path / "t.fits")
    wanted = SkyCoord(10.0, 20.0, unit="deg", frame=FK4(equinox="B1950")).icrs
    assert positions(read_table(tmp_path / "t.fits"), "t")[0] == pytest.approx([wanted.ra.deg])


def test_galactic_positions_become_icrs() -> None:
    ra, dec = positions(Table({"GLON": [0.0], "GLAT": [0.0]}), "t")
    assert (ra[0], dec[0]) == (pytest.approx(266.4049883, abs=1e-6), pytest.approx(-28.9361777, abs=1e-6))


def test_an_equinox_in_the_description_counts() -> None:
    table = Table({"RAdeg": Column([10.0], description="Right ascension (B1950)"), "DEdeg": [20.0]})
    wanted = SkyCoord(10.0, 20.0, unit="deg", frame=FK4(equinox="B1950")).icrs
    assert positions(table, "t")[0] == pytest.approx([wanted.ra.deg])


# VOTables


def test_the_results_resource_is_taken(tmp_path: Path) -> None:
    table = (
        '<TABLE name="{name}"><FIELD name="ra" datatype="double" unit="deg"/>'
        '<FIELD name="dec" datatype="double" unit="deg"/>'
        "<DATA><TABLEDATA><TR><TD>{ra}</TD><TD>1</TD></TR></TABLEDATA></DATA></TABLE>"
    )
    (tmp_path / "t.vot").write_text(
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="meta">{table.format(name="a", ra=1)}</RESOURCE>'
        f'<RESOURCE type="results">{table.format(name="b", ra=2)}</RESOURCE></VOTABLE>',
        encoding="utf-8",
    )
    assert read_table(tmp_path / "t.vot")["ra"].tolist() == [2.0]
    assert read_table(Path(f"{tmp_path / 't.vot'}#a"))["ra"].tolist() == [1.0]


def test_a_query_that_failed_is_told(tmp_path: Path) -> None:
    info = '<INFO name="QUERY_STATUS" value="ERROR">no such table</INFO>'
    with pytest.raises(CatalogueError, match="query that failed: no such table"):
        read_table(votable(tmp_path, "", infos=info))


@pytest.mark.parametrize("kind", ["BINARY", "BINARY2"])
@pytest.mark.parametrize("attribute", ["href", "xlink:href"])
def test_a_stream_elsewhere_is_never_read(tmp_path: Path, kind: str, attribute: str) -> None:
    (tmp_path / "secret").write_bytes(b"0123456789abcdef" * 2)
    (tmp_path / "t.vot").write_text(
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        '<FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/>'
        f'<DATA><{kind}><STREAM {attribute}="file://{tmp_path}/secret"/></{kind}></DATA></TABLE></RESOURCE></VOTABLE>',
        encoding="utf-8",
    )
    with pytest.raises(CatalogueError, match="has its data elsewhere|cannot be read as votable"):
        read_table(tmp_path / "t.vot")


def test_a_stream_behind_an_entity_or_in_utf16_is_never_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"0123456789abcdef" * 2)
    document = (
        '<?xml version="1.0" encoding="{encoding}"?>{doctype}<VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="ra"'
        ' datatype="double"/><FIELD name="dec" datatype="double"/><DATA><BINARY>{stream}</BINARY></DATA></TABLE>'
        "</RESOURCE></VOTABLE>"
    )
    doctype = f"<!DOCTYPE VOTABLE [<!ENTITY e '<STREAM &#104;ref=\"file://{tmp_path}/secret\"/>'>]>"
    hidden = document.format(encoding="utf-8", doctype=doctype, stream="&e;").encode()
    wide = document.format(encoding="utf-16", doctype="", stream=f'<STREAM href="file://{tmp_path}/secret"/>').encode(
        "utf-16"
    )
    for content in (hidden, wide):
        (tmp_path / "t.vot").write_bytes(content)
        with pytest.raises(CatalogueError):
            read_table(tmp_path / "t.vot")


def test_a_link_in_a_votable_is_no_stream(tmp_path: Path) -> None:
    path = votable(tmp_path, "", infos='<LINK href="https://example.org/"/>')
    assert len(read_table(path)) == 1


# FITS


def test_a_table_in_a_later_extension_is_found(tmp_path: Path) -> None:
    first = fits.BinTableHDU(Table({"start": [1.0]}), name="GTI")
    second = fits.BinTableHDU(Table({"RA": [10.0], "DEC": [20.0]}), name="SOURCES")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((2, 2))), first, second]).writeto(tmp_path / "t.fits")
    assert read_table(tmp_path / "t.fits").colnames == ["RA", "DEC"]


def test_several_tables_with_positions_are_no_guess(tmp_path: Path) -> None:
    hdus = [fits.BinTableHDU(Table({"RA": [ra], "DEC": [0.0]}), name=name) for name, ra in (("ONE", 1.0), ("TWO", 2.0))]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "t.fits")
    with pytest.raises(CatalogueError, match="several tables with positions: ONE, TWO") as problem:
        read_table(tmp_path / "t.fits")
    assert "t.fits#ONE" in str(problem.value.hint)
    for chosen in ("TWO", "2"):
        assert read_table(Path(f"{tmp_path / 't.fits'}#{chosen}"))["RA"][0] == 2.0
    with pytest.raises(CatalogueError, match="no table 'THREE'"):
        read_table(Path(f"{tmp_path / 't.fits'}#THREE"))


# Text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    assert read(tmp_path / "t.csv", f"{mark}ra,dec\r\n10.5,-2\r\n".encode(encoding)) == ([10.5], [-2.0])


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is not text in UTF-8: byte 0xfc in line 2"):
        read(tmp_path / "t.csv", "ra,dec,name\n1,2,M\xfcller\n".encode("latin-1"))


def test_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    content = "name;ra;dec;flux\n3C 273;187,277917;2,0525;1,5e-3\nQ2;195;\u22120,209;\n"
    assert read(tmp_path / "t.csv", content) == ([187.277917, 195.0], [2.0525, -0.209])
    assert read_table(tmp_path / "t.csv")["flux"].tolist() == [0.0015, None]


def test_commas_beside_points_are_no_decimal_commas(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="row 1: ra is '187,277', which is not an angle"):
        read(tmp_path / "t.csv", "ra;dec;flux\n187,277;2,052;0.5\n")


def test_a_minus_of_print_is_a_minus(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "name,ra,dec\nQ\u22121,150.0,\u221230.0\n") == ([150.0], [-30.0])
    assert read_table(tmp_path / "t.csv")["name"][0] == "Q\u22121"


def test_a_bad_value_among_numbers_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="row 2: dec is 'x30', which is not an angle"):
        read(tmp_path / "t.csv", "ra,dec\n1.0,2.0\n2.0,x30\n")


def test_lines_of_other_lengths_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="line 3: it has 1 columns, the line of names 2"):
        read(tmp_path / "t.csv", "ra,dec\n1.0,2.0\n2.0\n")


def test_comments_above_the_names_are_no_data(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "# made by hand\n#\nra,dec\n1.0,2.0\n") == ([1.0], [2.0])
    assert read(tmp_path / "u.csv", "#ra,dec\n1.0,2.0\n") == ([1.0], [2.0])
    assert read(tmp_path / "t.txt", "# ra dec\n1.0 2.0\n# end\n3.0 4.0\n") == ([1.0, 3.0], [2.0, 4.0])


def test_a_comment_names_columns_of_cells_with_blanks(tmp_path: Path) -> None:
    assert read(tmp_path / "t.txt", '# ra dec name\n1.5 -2 "a b"\n3.5 -4 c\n') == ([1.5, 3.5], [-2.0, -4.0])
    assert list(read_table(tmp_path / "t.txt")["name"]) == ["a b", "c"]


@pytest.mark.parametrize("text", ["150.0,-30.0,Q 1\n151.0,-31.0,Q 2\n", "1,2,3\n4,5,6\n", "# a b\n150.0,-30.0,Q\n"])
def test_a_first_row_is_not_taken_for_the_names_of_columns(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(CatalogueError, match=r"line \d: '[0-9.]+' is a number and not the name of a column"):
        read_table(tmp_path / "t.csv")


def test_columns_may_be_named_by_whole_numbers(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "ra,dec,1,2\n1.5,-2,8,9\n") == ([1.5], [-2.0])


def test_columns_separated_by_tabs_bars_and_blanks(tmp_path: Path) -> None:
    for name, mark in (("a.tsv", "\t"), ("b.txt", "|"), ("c.dat", "  ")):
        assert read(tmp_path / name, mark.join(("ra", "dec")) + "\n" + mark.join(("1.5", "-2")) + "\n") == (
            [1.5],
            [-2.0],
        )


VIZIER = """\
#
#   VizieR Astronomical Server
#Coosys\tJ2000:\teq_FK5 J2000
#RESOURCE=yCat_7258
#Name: VII/258
#Table\tVII_258_vv10:
#Name: VII/258/vv10
#Column\t{ra}\t(A10)\tRight ascension (FK5, Equinox=J2000.0)\t[ucd=pos.eq.ra;meta.main]
#Column\t{dec}\t(A9)\tDeclination (FK5, Equinox=J2000.0)\t[ucd=pos.eq.dec;meta.main]
#Column\tName\t(a16)\tMost common name\t[ucd=meta.id;meta.main]
#Column\tVmag\t(F5.2)\t? V magnitude\t[ucd=phot.mag;em.opt.V]
{body}
#END#
"""


def vizier(mark: str, ra: str, dec: str, units_line: str, row: tuple[str, ...]) -> str:
    dashes = mark.join("-" * 10 for _ in range(4))
    lines = [mark.join((ra, dec, "Name", "Vmag")), units_line.replace("\t", mark), dashes, mark.join(row)]
    return VIZIER.format(ra=ra, dec=dec, body="\n".join(lines))


@pytest.mark.parametrize("mark", ["\t", "|", ";"])
def test_vizier_separated_by_a_character(tmp_path: Path, mark: str) -> None:
    content = vizier(
        mark, "RAJ2000", "DEJ2000", '"h:m:s"\t"d:m:s"\t \tmag', ("12 29 06.7", "-00 03 09", "007", "     ")
    )
    (tmp_path / "v.tsv").write_text(content, encoding="utf-8")
    table = read_table(tmp_path / "v.tsv")
    wanted = SkyCoord("12h29m06.7s", "-00d03m09s", frame="fk5").icrs
    ra, dec = positions(table, "v")
    assert (ra[0], dec[0]) == (pytest.approx(wanted.ra.deg, abs=1e-9), pytest.approx(wanted.dec.deg, abs=1e-9))
    assert table["Name"][0] == "007"
    assert table["RAJ2000"].meta["ucd"] == "pos.eq.ra;meta.main"


def test_vizier_in_aligned_columns(tmp_path: Path) -> None:
    content = """\
#RESOURCE=yCat_1289
#Name: I/289/out
#---Details of Columns:
#    RAJ2000 (deg)   (F11.7) Right ascension, ICRS [ucd=pos.eq.ra;meta.main]
#    DEJ2000 (deg)   (F11.7) Declination, ICRS [ucd=pos.eq.dec;meta.main]
#    Name            (A8)    Name [ucd=meta.id]
RAJ2000     DEJ2000     Name
deg         deg
----------- ----------- --------
083.6332083 +22.0144611 the Crab
010.6847083 +41.2687500 M 31
"""
    assert read(tmp_path / "v.txt", content) == ([83.6332083, 10.6847083], [22.0144611, 41.26875])
    assert read_table(tmp_path / "v.txt")["Name"].tolist() == ["the Crab", "M 31"]


def test_an_answer_of_vizier_with_two_tables_takes_the_one_with_positions(tmp_path: Path) -> None:
    first = vizier("\t", "RAJ2000", "DEJ2000", "deg\tdeg\t \tmag", ("12.5", "-1.5", "a", "17.0"))
    other = "#Table\trefs:\n#Name: VII/258/refs\nRef\tBib\n\t\n---\t---\n1\t2006A\n"
    (tmp_path / "v.tsv").write_text(first + other, encoding="utf-8")
    assert read_table(tmp_path / "v.tsv").colnames == ["RAJ2000", "DEJ2000", "Name", "Vmag"]
    assert read_table(Path(f"{tmp_path / 'v.tsv'}#VII/258/refs")).colnames == ["Ref", "Bib"]


# Times, coordinates, quantities


def test_times_coordinates_and_quantities_of_ecsv_become_plain_columns(tmp_path: Path) -> None:
    table = QTable({"name": ["a"], "where": SkyCoord([10.0], [20.0], unit="deg", frame="galactic")})
    table["seen"] = Time([2458000.25], format="jd", scale="tdb")
    table["flux"] = [1.5] * units.mJy
    table.write(tmp_path / "t.ecsv")
    read = read_table(tmp_path / "t.ecsv")
    wanted = SkyCoord(10.0, 20.0, unit="deg", frame="galactic").icrs
    ra, dec = positions(read, "t")
    assert (ra[0], dec[0]) == (pytest.approx(wanted.ra.deg), pytest.approx(wanted.dec.deg))
    assert read["seen"][0] == "2017-09-03T18:00:00.000"
    assert "tdb" in read["seen"].description
    assert read["flux"].unit == "mJy"


# What may be read


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name in ("pipe.csv", "folder.csv"):
        with pytest.raises(CatalogueError, match="is not a regular file"):
            read_table(tmp_path / name)


@pytest.mark.parametrize("suffix", ["csv.gz", "vot.gz", "fits.gz"])
def test_what_grows_beyond_all_measure_is_refused(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_TEXT_BYTES", 1 << 20)
    monkeypatch.setattr(formats.content, "__defaults__", (1 << 20,))
    monkeypatch.setattr("stoa.catalogue.fits_tables.MOST_BYTES", 1 << 20)
    path = tmp_path / f"bomb.{suffix}"
    path.write_bytes(gzip.compress(b"0" * (2 << 20)))
    with pytest.raises(CatalogueError, match="is larger than 1 MB"):
        read_table(path)


def test_a_broken_gzip_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"ra,dec\n1,2\n" * 100)[:-20])
    with pytest.raises(CatalogueError, match="cannot be read"):
        read_table(tmp_path / "t.csv.gz")
