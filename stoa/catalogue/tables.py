"""Tables of sources as files (VOTable, FITS, ECSV, CSV, Parquet), and where their positions stand."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct

from stoa.errors import StoaError

if TYPE_CHECKING:
    import numpy as np
    from astropy.io.fits import HDUList
    from astropy.io.votable.tree import VOTableFile
    from astropy.table import Column, Table
    from numpy.typing import NDArray

FORMATS = {
    ".vot": "votable",
    ".xml": "votable",
    ".votable": "votable",
    ".fits": "fits",
    ".fit": "fits",
    ".ecsv": "ascii.ecsv",
    ".csv": "ascii.csv",
    ".parquet": "parquet",
}
"""Suffix of a file name, before a further ``.gz``, and the format in astropy's words."""

_NAMES = (
    ("_RAJ2000", "_DEJ2000"),
    ("_RA", "_DE"),
    ("ra_deg", "dec_deg"),
    ("RAJ2000", "DEJ2000"),
    ("RA_ICRS", "DE_ICRS"),
    ("ALPHA_J2000", "DELTA_J2000"),
    ("s_ra", "s_dec"),
    ("ra", "dec"),
    ("ra", "de"),
)
_MAIN = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")
_PLAIN = ("pos.eq.ra", "pos.eq.dec")


class CatalogueError(StoaError):
    """A table that cannot be read, written or understood."""


class PositionColumns(Struct, frozen=True):
    """The two columns that hold a position."""

    ra: str
    dec: str
    sexagesimal: bool  # text such as 12 34 56.7; RA in hours


_READ_ONLY = {".txt": "ascii", ".dat": "ascii"}


