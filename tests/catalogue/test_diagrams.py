"""Figures that compare: marks, words and counts, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from lxml import etree

from stoa.catalogue.completeness import completeness_by_truth
from stoa.catalogue.diagrams import cause_bars, completeness, flux_flux, offset_plot, time_size
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.plots import sky_map


def texts(path: Path) -> str:
    """What is in an SVG as comments: matplotlib names the text of every label so."""
    return " ".join(str(node.text) for node in etree.parse(path).iter(etree.Comment))


def marks(path: Path, colour: str) -> int:
    """Marks of this colour outside the legend."""
    root = etree.parse(path).getroot()
    used = [node for node in root.iter("{*}use") if colour in node.get("style", "")]
    return len([node for node in used if not any("legend" in str(up.get("id")) for up in node.iterancestors())])


@pytest.fixture
def matched() -> Table:
    flux = np.array([0.1, 0.2, 0.4])
    offsets = {"d_ra_arcsec": [0.1, 0.2, 0.3], "d_dec_arcsec": [0.0, 0.1, -0.1]}
    return Table({"flux": flux, "e_flux": [0.01, 0.3, 0.02], "expected_flux": [0.1, 0.25, np.nan], **offsets})


def test_only_matches_with_a_published_flux_are_drawn(matched: Table, tmp_path: Path) -> None:
    flux_flux(tmp_path / "x.svg", matched, title="run 7", x_label="F6cm")
    assert marks(tmp_path / "x.svg", "#d55e00") == 2
    assert all(words in texts(tmp_path / "x.svg") for words in ("run 7", "F6cm", "equal"))
    matched["freq_ghz"] = [97.5, 343.0, 1000.0]
    flux_flux(tmp_path / "x.svg", matched, title="run 7", x_label="F6cm")
    assert "observed flux density at 97.5 to 343 GHz [Jy]" in texts(tmp_path / "x.svg")


def test_upper_limits_are_drawn_beside_the_matches(matched: Table, tmp_path: Path) -> None:
    limits = Table({"flux": [0.05, 0.02], "expected_flux": [0.3, np.nan]})
    flux_flux(tmp_path / "x.svg", matched, title="t", x_label="x", limits=limits)
    assert "upper limits (1)" in texts(tmp_path / "x.svg")


def test_without_a_published_flux_the_figure_says_so(matched: Table, tmp_path: Path) -> None:
    matched["expected_flux"] = np.nan
    flux_flux(tmp_path / "x.svg", matched, title="t", x_label="x")
    assert "no match has a published flux" in texts(tmp_path / "x.svg")


def test_offsets_have_a_mark_a_source_and_one_for_the_median(matched: Table, tmp_path: Path) -> None:
    offset_plot(tmp_path / "x.svg", matched, 0.5, title="t")
    assert marks(tmp_path / "x.svg", "#d55e00") == 3
    assert marks(tmp_path / "x.svg", "#0072b2") == 1
    offset_plot(tmp_path / "none.svg", matched[:0], 0.5, title="t")
    assert marks(tmp_path / "none.svg", "#d55e00") == 0


def test_completeness_counts_what_was_found(tmp_path: Path) -> None:
    truth = Table({"ra_deg": np.arange(10.0), "dec_deg": np.zeros(10), "snr": np.geomspace(3, 100, 10)})
    sources = Table({"ra_deg": np.arange(4.0, 10.0) + 0.5 / 3600, "dec_deg": np.zeros(6)})
    found = completeness_by_truth(sources, truth, 1.0)
    assert (found.found.sum(), found.true.sum()) == (6, 10)
    completeness(tmp_path / "x.svg", found, title="of July")
    assert all(words in texts(tmp_path / "x.svg") for words in ("of July", "true sources in the bin"))
    assert completeness_by_truth(sources[:0], truth, 1.0).found.sum() == 0
    with pytest.raises(CatalogueError, match="no signal to noise above zero"):
        completeness_by_truth(sources, truth[:0], 1.0)


def test_causes_and_jobs_are_counted_in_the_figure(tmp_path: Path) -> None:
    cause_bars(tmp_path / "c.svg", {"failed: no beam": 12, "timeout: ten minutes": 3}, title="37 jobs")
    assert all(words in texts(tmp_path / "c.svg") for words in ("failed: no beam", "12", "37 jobs"))
    cause_bars(tmp_path / "c.svg", {f"blocked: {'no usable file ' * 20}is shorter than its header": 1}, title="t")
    assert "shorter than its header" in texts(tmp_path / "c.svg")
    time_size(tmp_path / "t.svg", [(1.0, 2.0, "ok"), (3.0, 1.0, "failed"), (0.0, 1.0, "blocked")], title="t")
    assert all(words in texts(tmp_path / "t.svg") for words in ("ok (1)", "failed (1)"))
    assert "blocked" not in texts(tmp_path / "t.svg")


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_nothing_to_draw_is_a_figure_too(tmp_path: Path, suffix: str) -> None:
    for number, draw in enumerate((lambda p: cause_bars(p, {}, title="t"), lambda p: time_size(p, [], title="t"))):
        draw(tmp_path / f"{number}{suffix}")
        assert (tmp_path / f"{number}{suffix}").stat().st_size > 1000


def test_the_legend_of_a_sky_map_says_how_wide_the_fields_are(tmp_path: Path) -> None:
    fields = Table({"ra_deg": [1.0, 22.0, 43.0], "dec_deg": [0.0, 0.0, 0.0], "hwhm_arcsec": [8.5, 0.0, 21.0]})
    sky_map(tmp_path / "x.svg", fields[:1], title="t", fields=fields)
    assert "3 searched fields (HWHM 8.5 to 21 arcsec, drawn larger)" in texts(tmp_path / "x.svg")
