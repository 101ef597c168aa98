"""Fluxes of matched sources against those that a catalogue published at another frequency."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.columns import describe
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.match import PREFIX
from stoa.numbers import MAD_SIGMA

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

_PUBLISHED = re.compile(r"(.+?)@([0-9.]+)\s*(GHz|MHz|cm|mm)")
_UNIT_IN_NAME = re.compile(r"(?:.*[^A-Za-z])?([mu\u00b5\u03bc]?)jy[\])]?", re.IGNORECASE)
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "\u00b5": 1e-6, "\u03bc": 1e-6}
_GHZ_CM = 29.9792458
_SAME = 0.01  # difference of the logarithms of two frequencies between which there is no spectral index


class Published(Struct, frozen=True):
    """A column of fluxes and the frequency that they were measured at."""

    column: str
    at_ghz: float


class FluxComparison(Struct, frozen=True, kw_only=True):
    """How observed fluxes compare with published ones, of rows that have both."""

    column: str
    at_ghz: float
    index: float  # spectral index that published fluxes were carried along
    compared: int
    ratio: float  # median of observed over expected
    scatter_dex: float  # 1.4826 times the median absolute deviation of log10 of the ratio
    correlation: float  # of the logarithms; NaN for fewer than three
    median_index: float  # of the indices that would make observed and published flux agree; NaN at one frequency
    unit_assumed: bool = False  # Jy, as neither the published column nor its name says a unit

    @property
    def in_words(self) -> str:
        """Ratio, scatter, and correlation where there is one."""
        words = f"{self.ratio:.3g}, scatter {self.scatter_dex:.2g} dex"
        return words if math.isnan(self.correlation) else f"{words}, correlation {self.correlation:.2f}"


def published(text: str) -> Published:
    """The column and frequency of ``F6cm@6cm`` or ``F6cm@4.85GHz``.

    Raises
    ------
    CatalogueError
        If it is not of this form.
    """
    found = _PUBLISHED.fullmatch(text.strip())
    number = float(found[2]) if found and found[2].count(".") < 2 and found[2] != "." else 0.0
    if not found or number <= 0:
        raise CatalogueError(f"{text!r} names no published flux", "write it like F6cm@6cm or F6cm@4.85GHz")
    ghz = {"GHz": number, "MHz": number / 1000, "cm": _GHZ_CM / number, "mm": 10 * _GHZ_CM / number}[found[3]]
    return Published(found[1], ghz)


def compare(matched: Table, given: Published, index: float = 0.0) -> FluxComparison:
    """Add what a catalogue's flux predicts to matched sources, and say how the two agree.

    Adds ``expected_flux`` (the published one carried along S proportional to frequency ** `index`), ``flux_ratio``,
    ``e_flux_ratio`` (of the observed flux's error alone) and ``spectral_index`` (between the two frequencies; NaN where
    they differ by less than 1 %). ``expected_flux`` is in Jy, whatever the units of the other columns are.

    Raises
    ------
    CatalogueError
        If a column is missing or has a unit that is not a flux density.
    """
    import numpy as np

    name = PREFIX + given.column
    for needed in (name, "flux", "e_flux", "freq_ghz"):
        if needed not in matched.colnames:
            raise CatalogueError(f"there is no column {needed.removeprefix(PREFIX)!r} to compare fluxes by")
    flux, error = (in_jansky(matched[column], column) for column in ("flux", "e_flux"))
    freq = _numbers(matched["freq_ghz"])
    at_catalogue = in_jansky(matched[name], given.column)
    at_catalogue[~(at_catalogue > 0)] = np.nan
    with np.errstate(all="ignore"):
        expected = at_catalogue * (freq / given.at_ghz) ** index
        ratio = flux / expected
        apart = np.log(freq / given.at_ghz)
        between = np.where(abs(apart) > _SAME, np.log(flux / at_catalogue) / apart, np.nan)
    added = {
        "expected_flux": expected,
        "flux_ratio": ratio,
        "e_flux_ratio": error / expected,
        "spectral_index": between,
    }
    for column, values in added.items():
        matched[column] = values
    describe(matched, added)
    good = np.isfinite(ratio) & (ratio > 0)
    logs = np.log10(ratio[good])
    x, y = np.log10(expected[good]), np.log10(flux[good])
    can_correlate = good.sum() > 2 and x.std() > 0 and y.std() > 0
    return FluxComparison(
        column=given.column, at_ghz=given.at_ghz, index=index, compared=int(good.sum()),
        ratio=float(10 ** np.median(logs)) if len(logs) else np.nan,
        scatter_dex=float(MAD_SIGMA * np.median(np.abs(logs - np.median(logs)))) if len(logs) else np.nan,
        correlation=float(np.corrcoef(x, y)[0, 1]) if can_correlate else np.nan,
        median_index=float(np.nanmedian(between[good])) if np.isfinite(between[good]).any() else np.nan,
        unit_assumed=matched[name].unit is None and not _UNIT_IN_NAME.fullmatch(given.column),
    )  # fmt: skip


def _numbers(column: Any) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan)).copy()


def in_jansky(column: Any, name: str) -> NDArray[np.float64]:
    """Fluxes in Jy, NaN where absent; a column of magnitudes or logarithms is converted.

    A column without a unit has that of its name, such as ``f6cm_mJy`` and ``S (Jy)``, else Jy.

    Parameters
    ----------
    name
        The column's name for messages.

    Raises
    ------
    CatalogueError
        If its unit is not known or not that of a flux density.
    """
    import numpy as np
    from astropy import units

    values = _numbers(column)
    if column.unit is None:
        found = _UNIT_IN_NAME.fullmatch(name)
        return values * _PREFIXES[found[1].lower()] if found else values
    unit, written = column.unit, str(column.unit).strip()
    if isinstance(unit, units.UnrecognizedUnit):  # such as "µJy" and "mJy " of a VOTable; AIPS writes units in capitals
        unit = units.Unit("Jy" if written == "JY" else written, parse_strict="silent")
    try:
        return np.asarray(unit.to(units.Jy, values), dtype=np.float64)
    except (units.UnitConversionError, TypeError, ValueError) as problem:
        is_known = not isinstance(unit, units.UnrecognizedUnit)
        wrong = "not a flux density" if is_known else "not known"
        hint = "`--flux` takes flux densities, in Jy, mJy, uJy, W/m2/Hz and the like"
        raise CatalogueError(f"column {name!r} has the unit {written!r}, which is {wrong}", hint) from problem
