"""Which share of sources was found: of those that a finder put into its images, or of a table of true ones.

A finder that puts sources in (`inject` of the shipped ones) writes what it found of them into the HDU `COMPLETENESS` of
its table; the counts of a run's images are summed. A table of true sources is what simulations have.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.chance import chance_of_match
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.planes import is_fits
from stoa.catalogue.positions import positions
from stoa.catalogue.sky import pairs_within
from stoa.opening import regular

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

BINS = 8
INJECTED = "COMPLETENESS"
"""Name of the HDU with the counts of injected sources, in the file of a table of sources."""


class Completeness(Struct, frozen=True, kw_only=True):
    """By bins of the true signal to noise that have a source; arrays of shape (bins,)."""

    snr: Any  # middle of the bin
    true: Any  # how many true sources there are, or were put in
    found: Any  # how many of them have a source of their own within the radius
    chance: Any  # probability that a true source has an unrelated one there
    share: Any  # found, without what chance gives
    low: Any  # interval of 68 %
    high: Any
    images: int = 0  # into which sources were put


def completeness_by_injection(tables: Iterable[Path]) -> Completeness:
    """Sum what a finder found of the sources that it put into its images.

    Parameters
    ----------
    tables
        FITS files of sources, one for each image. An HDU `INJECTED` has, by bins of the true signal to noise, the
        columns ``snr_low``, ``snr_high``, ``n_injected`` and ``n_recovered``; a file without one does not count.

    Returns
    -------
    completeness
        A bin for each pair of edges; images that were searched with another signal to noise have other edges.

    Raises
    ------
    CatalogueError
        If no file has such an HDU, or one cannot be read.
    """
    import numpy as np

    counts: dict[tuple[float, float], list[int]] = {}
    images = 0
    for path in tables:
        rows = _injected(path)
        images += bool(rows)
        for first, last, number, hits in rows:
            made = counts.setdefault((float(f"{first:.6g}"), float(f"{last:.6g}")), [0, 0])
            made[0] += number
            made[1] += hits
    put = sorted((*edges, *made) for edges, made in counts.items() if made[0])
    if not put:
        raise CatalogueError(
            "no sources were put into the images, and no table of true ones is given",
            "run the finder with `--set inject=100`, or `--catalogue FILE` names true sources",
        )
    low, high, true, found = np.array(put).T
    shares = np.array([_shares(int(hits), int(number), 0.0) for _, _, number, hits in put])
    return Completeness(
        snr=np.sqrt(low * high), true=true.astype(int), found=found.astype(int), chance=np.zeros(len(put)),
        share=shares[:, 0], low=shares[:, 1], high=shares[:, 2], images=images,
    )  # fmt: skip


def _injected(path: Path) -> list[tuple[float, float, int, int]]:
    """Edges of the signal to noise, number put in and number found, of one file; empty without an HDU of them."""
    from astropy.io import fits

    if not is_fits(path):
        return []
    try:
        with fits.open(regular(path)) as opened:
            data = next((hdu.data for hdu in opened if hdu.name == INJECTED), None)
            if data is None:
                return []
            columns = [data[name].tolist() for name in ("snr_low", "snr_high", "n_injected", "n_recovered")]
            return list(zip(*columns, strict=True))
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise CatalogueError(f"the counts of injected sources in {path.name!r} cannot be read: {problem}") from problem


def completeness_by_truth(sources: Table, truth: Table, radius_arcsec: float) -> Completeness:
    """Compare sources with true ones, each source standing for one of them at most.

    True sources take the nearest source that is left, the highest signal to noise first, so that a faint one is not
    found by a bright one beside it. What is left then is by chance within the radius of some: with the probability p of
    that (`stoa.catalogue.chance`) a share f becomes (f - p) / (1 - p). Intervals are those of Wilson (1927), carried
    along.

    Parameters
    ----------
    truth
        With positions and a column ``snr``.

    Raises
    ------
    CatalogueError
        If the truth has no column ``snr`` or no positive value in it.
    """
    import numpy as np

    if "snr" not in truth.colnames:
        raise CatalogueError("the table of true sources has no column 'snr'")
    snr: NDArray[np.float64] = np.ma.filled(np.ma.asarray(truth["snr"], dtype=float), np.nan)
    if not (snr > 0).any():
        raise CatalogueError("the table of true sources has no signal to noise above zero")
    (ra, dec), (source_ra, source_dec) = positions(truth, "truth"), positions(sources, "sources")
    pairs = pairs_within(ra, dec, source_ra, source_dec, radius_arcsec)
    taken = _one_to_one(pairs.first, pairs.second, np.argsort(-np.nan_to_num(snr), kind="stable"))
    edges = np.geomspace(snr[snr > 0].min() * 0.999, snr.max() * 1.001, BINS + 1)
    rows = []
    for low, high in pairwise(edges.tolist()):
        here = np.flatnonzero((snr >= low) & (snr < high))
        if not len(here):
            continue
        brighter = {taken[row] for row in np.flatnonzero(snr >= high).tolist() if row in taken}
        left = np.array([number not in brighter for number in range(len(sources))], dtype=bool)
        chance = chance_of_match(ra[here], dec[here], source_ra[left], source_dec[left], radius_arcsec)
        hits = sum(row in taken for row in here.tolist())
        rows.append(((low * high) ** 0.5, len(here), hits, chance, *_shares(hits, len(here), chance)))
    made = [np.array(values) for values in zip(*rows, strict=True)]
    return Completeness(
        snr=made[0], true=made[1], found=made[2], chance=made[3], share=made[4], low=made[5], high=made[6]
    )


def _one_to_one(first: NDArray[np.int64], second: NDArray[np.int64], order: NDArray[np.int64]) -> dict[int, int]:
    """Row of the true sources -> that of the nearest source which no earlier one has taken."""
    near: dict[int, list[int]] = {}
    for i, j in zip(first.tolist(), second.tolist(), strict=True):  # by separation
        near.setdefault(i, []).append(j)
    taken: dict[int, int] = {}
    used: set[int] = set()
    for row in order.tolist():
        source = next((j for j in near.get(row, []) if j not in used), None)
        if source is not None:
            taken[row] = source
            used.add(source)
    return taken


def _shares(hits: int, number: int, chance: float) -> tuple[float, float, float]:
    """Share of the found ones without those by chance, and the ends of its interval."""
    share = hits / number
    middle = (share + 0.5 / number) / (1 + 1 / number)
    half = (share * (1 - share) / number + 0.25 / number**2) ** 0.5 / (1 + 1 / number)

    def without(value: float) -> float:
        return min(max((value - chance) / (1 - chance), 0.0), 1.0) if chance < 1 else 0.0

    return without(share), without(middle - half), without(middle + half)
