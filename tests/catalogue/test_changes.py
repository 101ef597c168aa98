"""Sources of two runs over the same image: what is gained, lost, moved or of another flux."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.table import Table

from stoa.catalogue.changes import matched, most_surprising_first
from stoa.catalogue.formats import CatalogueError

ARCSEC = 1 / 3600
DEC = 60.0


def sources(*rows: tuple[float, float, float, float]) -> Table:
    """Sources at offsets east and north in arcsec, with flux and signal to noise; errors 0.02 arcsec and 0.1 Jy."""
    east, north, flux, snr = np.array(rows, dtype=float).reshape(-1, 4).T
    ra = (359.9999 + east * ARCSEC / np.cos(np.radians(DEC))) % 360
    errors = {name: np.full(len(ra), value) for name, value in (("e_ra_arcsec", 0.02), ("e_dec_arcsec", 0.02))}
    table = Table({"ra_deg": ra, "dec_deg": DEC + north * ARCSEC, "flux": flux, "snr": snr, **errors})
    table["e_flux"] = 0.1
    table["flux"].unit = table["e_flux"].unit = "Jy"
    return table


def test_every_kind_of_change_is_counted():
    a = sources((0, 0, 1, 10), (10, 0, 2, 20), (20, 0, 3, 30), (30, 0, 4, 40))
    b = sources((0, 0, 1, 10), (10.2, 0, 2, 20), (20, 0, 4, 40), (50, 0, 5, 9))
    found = matched(a, b, 0.5)
    assert [pair.what for pair in found.pairs] == [(), ("moved",), ("flux",)]
    assert [change.snr_a for change in found.lost] == [40.0]
    assert [(change.snr_b, change.surprise) for change in found.gained] == [(9.0, 9.0)]


def test_separations_and_ratios_have_the_errors_of_both():
    (pair,) = matched(sources((0, 0, 2.0, 10)), sources((0.03, -0.04, 3.0, 15)), 0.5).pairs
    assert pair.separation_arcsec == pytest.approx(0.05, rel=1e-4)
    assert pair.moved_sigma == pytest.approx(0.05 / (0.02 * 2**0.5), rel=1e-4)
    assert pair.flux_ratio == 1.5
    assert pair.e_flux_ratio == pytest.approx(1.5 * (0.05**2 + (0.1 / 3) ** 2) ** 0.5)
    assert pair.flux_sigma == pytest.approx(1 / (0.1 * 2**0.5))
    assert pair.surprise == pair.flux_sigma


def test_a_source_has_one_partner_and_the_nearest_pair_comes_first():
    found = matched(sources((0, 0, 1, 10), (0.3, 0, 1, 10)), sources((0.25, 0, 1, 10)), 0.5)
    assert [round(pair.separation_arcsec, 3) for pair in found.pairs] == [0.05]
    assert [round(change.dec_deg, 6) for change in found.lost] == [DEC]
    assert (found.gained, found.sources_a, found.sources_b) == ((), 2, 1)


@pytest.mark.parametrize(("radius", "pairs"), [(0.499, 0), (0.501, 1)])
def test_the_radius_decides_who_is_a_partner(radius, pairs):
    found = matched(sources((0, 0, 1, 10)), sources((0, 0.5, 1, 10)), radius)
    assert (len(found.pairs), len(found.gained), len(found.lost)) == (pairs, 1 - pairs, 1 - pairs)


def test_a_thousand_sources_with_known_changes():
    random = np.random.default_rng(7)
    grid = [(10.0 * (n % 40), 10.0 * (n // 40), 5.0, 50.0) for n in range(1000)]
    noisy = [
        (e + x, n + y, f + z, s)
        for (e, n, f, s), (x, y), z in zip(
            grid, random.normal(0, 0.01, (1000, 2)), random.normal(0, 0.05, 1000), strict=True
        )
    ]
    for row in range(100, 120):
        noisy[row] = (grid[row][0] + 0.4, *grid[row][1:])
    for row in range(200, 230):
        noisy[row] = (*grid[row][:2], 10.0, 100.0)
    found = matched(sources(*grid[:950]), sources(*noisy[10:]), 0.5)
    assert (len(found.pairs), len(found.lost), len(found.gained)) == (940, 10, 50)
    assert sum("moved" in pair.what for pair in found.pairs) == 20
    assert sum("flux" in pair.what for pair in found.pairs) == 30


def test_without_errors_only_the_ratio_is_known():
    a, b = sources((0, 0, 1, 10)), sources((0.1, 0, 1.2, 12))
    for table in (a, b):
        table.remove_columns(["e_flux", "e_ra_arcsec", "e_dec_arcsec"])
    (pair,) = matched(a, b, 0.5).pairs
    assert (pair.moved_sigma, pair.flux_sigma, pair.e_flux_ratio, pair.what) == (None, None, None, ())
    assert (pair.flux_ratio, pair.surprise) == (pytest.approx(1.2), pytest.approx(4.0))


def test_fluxes_are_compared_in_one_unit():
    a, b = sources((0, 0, 1, 10)), sources((0, 0, 1, 10))
    for name in ("flux", "e_flux"):
        b[name] = b[name].to(units.mJy)
    (pair,) = matched(a, b, 0.5).pairs
    assert (pair.flux_b, pair.flux_sigma) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-9))
    b["flux"].unit = units.dex(units.mJy)
    with pytest.raises(CatalogueError, match="a magnitude or logarithm"):
        matched(a, b, 0.5)
    b["flux"].unit = "K"
    with pytest.raises(CatalogueError, match="flux of 'a' and 'b' cannot be compared"):
        matched(a, b, 0.5)


@pytest.mark.parametrize(("left", "right"), [(0, 2), (2, 0), (0, 0)])
def test_empty_tables_are_lists_too(left, right):
    rows = [(0, 0, 1, 10), (5, 0, 1, 20)]
    found = matched(sources(*rows[:left]), sources(*rows[:right]), 0.5)
    assert (len(found.pairs), len(found.lost), len(found.gained)) == (0, left, right)


def test_the_most_surprising_come_first():
    found = matched(sources((0, 0, 1, 10), (9, 0, 1, 30)), sources((0, 0, 3, 30), (50, 0, 1, 7)), 0.5)
    ordered = most_surprising_first([*found.pairs, *found.gained, *found.lost])
    assert [change.what for change in ordered] == [("lost",), ("flux",), ("gained",)]