def read_table(path: Path, content: BinaryIO | None = None) -> Table:
    """A table of sources.

    Parameters
    ----------
    path
        VOTable (the first table of it), FITS (the first table extension), ECSV, CSV, or text in columns (``.txt``,
        ``.dat``), told by the suffix.
    content
        Read in place of what stands in the file; not for VOTables.

    Returns
    -------
    table
        Texts as `str`, absent values masked, UCDs in ``column.meta["ucd"]``, keys of ``meta`` in lower case.

    Raises
    ------
    CatalogueError
        If the file is missing, of another kind, or damaged.
    """
    from astropy.table import Table

    kind = _format(path, FORMATS | _READ_ONLY)
    if not path.is_file():
        raise CatalogueError(f"there is no table {str(path)!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units and names that are not quite as the standard wants them
            table = _read_votable(path) if kind == "votable" else Table.read(content or path, format=kind)
    except ModuleNotFoundError as problem:
        raise _needs_package(kind, problem) from problem
    except Exception as problem:  # the readers of four formats fail in a dozen ways
        lines = str(problem).strip().splitlines() or [type(problem).__name__]
        raise CatalogueError(f"{str(path)!r} cannot be read as {kind.removeprefix('ascii.')}: {lines[0]}") from problem
    if not table.colnames:
        raise CatalogueError(f"{str(path)!r} cannot be read as {kind.removeprefix('ascii.')}: it has no columns")
    table.convert_bytestring_to_unicode()
    if kind == "fits":
        _take_fits_meanings(table)
    table.meta = {str(key).lower(): value for key, value in table.meta.items()}
    return table


def write_table(table: Table, path: Path) -> None:
    """Write a table; the format is told by the suffix.

    Units, UCDs and descriptions go into VOTable, ECSV and FITS (as TUCDn and TCOMMn), none of them into CSV. Facts
    of the table (``meta``) become INFO elements, YAML, header cards, or are left out; ``frame`` is ICRS unless it
    says FK5. A file that stands there is replaced.

    Raises
    ------
    CatalogueError
        If the suffix is none of those in `FORMATS` or the folder is missing.
    """
    kind = _format(path)
    if not path.parent.is_dir():
        raise CatalogueError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into")
    aside = path.with_name(f".{path.name}.part{''.join(path.suffixes[-2:])}")
    try:
        if kind == "votable":
            _votable(table).to_xml(str(aside), compressed=path.suffix == ".gz")
        elif kind == "fits":
            _fits(table).writeto(aside, overwrite=True)
        else:
            table.write(aside, format=kind, overwrite=True)
    except ModuleNotFoundError as problem:
        raise _needs_package(kind, problem) from problem
    else:
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _needs_package(kind: str, problem: ModuleNotFoundError) -> CatalogueError:
    return CatalogueError(
        f"tables as {kind} need pandas and pyarrow: {problem}", "pip install 'stoa-tracking[parquet]'"
    )


def position_columns(table: Table, name: str) -> PositionColumns:
    """Which columns hold the positions.

    Decimal columns come before sexagesimal ones. Among the decimal ones the order is: UCD ``pos.eq.ra;meta.main``,
    a usual name (VizieR's computed ``_RAJ2000`` first), UCD ``pos.eq.ra``.

    Parameters
    ----------
    name
        The table's name for the message.

    Raises
    ------
    CatalogueError
        If there is no such pair.
    """
    decimal = [column for column in table.colnames if table[column].dtype.kind in "fiu" and table[column].ndim == 1]
    texts = [column for column in table.colnames if table[column].dtype.kind in "UO"]
    for columns, sexagesimal in ((decimal, False), (texts, True)):
        pair = _by_ucd(table, columns, _MAIN) or _by_name(columns) or _by_ucd(table, columns, _PLAIN)
        if pair:
            return PositionColumns(*pair, sexagesimal)
    shown = ", ".join(table.colnames[:12]) + (", ..." if len(table.colnames) > 12 else "")
    raise CatalogueError(
        f"{name!r} has no columns for right ascension and declination (it has: {shown})",
        "call them ra_deg and dec_deg (decimal degrees), or give them the UCDs pos.eq.ra;meta.main and the like",
    )


def positions(table: Table, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ascension and declination in degrees, each of shape (rows,), NaN where a row has none.

    Raises
    ------
    CatalogueError
        If no columns hold positions, their unit is no angle, or their values lie outside the sky.
    """
    import numpy as np

    found = position_columns(table, name)
    if found.sexagesimal:
        ra, dec = _sexagesimal(table[found.ra], "hourangle", name), _sexagesimal(table[found.dec], "deg", name)
    else:
        ra, dec = _degrees(table[found.ra], name), _degrees(table[found.dec], name)
    with np.errstate(invalid="ignore"):
        outside = (np.abs(dec) > 90) | (ra < -180) | (ra > 360)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise CatalogueError(
            f"{name!r}, row {row + 1}: {found.ra} {ra[row]:g} and {found.dec} {dec[row]:g} are no position in degrees"
        )
    return ra % 360, dec


def _format(path: Path, known: Mapping[str, str] = FORMATS) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes or [""])[-1]
    if suffix not in known:
        raise CatalogueError(
            f"{path.name!r} does not say what kind of table it is", f"use one of the suffixes {', '.join(FORMATS)}"
        )
    return known[suffix]


def _read_votable(path: Path) -> Table:
    from astropy.io.votable import parse

    inner = parse(str(path), verify="ignore").get_first_table()
    table = inner.to_table(use_names_over_ids=True)
    for name in table.colnames:
        if table[name].dtype.kind == "O" and all(isinstance(text, str) for text in table[name]):
            table.replace_column(name, table[name].astype(str))
    table.meta |= {info.name: int(info.value) if info.value.isdecimal() else info.value for info in inner.infos}
    return table


def _votable(table: Table) -> VOTableFile:
    """The table as a VOTable document with a coordinate system that its main positions refer to."""
    from astropy.io.votable.tree import CooSys, Info, VOTableFile

    bare = _bare(table)
    document = VOTableFile.from_table(bare)
    resource = document.resources[0]
    fk5 = str(table.meta.get("frame", "")).upper() == "FK5"
    system = CooSys(ID="sky", system="eq_FK5", equinox="J2000") if fk5 else CooSys(ID="sky", system="ICRS")
    resource.coordinate_systems.append(system)
    inner = resource.tables[0]
    for field in inner.fields:
        if field.ucd in _MAIN:
            field.ref = system.ID
        if field.datatype in ("unicodeChar", "char"):
            field.arraysize = "*"  # also where no row, or one letter, would make it a character
    inner.infos.extend(  # with an ID of their own: astropy takes the name, which may be that of a column
        Info(ID=f"fact_{number}", name=str(key), value=_fact(value))
        for number, (key, value) in enumerate(table.meta.items(), 1)
    )
    return document


def _bare(table: Table) -> Table:
    """The table without its facts, and without units that no standard knows, such as VizieR's "h:m:s"."""
    from astropy import units

    bare = table.copy(copy_data=False)
    bare.meta = {}
    for name in bare.colnames:
        if isinstance(bare[name].unit, units.UnrecognizedUnit):
            bare[name].unit = None
    return bare


def _fits(table: Table) -> HDUList:
    from astropy.io import fits

    bare = _bare(table)
    hdu = fits.table_to_hdu(bare)
    for number, name in enumerate(table.colnames, 1):
        for key, text in (("TUCD", table[name].meta.get("ucd")), ("TCOMM", table[name].description)):
            if text and _fits_card(text):
                hdu.header[f"{key}{number}"] = text
    hdu.header.update(_cards(table.meta))
    return fits.HDUList([fits.PrimaryHDU(), hdu])


def _take_fits_meanings(table: Table) -> None:
    """UCDs and descriptions from TUCDn and TCOMMn, which astropy leaves among the table's facts."""
    for number, name in enumerate(table.colnames, 1):
        if ucd := table.meta.pop(f"TUCD{number}", ""):
            table[name].meta["ucd"] = ucd
        if description := table.meta.pop(f"TCOMM{number}", ""):
            table[name].description = description


def _fact(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cards(meta: dict[str, Any]) -> dict[str, Any]:
    """What of a table's facts fits FITS header cards; a long name as ESO's convention HIERARCH has it."""
    simple = {str(key): value if isinstance(value, bool | int | float) else _fact(value) for key, value in meta.items()}
    named = {(key if len(key) <= 8 else f"HIERARCH {key}").upper(): value for key, value in simple.items()}
    return {key: value for key, value in named.items() if _fits_card(value) and len(key) + len(str(value)) < 70}


def _fits_card(value: Any) -> bool:
    return not isinstance(value, str) or (len(value) <= 100 and value.isascii() and value.isprintable())


def _by_ucd(table: Table, columns: list[str], wanted: tuple[str, str]) -> tuple[str, str] | None:
    ucds = {str(table[column].meta.get("ucd", "")).lower(): column for column in reversed(columns)}
    ra, dec = ucds.get(wanted[0]), ucds.get(wanted[1])
    return (ra, dec) if ra and dec else None


def _by_name(columns: list[str]) -> tuple[str, str] | None:
    lower = {column.lower(): column for column in reversed(columns)}
    for ra, dec in _NAMES:
        if ra.lower() in lower and dec.lower() in lower:
            return lower[ra.lower()], lower[dec.lower()]
    return None


def _degrees(column: Column, name: str) -> NDArray[np.float64]:
    import numpy as np
    from astropy import units

    values = np.asarray(np.ma.filled(np.ma.asarray(column.data, dtype=np.float64), np.nan))
    if column.unit in (None, units.deg):
        return values
    try:
        return np.asarray((values * units.Unit(column.unit)).to_value(units.deg))
    except (units.UnitConversionError, TypeError, ValueError) as problem:
        raise CatalogueError(
            f"{name!r}: column {column.name} has the unit {column.unit}, which is no angle"
        ) from problem


def _sexagesimal(column: Column, unit: str, name: str) -> NDArray[np.float64]:
    import numpy as np
    from astropy.coordinates import Angle

    values = np.full(len(column), np.nan)
    texts: Any = np.ma.filled(np.ma.asarray(column, dtype=object), "")
    for row, text in enumerate(texts):
        if not str(text).strip():
            continue
        try:
            values[row] = Angle(str(text), unit=unit).deg
        except ValueError as problem:
            raise CatalogueError(f"{name!r}, row {row + 1}: {column.name} is {text!r}, which is no angle") from problem
    return values
