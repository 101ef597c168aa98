"""One catalogue out of many products."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from msgspec.structs import replace

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.stack import ORIGIN, Part, stack
from stoa.catalogue.tables import read_table, write_table

Maker = Callable[..., Part]


@pytest.fixture
def part(tmp_path: Path) -> Maker:
    """Maker of a part: `part("A", [0.1, 0.2])` is a table of two sources of target A."""

    def make(target: str, fluxes: list[float], unit: str = "Jy", **columns: list[float]) -> Part:
        table = Table({"id": list(range(1, len(fluxes) + 1)), "flux": fluxes, **columns}, dtype=None)
        table["flux"] = table["flux"].astype(float)
        table["flux"].unit = unit
        path = tmp_path / f"{target}.fits"
        write_table(table, path)
        return Part(
            path=path, target=target, group=f"{target}_cont", intent="science", kind="cont", process="sep",
            params="deep", run="r1", product=f"products:sep/r1/{target}/sources.fits",
        )  # fmt: skip

    return make


def test_every_row_says_where_it_comes_from(part: Maker) -> None:
    table = stack([part("A", [0.1, 0.2]), part("LONGER", [0.3])])
    assert tuple(table.colnames) == (*ORIGIN, "id", "flux")
    assert list(table["target"]) == ["A", "A", "LONGER"]
    assert list(table["product"])[2] == "products:sep/r1/LONGER/sources.fits"
    assert list(table["flux"]) == [0.1, 0.2, 0.3]
    assert set(table["params"]) == {"deep"}


def test_known_columns_have_unit_ucd_and_words(part: Maker) -> None:
    table = stack([part("A", [0.1])])
    assert table["flux"].unit == "Jy"
    assert table["flux"].meta["ucd"] == "phot.flux.density;em.mm"
    assert table["target"].description == "Target: the data folder"


def test_images_without_a_source_are_counted(part: Maker) -> None:
    table = stack([part("A", []), part("B", [0.1, 0.2]), part("C", [])])
    assert table.meta == {"images": 3, "empty": 2, "targets": 3, "sources": 2}
    assert len(table) == 2


def test_a_stack_of_empty_tables_has_the_columns(part: Maker) -> None:
    table = stack([part("A", []), part("B", [])])
    assert (len(table), table["flux"].unit) == (0, "Jy")


def test_different_columns_are_named(part: Maker) -> None:
    with pytest.raises(
        CatalogueError, match=r"B/sources.fits' cannot be stacked with .*A/.*: it also has alpha"
    ) as found:
        stack([part("A", [0.1]), part("B", [0.1], alpha=[-0.7])])
    assert "stoa rerun" in str(found.value.hint)
    with pytest.raises(CatalogueError, match="it lacks alpha"):
        stack([part("B", [0.1], alpha=[-0.7]), part("A", [0.1])])


def test_different_units_are_named(part: Maker) -> None:
    with pytest.raises(CatalogueError, match="flux is in mJy and in Jy") as found:
        stack([part("A", [0.1]), part("B", [0.1], unit="mJy")])
    assert "in one unit for all targets" in str(found.value.hint)
    with pytest.raises(CatalogueError, match="flux is without a unit and in Jy"):
        stack([part("A", [0.1]), part("B", [0.1], unit=None)])


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_positions_are_stacked_in_one_frame(part: Maker, suffix: str) -> None:
    """150, -30 in ICRS, once written in FK4."""
    old = SkyCoord(150.0, -30.0, unit="deg").transform_to("fk4")
    parts = []
    for name, ra, dec, frame in (("A", 150.0, -30.0, ""), ("B", old.ra.deg, old.dec.deg, "FK4 B1950.0")):
        table = Table({"ra": [ra], "dec": [dec]}, meta={"frame": frame} if frame else {})
        made = part(name, [0.1])
        path = made.path.with_suffix(suffix)
        write_table(table, path)
        parts.append(replace(made, path=path))
    with pytest.raises(CatalogueError, match=r"the positions are FK4 B1950.0 and ICRS"):
        stack(parts)
    ra, dec = positions(stack(parts[1:]), "stacked")
    assert (ra[0], dec[0]) == (pytest.approx(150.0, abs=1e-6), pytest.approx(-30.0, abs=1e-6))


def test_a_column_of_the_stack_cannot_come_from_a_product(part: Maker) -> None:
    with pytest.raises(CatalogueError, match="column 'kind' of its own"):
        stack([part("A", [0.1], kind=[1.0])])


def test_nothing_to_stack_is_said() -> None:
    with pytest.raises(CatalogueError, match="nothing to stack"):
        stack([])


def test_a_product_that_vanished_is_named(part: Maker) -> None:
    gone = part("A", [0.1])
    gone.path.unlink()
    with pytest.raises(CatalogueError, match=r"there is no table '.*A\.fits'"):
        stack([gone])


def wild(path: Path, fluxes: list[float], **cards: object) -> Path:
    """A table with every sort of column that readers stumble over, and cards that are its own."""
    number = len(fluxes)
    columns = [
        fits.Column("flux", "E", "Jy", array=np.array(fluxes, dtype="f4")),
        fits.Column("pixels", "J", null=-1, array=np.array([-1, 5, 6][:number], dtype="i4")),
        fits.Column("counts", "I", bzero=32768, array=np.array([1, 40000, 3][:number], dtype="u2")),
        fits.Column("good", "L", array=np.array([True, False, True][:number])),
        fits.Column("name", "6A", array=np.array(["a", "", "longer"][:number])),
        fits.Column("pair", "2D", "deg", array=np.ones((number, 2))),
    ]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header.update({"TUCD1": "phot.flux.density", "TCOMM1": "As published", **cards})
    hdu.writeto(path)
    return path


def test_tables_that_are_read_together_are_as_if_read_one_by_one(tmp_path: Path) -> None:
    """Nulls, unsigned numbers, truth values, texts and arrays; between them another layout and a .gz."""
    fluxes = [[0.1, np.nan], [], [0.2, 0.3, 0.4], [0.5]]
    paths = [wild(tmp_path / f"{n}.fits", some, RMS=n + 0.5, OBJECT=f"field {n}") for n, some in enumerate(fluxes)]
    paths.insert(2, wild(tmp_path / "packed.fits.gz", [0.7, 0.8]))
    narrow = Table(read_table(paths[0]))
    narrow["name"] = ["x", "y"]
    write_table(narrow, tmp_path / "narrow.fits")
    paths.insert(4, tmp_path / "narrow.fits")
    parts = [
        Part(path=path, target=path.name, process="sep", params="deep", run="r1", product=path.name) for path in paths
    ]
    one_by_one = [read_table(path) for path in paths]
    table = stack(parts)
    assert list(table["target"]) == [path.name for path, each in zip(paths, one_by_one, strict=True) for _ in each]
    for name in one_by_one[0].colnames:
        expected = np.ma.concatenate([each[name] for each in one_by_one if len(each)])
        assert (np.ma.getmaskarray(table[name]) == np.ma.getmaskarray(expected)).all(), name
        assert np.ma.filled(table[name], 0).tolist() == np.ma.filled(expected, 0).tolist(), name
        assert table[name].dtype.kind == one_by_one[0][name].dtype.kind, name
    assert np.flatnonzero(table["flux"].mask).tolist() == [1, 8]
    assert (table["flux"].unit, table["flux"].meta["ucd"]) == ("Jy", "phot.flux.density")
    assert table["flux"].description == "As published"


@pytest.mark.parametrize("kept", [100, 3000, 5770, -2880])
def test_a_table_that_was_cut_off_is_named_among_the_others(part: Maker, kept: int) -> None:
    parts = [part(name, [0.1, 0.2]) for name in "ABC"]
    parts[1].path.write_bytes(parts[1].path.read_bytes()[:kept])
    with pytest.raises(CatalogueError, match=r"B\.fits' cannot be read as fits"):
        stack(parts)
