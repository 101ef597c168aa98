"""One catalogue out of many products."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.table import Table

from stoa.catalogue.stack import ORIGIN, Part, stack
from stoa.catalogue.tables import CatalogueError, write_table

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
        CatalogueError, match=r"B/sources.fits' cannot be stacked with .*A/.*: it has also alpha"
    ) as found:
        stack([part("A", [0.1]), part("B", [0.1], alpha=[-0.7])])
    assert "stoa rerun" in str(found.value.hint)
    with pytest.raises(CatalogueError, match="it lacks alpha"):
        stack([part("B", [0.1], alpha=[-0.7]), part("A", [0.1])])


def test_different_units_are_named(part: Maker) -> None:
    with pytest.raises(CatalogueError, match="flux is in mJy and in Jy"):
        stack([part("A", [0.1]), part("B", [0.1], unit="mJy")])


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
