"""Tables in FITS files: chosen among the extensions, written with UCDs and descriptions as cards."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from stoa.catalogue.formats import MOST_BYTES, CatalogueError, content, pick
from stoa.catalogue.plain_tables import lengths_differ, plain
from stoa.catalogue.positions import frame_of_positions, has_positions, position_columns
from stoa.catalogue.votables import fact

if TYPE_CHECKING:
    from astropy.io.fits import HDUList
    from astropy.table import Table

_ARRAY_CODES = {"b1": "L", "u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}


def read_fits(path: Path, wanted: str = "", given: BinaryIO | None = None) -> Table:
    """A table of a FITS file: the only one, or the only one with positions.

    Parameters
    ----------
    wanted
        EXTNAME of the table, or its number among the tables.
    given
        Read in place of what the file holds.
    """
    from astropy.io import fits
    from astropy.table import Table

    source: Any = given or (BytesIO(content(path, MOST_BYTES)) if path.suffix.lower() == ".gz" else path)
    tables: dict[str, Table] = {}
    with fits.open(source, memmap=False) as opened:
        for number, hdu in enumerate(opened):
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
                name = hdu.name if hdu.name and hdu.name not in tables else f"extension {number}"
                table = Table.read(opened, hdu=number, format="fits")
                table.convert_bytestring_to_unicode()
                _take_meanings(table)
                tables[name] = plain(table, str(path))
    if not tables:
        raise CatalogueError(f"{str(path)!r} cannot be read as fits: it has no table")
    return pick(tables, wanted, path, {name: has_positions(table) for name, table in tables.items()})


def _take_meanings(table: Table) -> None:
    """UCDs and descriptions from TUCDn and TCOMMn, which astropy leaves among the table's facts."""
    for number, name in enumerate(table.colnames, 1):
        column = table[name]
        if (ucd := table.meta.pop(f"TUCD{number}", "")) and hasattr(column, "meta"):
            column.meta["ucd"] = ucd
        if description := table.meta.pop(f"TCOMM{number}", ""):
            column.info.description = description


def hdus(table: Table, name: str) -> HDUList:
    """A plain table as a file of one extension.

    Raises
    ------
    CatalogueError
        If a name or text is not ASCII, which FITS tables alone may have.
    """
    from astropy.io import fits

    _check_ascii(table, name)
    bare = table.copy(copy_data=False)
    bare.meta = {}
    units = {column: _take_unit(bare, column) for column in bare.colnames}
    uneven = [column for column in bare.colnames if lengths_differ(bare[column])]
    hdu = fits.table_to_hdu(_with_nulls(bare[[column for column in bare.colnames if column not in uneven]]))
    if uneven:
        columns = [_of_arrays(bare, each, name) if each in uneven else hdu.columns[each] for each in bare.colnames]
        hdu = fits.BinTableHDU.from_columns(columns)
    for number, column in enumerate(table.colnames, 1):
        cards = (
            ("TUCD", table[column].meta.get("ucd")),
            ("TCOMM", table[column].description),
            ("TUNIT", units[column]),
        )
        for key, text in cards:
            if text and _fits_card(text):
                hdu.header[f"{key}{number}"] = text
    hdu.header.update(_cards(table.meta | _frame(table, name)))
    return fits.HDUList([fits.PrimaryHDU(), hdu])


def _frame(table: Table, name: str) -> dict[str, str]:
    """The frame as a fact of the table, where it is not ICRS."""
    if not has_positions(table):
        return {}
    frame = frame_of_positions(table, position_columns(table, name), name)
    return {"frame": frame.words} if frame.is_equatorial and not frame.is_icrs else {}


def _check_ascii(table: Table, name: str) -> None:
    import numpy as np

    hint = "`--out FILE.vot` writes a format that has all characters"
    for column in table.colnames:
        if not (column.isascii() and column.isprintable()):
            raise CatalogueError(f"{name!r}: the column {column!r} is not ASCII, which FITS needs", hint)
        if table[column].dtype.kind != "U":
            continue
        values = np.ma.filled(np.ma.asarray(table[column]), "")
        if all(map(str.isascii, np.ravel(values).tolist())):
            continue
        row = next(n for n, value in enumerate(values) if not all(map(str.isascii, np.ravel(value).tolist())))
        raise CatalogueError(
            f"{name!r}, row {row + 1}: {column} is {str(values[row])!r}, which is not ASCII as FITS needs",
            hint,
        )


def _take_unit(table: Table, column: str) -> str:
    """A unit that the FITS standard lacks, taken from the column to be written as it is; "" for any other."""
    from astropy import units

    unit = table[column].unit
    if unit is None:
        return ""
    if isinstance(unit, units.UnrecognizedUnit):
        text = str(unit)
    else:
        try:
            unit.to_string("fits")
        except ValueError:  # scales too, such as 100 km
            text = str(unit)
        else:
            return ""
    table[column].unit = None
    return text


def _with_nulls(table: Table) -> Table:
    """Masked integers with a fill value that no row has."""
    import numpy as np

    for title in table.colnames:
        if table[title].dtype.str[1:] == "i1":  # FITS has unsigned bytes alone
            table[title] = table[title].astype("i2")
        column = table[title]
        if column.dtype.kind in "iu" and hasattr(column, "mask") and np.any(column.mask):
            column.fill_value = _free_value(column)
    return table


def _free_value(column: Any) -> Any:
    """A value of the column's type that it does not hold: the least, else the largest, else the first that is free."""
    import numpy as np

    limits = np.iinfo(column.dtype)
    held = set(np.asarray(column.data)[~np.asarray(column.mask)].ravel().tolist())
    for value in (limits.min, limits.max):
        if value not in held:
            return value
    return next(value for value in range(limits.min, limits.max) if value not in held)


def _of_arrays(table: Table, title: str, name: str) -> Any:
    import numpy as np
    from astropy.io import fits

    column = table[title]
    kinds = {np.asarray(value).dtype.str[1:] for value in column}
    code = _ARRAY_CODES.get(next(iter(kinds), "f8")) if len(kinds) <= 1 else None
    if code is None:
        raise CatalogueError(f"{name!r}: column {title} has arrays of {', '.join(sorted(kinds))}, which FITS lacks")
    return fits.Column(name=title, format=f"P{code}()", array=column.data, unit=str(column.unit or "") or None)


def _cards(meta: dict[str, Any]) -> dict[str, Any]:
    """What of a table's facts fits FITS header cards; a long name as ESO's convention HIERARCH has it."""
    simple = {str(key): value if isinstance(value, bool | int | float) else fact(value) for key, value in meta.items()}
    named = {(key if len(key) <= 8 else f"HIERARCH {key}").upper(): value for key, value in simple.items()}
    return {key: value for key, value in named.items() if _fits_card(value) and len(key) + len(str(value)) < 70}


def _fits_card(value: Any) -> bool:
    return not isinstance(value, str) or (len(value) <= 100 and value.isascii() and value.isprintable())
