"""What a table of true sources says of a search: one source for each of them, and none by chance."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from stoa.catalogue.completeness import completeness_by_truth


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
