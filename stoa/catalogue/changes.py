"""What changed between two lists of sources of the same image: gained, lost, moved, brighter or fainter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.sky import offsets, pairs_within

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

SIGNIFICANT = 5.0
"""Standard errors from which on a source counts as moved, or its flux as changed."""

FLOOR = 0.05
"""Relative change of a flux that surprises once where the tables have no errors."""

GAINED, LOST, MOVED, FLUX = "gained", "lost", "moved", "flux"


class SourceChange(Struct, frozen=True, kw_only=True):
    """A source that is not the same in both; None where the tables do not say."""

    target: str = ""
    group: str = ""
    what: tuple[str, ...]  # gained, lost, moved, flux; () for a change within the errors
    ra_deg: float  # in a; in b for a gained one
    dec_deg: float
    snr_a: float | None = None
    snr_b: float | None = None
    separation_arcsec: float | None = None
    moved_sigma: float | None = None  # separation over its error
    flux_a: float | None = None
    flux_b: float | None = None
    flux_ratio: float | None = None  # b over a
    e_flux_ratio: float | None = None
    flux_sigma: float | None = None  # b minus a over the error of the difference
    surprise: float


class ListChange(Struct, frozen=True, kw_only=True):
    """Two lists of sources of one image, matched."""

    sources_a: int
    sources_b: int
    pairs: tuple[SourceChange, ...]  # every matched source, also what is equal
    gained: tuple[SourceChange, ...]
    lost: tuple[SourceChange, ...]


def matched(a: Table, b: Table, radius_arcsec: float, names: tuple[str, str] = ("a", "b")) -> ListChange:
    """Sources of two tables of the same image, each with at most one partner.

    The nearest pairs are taken first. What has no partner within the radius is lost (in `a` only) or gained. A source
    has moved if its separation is at least `SIGNIFICANT` times its error, sqrt((d_ra / e_ra)^2 + (d_dec / e_dec)^2)
    with the errors of both in quadrature; fluxes differ likewise. The errors are taken to be independent, which
    those of one image searched twice are not: the noise is the same then, and true significances are higher.

    Parameters
    ----------
    radius_arcsec
        Largest separation, included.
    names
        What the tables are called in messages.

    Returns
    -------
    change
        The surprise of a pair is the larger of the two significances (the relative change of flux over `FLOOR`
        without errors); that of a gained or lost source its signal to noise. Fluxes in the unit that `a` has, of
        the columns ``flux`` and ``e_flux``, or else ``peak_flux`` and ``e_peak_flux``.

    Raises
    ------
    CatalogueError
        If a table has no positions, or the units of both cannot be compared.
    """
    import numpy as np

    (ra_a, dec_a), (ra_b, dec_b) = positions(a, names[0]), positions(b, names[1])
    near = pairs_within(ra_a, dec_a, ra_b, dec_b, radius_arcsec + 1e-9)
    first, second = _one_to_one(near.first, near.second, near.separation_arcsec)
    east, north = offsets(ra_b[second], dec_b[second], ra_a[first], dec_a[first])
    moved = np.hypot(
        east / _error(a, b, "e_ra_arcsec", first, second), north / _error(a, b, "e_dec_arcsec", first, second)
    )
    flux_a, e_a, flux_b, e_b = _fluxes(a, b, names)
    snr_a, snr_b = _values(a, "snr"), _values(b, "snr")
    columns = zip(first.tolist(), second.tolist(), np.hypot(east, north).tolist(), moved.tolist(), strict=True)
    pairs = [
        _pair(
            (float(ra_a[i]), float(dec_a[i])), (snr_a[i], snr_b[j]), (apart, sigma),
            (flux_a[i], e_a[i], flux_b[j], e_b[j]),
        )
        for i, j, apart, sigma in columns
    ]  # fmt: skip
    alone = np.setdiff1d(np.arange(len(a)), first), np.setdiff1d(np.arange(len(b)), second)
    return ListChange(
        sources_a=len(a), sources_b=len(b), pairs=tuple(pairs),
        lost=tuple(
            SourceChange(
                what=(LOST,), ra_deg=float(ra_a[i]), dec_deg=float(dec_a[i]), snr_a=_number(snr_a[i]),
                flux_a=_number(flux_a[i]), surprise=_number(snr_a[i]) or 0.0,
            )
            for i in alone[0]
        ),
        gained=tuple(
            SourceChange(
                what=(GAINED,), ra_deg=float(ra_b[j]), dec_deg=float(dec_b[j]), snr_b=_number(snr_b[j]),
                flux_b=_number(flux_b[j]), surprise=_number(snr_b[j]) or 0.0,
            )
            for j in alone[1]
        ),
    )  # fmt: skip


def most_surprising_first(changes: Iterable[SourceChange]) -> list[SourceChange]:
    """In an order that depends on nothing but the changes."""
    return sorted(changes, key=lambda c: (-c.surprise, c.target, c.group, c.ra_deg, c.dec_deg))


def _one_to_one(
    first: NDArray[np.int64], second: NDArray[np.int64], separation: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs; each row is in one at most, the nearest taken first; in the order of the first list."""
    import numpy as np

    order = np.lexsort((second, first, separation))
    taken_a: dict[int, int] = {}
    taken_b: set[int] = set()
    for i, j in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if i not in taken_a and j not in taken_b:
            taken_a[i] = j
            taken_b.add(j)
    rows = sorted(taken_a)
    return np.array(rows, dtype=np.int64), np.array([taken_a[row] for row in rows], dtype=np.int64)


