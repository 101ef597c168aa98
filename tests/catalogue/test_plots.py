"""Figures: that the right marks are drawn at the right places, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from lxml import etree

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.plots import against, figure_of, head, histogram, save, sky_map

MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture
def sources() -> Table:
    table = Table({"ra_deg": [10.0, 200.0], "dec_deg": [-30.0, 45.0], "flux": [0.1, 0.01], "e_flux": [0.01, 0.002]})
    table["flux"].unit = "Jy"
    return table


def texts(path: Path) -> str:
    """What is in an SVG as comments: matplotlib names the text of every label so."""
    return " ".join(str(node.text) for node in etree.parse(path).iter(etree.Comment))


def marks(path: Path, colour: str) -> int:
    """How often an SVG uses a mark with this fill or stroke, outside its legend."""
    root = etree.parse(path).getroot()
    used = [node for node in root.iter("{*}use") if colour in node.get("style", "")]
    return len([node for node in used if not any("legend" in str(up.get("id")) for up in node.iterancestors())])


@pytest.mark.parametrize("suffix", MAGIC)
def test_a_sky_map_is_written_in_every_format(sources: Table, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sky{suffix}"
    sky_map(path, sources, title="sep@deep", catalogue=sources, fields=sources)
    assert path.read_bytes().startswith(MAGIC[suffix])


def test_a_sky_map_has_a_mark_a_source_and_a_mark_an_object(sources: Table, tmp_path: Path) -> None:
    sky_map(tmp_path / "sky.svg", sources, title="run r1, set deep", catalogue=sources[:1])
    assert marks(tmp_path / "sky.svg", "#d55e00") == 2
    assert marks(tmp_path / "sky.svg", "#0072b2") == 1
    assert "run r1, set deep" in texts(tmp_path / "sky.svg")


def test_an_empty_sky_can_be_drawn(sources: Table, tmp_path: Path) -> None:
    sky_map(tmp_path / "sky.png", sources[:0], title="none")
    assert (tmp_path / "sky.png").stat().st_size > 1000


def test_the_same_figure_gives_the_same_bytes(sources: Table, tmp_path: Path) -> None:
    for suffix in MAGIC:
        first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
        sky_map(first, sources, title="t")
        sky_map(second, sources, title="t")
        assert first.read_bytes() == second.read_bytes()


def test_flux_against_flux_leaves_out_what_has_no_logarithm(sources: Table, tmp_path: Path) -> None:
    sources["f6cm"] = [0.5, np.nan]
    against(tmp_path / "flux.svg", sources, "f6cm", "flux", y_error="e_flux", title="t")
    assert marks(tmp_path / "flux.svg", "#d55e00") == 1
    assert "flux density [Jy]" in texts(tmp_path / "flux.svg")


def test_a_missing_column_is_named(sources: Table, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no column 'f6cm'"):
        against(tmp_path / "flux.svg", sources, "f6cm", "flux", title="t")


@pytest.mark.parametrize("values", [[1.0, 10.0, 100.0, -1.0, np.nan], [5.0], []])
def test_a_histogram_takes_any_values(tmp_path: Path, values: list[float]) -> None:
    histogram(tmp_path / "snr.svg", np.array(values), label="S/N", title="t")
    assert "S/N" in texts(tmp_path / "snr.svg")


def test_another_suffix_is_refused(sources: Table, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is not a kind of figure"):
        sky_map(tmp_path / "sky.gif", sources, title="t")


def test_a_missing_folder_is_named(sources: Table, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no folder"):
        sky_map(tmp_path / "none" / "sky.png", sources, title="t")


@pytest.fixture
def survey() -> tuple[Table, Table, Table]:
    """Two sources, two fields and three objects within a degree, and an object on the other side of the sky."""
    fields = Table({"ra_deg": [150.0, 150.4], "dec_deg": [2.2, 2.0], "hwhm_arcsec": [26.0, 180.0]})
    objects = Table({"ra_deg": [150.0, 150.1, 150.2, 330.0], "dec_deg": [2.2, 2.1, 2.0, -2.1]})
    return fields["ra_deg", "dec_deg"], objects, fields


def test_fields_close_together_are_drawn_as_wide_as_they_are(
    survey: tuple[Table, Table, Table], tmp_path: Path
) -> None:
    sources, objects, fields = survey
    sky_map(tmp_path / "x.svg", sources, title="t", catalogue=objects, fields=fields)
    said = texts(tmp_path / "x.svg")
    assert "2 searched fields (HWHM 26 to 180 arcsec)" in said
    assert "east of RA 10:00:48.0 (ICRS) [arcmin]" in said
    assert "catalogue (3)" in said
    assert marks(tmp_path / "x.svg", "#0072b2") == 3
    assert marks(tmp_path / "x.svg", "#d55e00") == 2


def test_a_field_at_ra_zero_or_the_pole_is_one_field(tmp_path: Path) -> None:
    for number, (ra, dec) in enumerate((([359.9, 0.1], [5.0, 5.0]), ([10.0, 190.0], [89.9, 89.9]))):
        path = tmp_path / f"{number}.svg"
        sky_map(path, Table({"ra_deg": ra, "dec_deg": dec}), title="t")
        assert "arcmin" in texts(path)


@pytest.mark.parametrize("width", [5.6, 6.0, 9.0])
def test_a_title_is_one_line_within_the_figure_and_the_caption_has_the_rest(width: float, tmp_path: Path) -> None:
    figure = figure_of((width, 4))
    first = "aegean@default+program=aegean (run 20261122T103000-k3f9q2): 4711 sources in 815 targets"
    head(figure, f"{first}\nsignal: snr >= 7 (12 removed)")
    figure.draw_without_rendering()
    assert figure.get_suptitle() == first
    assert figure._suptitle.get_window_extent().width <= figure.bbox.width
    save(figure, tmp_path / "x.png")
    assert (tmp_path / "x.txt").read_text(encoding="utf-8") == f"{first}\nsignal: snr >= 7 (12 removed)\n"


def test_of_a_large_catalogue_some_crosses_are_drawn_below_the_circles(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    objects = Table({"ra_deg": random.uniform(0, 360, 9000), "dec_deg": random.uniform(-60, 60, 9000)})
    sky_map(tmp_path / "x.svg", objects[:3], title="t", catalogue=objects, fields=objects[:3])
    assert marks(tmp_path / "x.svg", "#0072b2") == 1800
    assert "catalogue (9000, 1 of 5 drawn)" in texts(tmp_path / "x.svg")
    drawn = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert drawn.index("#0072b2") < drawn.index("#d55e00")


def test_bands_and_calibrators_are_told_apart(tmp_path: Path) -> None:
    table = Table({"snr": [5.0, 50.0, 500.0], "flux": [1.0, 2.0, 3.0], "freq_ghz": [100.0, 230.0, 231.0]})
    table["intent"] = ["science", "science", "calibrator"]
    against(tmp_path / "x.svg", table, "snr", "flux", title="t")
    said = texts(tmp_path / "x.svg")
    assert all(words in said for words in ("band 3 (1)", "band 6 (1)", "band 6, calibrators (1)"))


def test_the_axes_of_a_map_name_their_frame(sources: Table, tmp_path: Path) -> None:
    sky_map(tmp_path / "x.svg", sources, title="t")
    assert all(words in texts(tmp_path / "x.svg") for words in ("right ascension (ICRS)", "declination (ICRS)"))
