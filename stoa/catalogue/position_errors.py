"""Errors of positions, by the columns in which tables have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Column, Table
    from numpy.typing import NDArray

_NAMES = (
    ("e_ra_arcsec", "e_dec_arcsec"),
    ("e_RAJ2000", "e_DEJ2000"),
    ("e_RA_ICRS", "e_DE_ICRS"),
    ("e_RAdeg", "e_DEdeg"),
    ("ra_error", "dec_error"),
    ("e_ra", "e_dec"),
    ("ePos", "ePos"),
    ("e_Pos", "e_Pos"),
    ("pos_err", "pos_err"),
)
_UCDS = ("stat.error;pos.eq.ra", "stat.error;pos.eq.dec")


class Errors(Struct, frozen=True):
    """A match radius by the errors of positions."""

    times: float  # how many times the errors of source and object together
    object_arcsec: float = 0.0  # of each coordinate of the objects, where the catalogue has no columns of them


def both_errors(
    sources: Table,
    catalogue: Table,
    rows: NDArray[np.int64] | None,
    objects: NDArray[np.int64] | None,
    given: Errors,
    names: tuple[str, str],
) -> tuple[Any, Any]:
    """Errors in arcsec of differences in RA (times cos(dec)) and Dec, those of source and object in quadrature.

    Parameters
    ----------
    rows, objects
        Pairs of rows; None for every source with an object of median error.

    Raises
    ------
    CatalogueError
        If a table has no columns of errors (of a catalogue: and none is given), or their unit is not an angle.
    """
    import numpy as np

    found = []
    mine, theirs = _errors(sources, names[0]), _errors(catalogue, names[1])
    if mine is None:
        raise CatalogueError(f"{names[0]!r} has no errors of positions, such as e_ra_arcsec and e_dec_arcsec")
    if theirs is None and not given.object_arcsec:
        raise CatalogueError(
            f"{names[1]!r} has no errors of positions, such as e_RAJ2000 and e_DEJ2000",
            "`--catalogue-error 0.5arcsec` gives one for all its objects",
        )
    for axis in (0, 1):
        own = mine[axis] if rows is None else mine[axis][rows]
        if theirs is None:
            other: Any = given.object_arcsec
        else:
            other = float(np.nanmedian(theirs[axis])) if objects is None else theirs[axis][objects]
        found.append(np.hypot(own, other))
    return found[0], found[1]


def _errors(table: Table, name: str) -> tuple[Any, Any] | None:
    lower = {column.lower(): column for column in reversed(table.colnames)}
    ucds = {str(table[column].meta.get("ucd", "")).lower(): column for column in reversed(table.colnames)}
    pair = next(
        ((lower[a.lower()], lower[b.lower()]) for a, b in _NAMES if {a.lower(), b.lower()} <= lower.keys()), None
    )
    if pair is None and set(_UCDS) <= ucds.keys():
        pair = ucds[_UCDS[0]], ucds[_UCDS[1]]
    return None if pair is None else (_arcsec(table[pair[0]], name), _arcsec(table[pair[1]], name))


def _arcsec(column: Column, name: str) -> NDArray[np.float64]:
    import numpy as np
    from astropy import units

    if column.unit is None and not column.name.endswith("_arcsec"):
        raise CatalogueError(
            f"{name!r}: column {column.name} has no unit, so that the errors of positions are not known"
        )
    try:
        scale = 1.0 if column.unit is None else float(units.Unit(column.unit).to(units.arcsec))
        values = np.ma.filled(np.ma.asarray(column.data, dtype=np.float64), np.nan)
    except (units.UnitConversionError, TypeError, ValueError) as problem:
        raise CatalogueError(
            f"{name!r}: column {column.name} has the unit {column.unit}, which is not an angle"
        ) from problem
    return np.asarray(values * scale)
