"""Kinds of table files, and the one door through which their content is read."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stoa.errors import StoaError

if TYPE_CHECKING:
    from astropy.table import Table

FORMATS = {
    ".vot": "votable",
    ".xml": "votable",
    ".votable": "votable",
    ".fits": "fits",
    ".fit": "fits",
    ".ecsv": "ecsv",
    ".csv": "csv",
    ".parquet": "parquet",
}
"""Suffix of a file that can be read and written, before a further ``.gz``, and the format."""

READ_ONLY = {".txt": "text", ".dat": "text", ".tsv": "text", ".mrt": "text"}
"""Suffixes of text in columns: VizieR's forms, CDS and machine-readable tables, columns with a line of names."""

MOST_BYTES = 4 << 30
"""The largest table, after decompression."""

MOST_TEXT_BYTES = 1 << 30
"""The largest table of text or XML, which is held in memory several times."""

_MOST_TIMES = 100  # that a compressed table may grow; those of catalogues grow some ten times
_CHUNK = 1 << 22


class CatalogueError(StoaError):
    """A table that cannot be read, written or understood."""


def format_of(path: Path, known: Mapping[str, str] = FORMATS) -> str:
    """The format that a file's suffix stands for.

    Raises
    ------
    CatalogueError
        If the suffix is not a known one.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes or [""])[-1]
    if suffix not in known:
        raise CatalogueError(
            f"{path.name!r} does not say what kind of table it is", f"use one of the suffixes {', '.join(known)}"
        )
    return known[suffix]


def is_table_name(name: str) -> bool:
    """Whether a name ends as the file of a table does."""
    path = Path(name)
    return any(path.name.lower().endswith((suffix, f"{suffix}.gz")) for suffix in FORMATS | READ_ONLY)


def content(path: Path, most: int = MOST_TEXT_BYTES) -> bytes:
    """What a regular file holds, decompressed where it is gzipped.

    Raises
    ------
    CatalogueError
        If it is missing, no regular file (a device, a pipe, a folder), damaged, or larger than `most` bytes or than a
        hundred times what it is compressed.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise CatalogueError(f"there is no table {str(path)!r}") from None
    except OSError as problem:
        raise CatalogueError(f"{str(path)!r} cannot be read: {problem.strerror}") from None
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise CatalogueError(f"{str(path)!r} is not a regular file")
        is_compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if is_compressed:  # a few kilobytes can hold gigabytes of one and the same byte
            most = min(most, _MOST_TIMES * os.fstat(number).st_size + _CHUNK)
        parts: list[bytes] = []
        size = 0
        try:
            source = gzip.GzipFile(fileobj=file) if is_compressed else file
            while part := source.read(_CHUNK):
                size += len(part)
                if size > most:
                    raise CatalogueError(f"{str(path)!r} is larger than {most >> 20} MB, the most that is read")
                parts.append(part)
        except (OSError, EOFError, zlib.error) as problem:
            raise CatalogueError(f"{str(path)!r} cannot be read: {problem}") from problem
    return b"".join(parts)


def chosen_table(path: Path) -> tuple[Path, str]:
    """File and table of ``FILE#TABLE``, as STILTS writes it; a file that has this name comes first."""
    text, _, table = str(path).rpartition("#")
    return (Path(text), table) if text and not path.exists() else (path, "")


def pick(tables: Mapping[str, Table], wanted: str, path: Path, has_positions: Mapping[str, bool]) -> Table:
    """The table of a file that has several: the one that is asked for, or the only one with positions.

    Parameters
    ----------
    tables
        By name, in the order of the file.
    wanted
        Its name, or its number from 1; "" for the only one with positions (of those without any: the only one).

    Raises
    ------
    CatalogueError
        If the choice is not clear; the message lists the tables.
    """
    names = list(tables)
    if wanted:
        found = [name for name in names if name == wanted] or [
            name for number, name in enumerate(names, 1) if str(number) == wanted
        ]
    else:
        found = [name for name in names if has_positions[name]] or names
    if len(found) == 1:
        return tables[found[0]]
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    if wanted:
        raise CatalogueError(f"{str(path)!r} has no table {wanted!r} (it has: {listed})")
    words = "several tables with positions" if any(has_positions.values()) else "several tables"
    raise CatalogueError(f"{str(path)!r} has {words}: {listed}", f"name one of them: {path}#{found[0] if found else 1}")