def _pair(
    position: tuple[float, float],
    snr: tuple[float, float],
    shift: tuple[float, float],
    fluxes: tuple[float, float, float, float],
) -> SourceChange:
    import numpy as np

    flux_a, e_a, flux_b, e_b = (float(value) for value in fluxes)
    ratio = flux_b / flux_a if flux_a else np.nan
    e_ratio = abs(ratio) * np.hypot(e_a / flux_a, e_b / flux_b) if flux_a and flux_b else np.nan
    error = np.hypot(e_a, e_b)
    sigma = (flux_b - flux_a) / error if error > 0 else np.nan
    relative = abs(ratio - 1) / FLOOR if not np.isfinite(sigma) else np.nan
    judged = [value for value in (shift[1], abs(sigma), relative) if np.isfinite(value)]
    what = [MOVED] if shift[1] >= SIGNIFICANT else []
    what += [FLUX] if abs(sigma) >= SIGNIFICANT else []
    return SourceChange(
        what=tuple(what), ra_deg=position[0], dec_deg=position[1], snr_a=_number(snr[0]), snr_b=_number(snr[1]),
        separation_arcsec=shift[0], moved_sigma=_number(shift[1]), flux_a=_number(flux_a), flux_b=_number(flux_b),
        flux_ratio=_number(ratio), e_flux_ratio=_number(e_ratio), flux_sigma=_number(sigma),
        surprise=float(max(judged, default=0.0)),
    )  # fmt: skip


def _error(a: Table, b: Table, name: str, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """Error in arcsec of a difference, NaN where one of the two has none."""
    import numpy as np

    errors = np.hypot(_values(a, name, "arcsec")[first], _values(b, name, "arcsec")[second])
    return np.where(errors > 0, errors, np.nan)


def _fluxes(a: Table, b: Table, names: tuple[str, str]) -> tuple[NDArray[np.float64], ...]:
    """Flux and error of both tables in the unit of the first one's flux."""
    name = next((n for n in ("flux", "peak_flux") if n in a.colnames and n in b.colnames), "flux")
    unit = str(a[name].unit or "") if name in a.colnames else ""
    try:
        return tuple(_values(table, column, unit) for table in (a, b) for column in (name, f"e_{name}"))
    except ValueError as problem:
        raise CatalogueError(f"{name} of {names[0]!r} and {names[1]!r} cannot be compared: {problem}") from problem


def _values(table: Table, name: str, unit: str = "") -> NDArray[np.float64]:
    """A column of numbers, NaN where absent; in a unit, if both that and the column's are known."""
    import numpy as np
    from astropy import units

    if name not in table.colnames or table[name].dtype.kind not in "fiu":
        return np.full(len(table), np.nan)
    values: Any = np.ma.filled(np.ma.asarray(table[name].data, dtype=np.float64), np.nan)
    if not unit or table[name].unit is None:
        return np.asarray(values)
    held = units.Unit(table[name].unit)
    is_linear = isinstance(held, units.UnitBase)
    if not is_linear:
        raise ValueError(f"{name} is in {held}, a magnitude or logarithm")
    return np.asarray(values * held.to(units.Unit(unit)))


def _number(value: Any) -> float | None:
    import numpy as np

    return float(value) if np.isfinite(value) else None
