"""Tables of sources as files: VOTable, FITS, ECSV, CSV, Parquet; and, to be read alone, text in columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from stoa.catalogue.fits_tables import hdus, read_fits
from stoa.catalogue.formats import (
    FORMATS,
    MOST_BYTES,
    READ_ONLY,
    CatalogueError,
    chosen_table,
    content,
    format_of,
    pick,
)
from stoa.catalogue.plain_tables import lengths_differ, plain
from stoa.catalogue.positions import frame_of_positions, has_positions, position_columns
from stoa.catalogue.text_tables import lines_of, read_ecsv, read_text
from stoa.catalogue.votables import read_votable, votable
from stoa.csvcells import guarded

if TYPE_CHECKING:
    from astropy.table import Table

_WIDER = {"u2": "i4", "u4": "i8", "u8": "i8", "i1": "i2", "f2": "f4"}
"""Types of numbers that a VOTable lacks, and the next one that it has."""


def read_table(path: Path, given: BinaryIO | None = None) -> Table:
    """A table of sources.

    Parameters
    ----------
    path
        VOTable, FITS, ECSV, CSV, Parquet or text (``.txt``, ``.dat``, ``.tsv``, ``.mrt``), told by the suffix; with
        ``#NAME`` or ``#NUMBER`` after it, one of several tables. Without that it is the only one, or the only one with
        positions.
    given
        Content of a FITS file that is read in place of what the file holds.

    Returns
    -------
    table
        Columns of plain numbers and texts, absent numbers masked, UCDs in ``column.meta["ucd"]``, frames that the file
        tells in ``column.meta["frame"]`` or ``meta["frame"]``, keys of ``meta`` in lower case.

    Raises
    ------
    CatalogueError
        If the file is missing, not a regular one, of another kind, too large or damaged, or has several such tables.
    """
    file, wanted = chosen_table(path)
    kind = format_of(file, FORMATS | READ_ONLY)
    if not file.is_file():
        raise CatalogueError(
            f"{str(file)!r} is not a regular file" if file.exists() else f"there is no table {str(file)!r}"
        )
    if file.stat().st_size > MOST_BYTES:
        raise CatalogueError(f"{str(file)!r} is larger than {MOST_BYTES >> 20} MB, the most that is read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units and names that are not quite as the standard wants them
            table = _read(file, kind, wanted, given)
    except ModuleNotFoundError as problem:
        raise _needs_package(kind, problem) from problem
    except CatalogueError:
        raise
    except Exception as problem:  # the readers of five formats fail in a dozen ways
        lines = str(problem).strip().splitlines() or [type(problem).__name__]
        raise CatalogueError(f"{str(file)!r} cannot be read as {kind}: {lines[0]}") from problem
    if not table.colnames:
        raise CatalogueError(f"{str(file)!r} cannot be read as {kind}: it has no columns")
    table.meta = {str(key).lower(): value for key, value in table.meta.items()}
    return table


def _read(path: Path, kind: str, wanted: str, given: BinaryIO | None) -> Table:
    from astropy.table import Table

    if kind == "votable":
        return read_votable(path, wanted)
    if kind == "fits":
        return read_fits(path, wanted, given)
    if kind == "parquet":
        tables = {path.name: Table.read(path, format="parquet")}
    elif kind == "ecsv":
        tables = {path.name: read_ecsv(lines_of(content(path), path))}
    else:
        tables = read_text(path, kind)
    made = {name: plain(table, str(path)) for name, table in tables.items()}
    return pick(made, wanted, path, {name: has_positions(table) for name, table in made.items()})


def write_table(table: Table, path: Path) -> None:
    """Write a table; see `write_tables`."""
    write_tables(table, [path])


def write_tables(table: Table, paths: Sequence[Path]) -> None:
    """Write a table to every one of some files, or to none of them; the suffix tells the format.

    Units, UCDs and descriptions go into VOTable, ECSV and FITS (as TUCDn and TCOMMn), none of them into CSV. Facts of
    the table (``meta``) become INFO elements, YAML, header cards, or are left out. Times become ISO 8601 text, sky
    coordinates two columns. A file that is there is replaced.

    Raises
    ------
    CatalogueError
        If a suffix is none of those in `FORMATS`, a folder is missing, or a format cannot hold what a column has; the
        message has column, row and value. No file is written then.
    """
    asides: dict[Path, Path] = {}
    for path in paths:
        format_of(path)
        if not path.parent.is_dir():
            raise CatalogueError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into")
        asides[path] = path.with_name(f".{path.name}.part{''.join(path.suffixes[-2:])}")
    try:
        for path, aside in asides.items():
            _write(table, aside, format_of(path), path)
        for path, aside in asides.items():
            aside.replace(path)
    finally:
        for aside in asides.values():
            aside.unlink(missing_ok=True)


def _write(table: Table, aside: Path, kind: str, path: Path) -> None:
    made = plain(table, path.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units that are written as they are
            if kind == "votable":
                votable(_for_votable(made, path.name), path.name).to_xml(str(aside), compressed=path.suffix == ".gz")
            elif kind == "fits":
                hdus(made, path.name).writeto(aside, overwrite=True)
            elif kind == "csv":
                _for_csv(made, path.name).write(aside, format="ascii.csv", overwrite=True)
            else:
                made.write(aside, format="ascii.ecsv" if kind == "ecsv" else kind, overwrite=True)
    except ModuleNotFoundError as problem:
        raise _needs_package(kind, problem) from problem
    except (ValueError, TypeError, OverflowError) as problem:
        lines = str(problem).strip().splitlines() or [type(problem).__name__]
        raise CatalogueError(f"{path.name!r} cannot be written as {kind}: {lines[0]}") from problem


def _for_votable(table: Table, name: str) -> Table:
    """A table without types and units that VOTables lack."""
    import numpy as np
    from astropy import units

    made = table.copy(copy_data=False)
    for title in made.colnames:
        column = made[title]
        if wider := _WIDER.get(column.dtype.str[1:]):
            values = np.ma.filled(np.ma.asarray(column.data), 0) if column.dtype.kind == "u" else np.zeros(1)
            if column.dtype.itemsize == 8 and (values > np.iinfo(np.int64).max).any():
                row = int(np.flatnonzero((values > np.iinfo(np.int64).max).reshape(len(values), -1).any(axis=1))[0])
                raise CatalogueError(
                    f"{name!r}, row {row + 1}: {title} is {column[row]}, more than the integers of a VOTable hold"
                )
            made[title] = column.astype(wider)
        if made[title].unit == units.hourangle:
            made[title].unit = units.h
        elif isinstance(made[title].unit, units.UnrecognizedUnit):
            made[title].unit = None
    return made


def _for_csv(table: Table, name: str) -> Table:
    """A table as text has it: one value a cell, no text that a spreadsheet would run, positions in ICRS."""
    import numpy as np

    made = table.copy(copy_data=False)
    for title in made.colnames:
        column = made[title]
        if column.ndim > 1 or lengths_differ(column):
            raise CatalogueError(
                f"{name!r}: the column {title} has several values in a row, which CSV has not",
                "`--out FILE.vot` or `FILE.fits` writes a format that has",
            )
        if column.dtype.kind == "U":
            values: Any = np.ma.filled(np.ma.asarray(column), "")
            made[title] = np.array([guarded(text) for text in values.tolist()], dtype=str)
    if has_positions(table):
        found = position_columns(table, name)
        frame = frame_of_positions(table, found, name)
        if (
            not frame.is_icrs
            and not found.is_galactic
            and "1950" not in found.ra
            and frame.equinox not in ("", "J2000.0")
        ):
            raise CatalogueError(
                f"{name!r}: the positions are {frame.words}, which CSV cannot say", "`--out FILE.vot` says it"
            )
    return made


def _needs_package(kind: str, problem: ModuleNotFoundError) -> CatalogueError:
    return CatalogueError(
        f"tables as {kind} need pandas and pyarrow: {problem}", "pip install 'stoa-tracking[parquet]'"
    )
