"""Tables of plain columns: times, sky coordinates and quantities of astropy as columns that every format has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import MAIN

if TYPE_CHECKING:
    from astropy.table import Column, Table


def plain(table: Table, name: str) -> Table:
    """A table with `Column`s alone.

    A sky coordinate becomes two columns, ``<name>_ra_deg`` and ``<name>_dec_deg`` in ICRS; a time becomes text in ISO
    8601 with its scale in the description; a quantity becomes a column with its unit; objects become texts, numbers or
    arrays where they are such.

    Parameters
    ----------
    name
        The table's name for messages.

    Raises
    ------
    CatalogueError
        If a column is of another kind, such as one that holds any Python object.
    """
    from astropy.table import Column, Table

    made: list[Any] = []
    for title in table.colnames:
        column = table[title]
        if isinstance(column, Column) and column.dtype.kind not in "OV":
            made.append(column)
        else:
            made += _columns(column, title, name, made)
    result = Table(made, copy=False)
    result.meta = table.meta
    return result


def _columns(column: Any, title: str, name: str, before: list[Any]) -> list[Column]:
    from astropy.coordinates import SkyCoord
    from astropy.table import Column
    from astropy.time import Time
    from astropy.units import Quantity

    if isinstance(column, SkyCoord):
        return _of_sky(column, title, name, main=not any(each.meta.get("ucd") == MAIN[0] for each in before))
    if isinstance(column, Time):
        return [_of_time(column, title)]
    if isinstance(column, Quantity) and column.dtype.kind in "fiub":
        return [Column(column.value, name=title, unit=column.unit, description=column.info.description)]
    if isinstance(column, Column) and column.dtype.kind == "O":
        return [_of_objects(column, title, name)]
    raise CatalogueError(f"{name!r}: column {title} holds {type(column).__name__}, which no table format has")


def _of_sky(column: Any, title: str, name: str, *, main: bool) -> list[Column]:
    from astropy.coordinates import ConvertError
    from astropy.table import Column

    try:
        points = column.icrs
    except (ConvertError, ValueError) as problem:
        raise CatalogueError(
            f"{name!r}: column {title} is in the frame {column.frame.name}, which has no ICRS"
        ) from problem
    made = []
    for end, values, ucd in (("ra_deg", points.ra.deg, MAIN[0]), ("dec_deg", points.dec.deg, MAIN[1])):
        words = f"{'Right ascension' if end == 'ra_deg' else 'Declination'} (ICRS) of {title}"
        made.append(Column(values, name=f"{title}_{end}", unit="deg", description=words))
        made[-1].meta["ucd"] = ucd if main else ucd.removesuffix(";meta.main")
    return made


def _of_time(column: Any, title: str) -> Column:
    import numpy as np
    from astropy.table import Column

    copied = column.copy()
    copied.precision = 9 if (column.jd2 * 86400e3 % 1 > 1e-3).any() else 3
    texts: Any = np.ma.filled(np.ma.asarray(copied.isot), "")
    words = f"{column.info.description}; " if column.info.description else ""
    made = Column(np.asarray(texts, dtype=str), name=title, description=f"{words}time scale {column.scale}")
    made.meta["ucd"] = "time.epoch"
    return made


def _of_objects(column: Any, title: str, name: str) -> Column:
    """Texts, or arrays of different lengths, that are held as objects."""
    import numpy as np
    from astropy.table import Column, MaskedColumn

    masked = np.ma.getmaskarray(np.ma.asarray(column))
    values = [None if hidden else value for value, hidden in zip(column.data, masked, strict=True)]
    known = [value for value in values if value is not None]
    if all(isinstance(value, str) for value in known):
        made = Column(np.array([value or "" for value in values], dtype=str), name=title)
    elif all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in known):
        numbers = np.array([0 if value is None else value for value in values])
        made = MaskedColumn(numbers, name=title, mask=[value is None for value in values])
    elif all(
        isinstance(value, np.ndarray | list | tuple) and np.asarray(value).dtype.kind in "fiub" for value in known
    ):
        kind = np.result_type(*(np.asarray(value).dtype for value in known)) if known else np.dtype(float)
        objects = np.empty(len(values), dtype=object)
        for row, value in enumerate(values):
            objects[row] = np.ma.filled(np.ma.asarray(value if value is not None else [], dtype=kind)).ravel()
        made = Column(objects, name=title)
    else:
        row = next(n for n, value in enumerate(values) if value is not None and not isinstance(value, str))
        held = type(values[row]).__name__
        raise CatalogueError(f"{name!r}, row {row + 1}: {title} is an object ({held}), which no table format has")
    made.unit, made.description = column.unit, column.description
    made.meta.update(column.meta)
    return made


def lengths_differ(column: Any) -> bool:
    """Whether a plain column holds arrays of different lengths."""
    return bool(column.dtype.kind == "O")
