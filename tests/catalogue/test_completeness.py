"""What is found of true sources, one source for each of them and none by chance, and of those that were put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from stoa.catalogue.completeness import completeness_by_injection, completeness_by_truth
from stoa.catalogue.formats import CatalogueError


def table(x: np.ndarray, y: np.ndarray, **columns: np.ndarray) -> Table:
    return Table({"ra_deg": 10 + x / 3600, "dec_deg": y / 3600, **columns})


def test_sources_far_below_the_threshold_are_not_found_by_what_is_near_them() -> None:
    """400 true sources of each kind in 200 arcsec: those of S/N 1 never found, the others always; 400 false."""
    random = np.random.default_rng(1)
    x, y = random.uniform(-100, 100, (2, 800))
    snr = np.repeat([1.0, 50.0], 400)
    false = random.uniform(-100, 100, (2, 400))
    found = np.concatenate([x[400:], false[0]]), np.concatenate([y[400:], false[1]])
    result = completeness_by_truth(table(*found), table(x, y, snr=snr), 5.0)
    assert result.true.tolist() == [400, 400]
    assert result.share[0] == pytest.approx(0.0, abs=0.1)
    assert result.found[0] / 400 > 0.25  # what a plain match says
    assert result.share[1] > 0.95


def test_a_faint_source_beside_a_bright_one_is_not_found_by_it() -> None:
    x = np.arange(20) * 100.0
    truth = table(np.concatenate([x, x + 2]), np.zeros(40), snr=np.repeat([100.0, 3.0], 20))
    result = completeness_by_truth(table(x + 0.1, np.zeros(20)), truth, 5.0)
    assert result.share.tolist() == [0.0, 1.0]


def test_the_share_is_that_of_a_search_without_chance() -> None:
    random = np.random.default_rng(2)
    x, y = random.uniform(-2000, 2000, (2, 3000))
    snr = 10 ** random.uniform(0, 2, 3000)
    seen = random.uniform(size=3000) < 1 / (1 + np.exp(5 - snr))
    result = completeness_by_truth(table(x[seen], y[seen]), table(x, y, snr=snr), 5.0)
    for share, low, high, middle in zip(result.share, result.low, result.high, result.snr, strict=True):
        wide = np.exp(np.linspace(-0.29, 0.29, 50)) * middle
        assert low - 0.05 < np.mean(1 / (1 + np.exp(5 - wide))) < high + 0.05
        assert low - 1e-9 <= share <= high + 1e-9


def counted(path: Path, *bins: tuple[float, float, int, int]) -> Path:
    """A table of sources with the counts of a search for injected ones: edges, number, found."""
    names = ("snr_low", "snr_high", "n_injected", "n_recovered")
    counts = Table(rows=bins or None, names=names, dtype=("f8", "f8", "i4", "i4"))
    sources = fits.BinTableHDU(Table({"flux": [1.0]}), name="SOURCES")
    fits.HDUList([fits.PrimaryHDU(), sources, fits.BinTableHDU(counts, name="COMPLETENESS")]).writeto(path)
    return path


def test_injected_sources_are_summed_over_the_images_of_a_run(tmp_path: Path) -> None:
    one = counted(tmp_path / "a.fits", (2.5, 5.0, 10, 1), (5.0, 10.0, 20, 16))
    other = counted(tmp_path / "b.fits", (2.5, 5.0, 10, 2), (5.0, 10.0, 80, 74), (10.0, 20.0, 0, 0))
    plain = tmp_path / "c.fits"
    Table({"flux": [1.0]}).write(plain)
    found = completeness_by_injection([one, other, plain])
    assert found.images == 2
    assert (found.true.tolist(), found.found.tolist()) == ([20, 100], [3, 90])
    assert found.share == pytest.approx([0.15, 0.9])
    assert found.snr == pytest.approx([12.5**0.5, 50**0.5])
    # Wilson (1927) for 90 of 100 and one standard deviation: (0.9 + 0.005 -+ sqrt(0.09 / 100 + 0.25e-4)) / 1.01
    assert (found.low[1], found.high[1]) == pytest.approx((0.86593, 0.92615), abs=1e-4)


def test_images_searched_with_another_threshold_have_bins_of_their_own(tmp_path: Path) -> None:
    found = completeness_by_injection([
        counted(tmp_path / "a.fits", (4.0, 8.0, 10, 5)), counted(tmp_path / "b.fits", (5.0, 10.0, 10, 6)),
    ])  # fmt: skip
    assert found.share.tolist() == [0.5, 0.6]


def test_a_run_without_injected_sources_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ra,dec\n1,2\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="no sources were put into the images") as caught:
        completeness_by_injection([tmp_path / "a.csv", counted(tmp_path / "b.fits")])
    assert "inject=" in str(caught.value.hint)
