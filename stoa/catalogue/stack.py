"""One catalogue out of the tables that a process wrote, one row a source, each row saying where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.columns import describe
from stoa.catalogue.fits_rows import joined, read_rows
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.frames import Frame
from stoa.catalogue.positions import frame_of_positions, has_positions, position_columns
from stoa.catalogue.tables import read_table

if TYPE_CHECKING:
    from astropy.table import Table

ORIGIN = ("target", "group", "intent", "kind", "process", "params", "run", "product")
"""Columns that every stacked catalogue begins with; all of them texts."""


class Part(Struct, frozen=True, kw_only=True):
    """A table that one job wrote, and whose it is."""

    path: Path
    target: str
    group: str = ""
    intent: str = ""  # science, calibrator; "" where no one knows
    kind: str = ""  # cont, mfs, cube; "" where no one knows
    process: str
    params: str
    run: str
    product: str  # "<root>:<posix path>" as the outcome's record has it


def stack(parts: Iterable[Part]) -> Table:
    """All rows of all parts, in the order given.

    Returns
    -------
    table
        The columns of `ORIGIN`, then those of the parts; units, UCDs and descriptions of known columns.
        ``meta`` has ``images`` (parts), ``empty`` (parts without a source), ``targets`` and ``sources``.

    Raises
    ------
    CatalogueError
        If there is no part, one cannot be read, or its columns, units or frame differ from the first one's;
        each is named.
    """
    import numpy as np
    from astropy.table import Table

    given = list(parts)
    if not given:
        raise CatalogueError(
            "there is nothing to stack", "`stoa run PROCESS` makes tables; `stoa status` shows its end"
        )
    tables: list[Table] = []
    rows: list[int] = []
    for first, table, counts in _tables(given):
        tables.append(table)
        rows += counts
        _check_alike(tables[0], table, given[0], first)
    columns: dict[str, Any] = {
        name: np.repeat(np.array([getattr(part, name) for part in given], dtype=str), rows) for name in ORIGIN
    }
    for name in tables[0].colnames:
        columns[name] = _joined(name, tables)
    stacked = Table(columns, copy=False)
    stacked.meta = {
        "images": len(given),
        "empty": rows.count(0),
        "targets": len({part.target for part in given}),
        "sources": sum(rows),
    }
    frame = _frame(tables[0], given[0])
    if frame.is_equatorial and not frame.is_icrs:
        stacked.meta["frame"] = frame.words
    return describe(stacked, stacked.colnames)


def _tables(parts: list[Part]) -> Iterator[tuple[Part, Table, list[int]]]:
    """Tables in order, those that follow one another with the same columns as one: its first part, and rows a part."""
    read = ((part, read_rows(part.path)) for part in parts)
    for _, group in groupby(read, key=lambda each: each[1].meaning if each[1] else object()):
        alike: list[Part] = []
        counts: list[int] = []
        rows: list[bytes] = []
        header = b""
        for part, fits in group:
            alike.append(part)
            if fits:
                header = header or fits.header
                counts.append(fits.count)
                rows.append(fits.rows)
        table = read_table(alike[0].path, joined(header, rows, sum(counts)) if rows else None)
        yield alike[0], table, counts or [len(table)]


def _joined(name: str, tables: list[Table]) -> Any:
    import numpy as np
    from astropy.table import Column, MaskedColumn

    some = [table[name] for table in tables if len(table)] or [tables[0][name]]
    first = tables[0][name]
    masked = any(hasattr(column, "mask") for column in some)
    values = (np.ma.concatenate if masked else np.concatenate)([column.data for column in some])
    made = (MaskedColumn if masked else Column)(values, name=name, unit=first.unit, description=first.description)
    made.meta.update(first.meta)
    return made


def _frame(table: Table, part: Part) -> Frame:
    """The frame of the positions; ICRS of a table without any."""
    if not has_positions(table):
        return Frame()
    return frame_of_positions(table, position_columns(table, part.product), part.product)


def _check_alike(first: Table, table: Table, first_part: Part, part: Part) -> None:
    here, there = set(table.colnames), set(first.colnames)
    if here != there:
        lacks, extra = sorted(there - here), sorted(here - there)
        said = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"also has {', '.join(extra)}"] * bool(extra)
        raise CatalogueError(
            f"{part.product!r} cannot be stacked with {first_part.product!r}: it {' and '.join(said)}",
            "stack the outcomes of one version of the process; `stoa rerun` makes the others again",
        )
    for name in table.colnames:
        if table[name].unit != first[name].unit:
            here_in, there_in = (f"in {t[name].unit}" if t[name].unit else "without a unit" for t in (table, first))
            raise CatalogueError(
                f"{part.product!r} cannot be stacked with {first_part.product!r}: {name} is {here_in} and {there_in}",
                "let the script write each column in one unit for all targets, and run it again",
            )
    frame, first_frame = _frame(table, part), _frame(first, first_part)
    if frame != first_frame and not (frame.is_icrs and first_frame.is_icrs):
        raise CatalogueError(
            f"{part.product!r} cannot be stacked with {first_part.product!r}: the positions are {frame.words} and"
            f" {first_frame.words}",
            "let the script write positions in one frame for all targets, and run it again",
        )
    clash = sorted(here & set(ORIGIN))
    if clash:
        raise CatalogueError(
            f"{part.product!r} has a column {clash[0]!r} of its own, a name that the stack needs",
            "let the script write it under another name",
        )
