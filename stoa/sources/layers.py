"""Tables on disk as places on a map."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stoa.catalogue.coverage import is_coverage, outlines, read_coverage
from stoa.catalogue.positions import position_columns, positions
from stoa.catalogue.tables import read_table
from stoa.sources.files import FOLDER
from stoa.workspace.open import Workspace

SUFFIXES = (".vot", ".xml", ".fits", ".csv", ".ecsv")

NAMES = ("name", "id", "object", "target", "source")
"""Columns that say what a row is, the first that is there."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """Places of the rows of a table, ICRS in degrees, with a name each."""

    ra_deg: list[float]
    dec_deg: list[float]
    labels: list[str]


def table_files(ws: Workspace) -> list[str]:
    """Tables of the project, relative to it: those beside `.stoa` and in the folder of catalogues."""
    return [name for name in _files(ws) if Path(name).suffix in SUFFIXES and not is_coverage(Path(name))]


def coverage_files(ws: Workspace) -> list[str]:
    """Coverages of the project, in the same folders."""
    return [name for name in _files(ws) if is_coverage(Path(name))]


def _files(ws: Workspace) -> list[str]:
    folders = (ws.project.top, ws.project.top / FOLDER)
    found = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    return sorted(file.relative_to(ws.project.top).as_posix() for file in found if file.is_file())


def coverage_lines(file: Path) -> list[tuple[list[float], list[float]]]:
    """Right ascensions and declinations of lines round the parts of a coverage, coarse enough for the whole sky.

    Raises
    ------
    CatalogueError
        If the file is no coverage.
    """
    return outlines(read_coverage(file))


def layer(file: Path, most: int) -> Layer:
    """The first `most` rows of a table as places; rows without a place are left out.

    Raises
    ------
    CatalogueError
        If the file is no table, or has no positions.
    """
    table = read_table(file)[:most]
    position_columns(table, file.name)
    ra, dec = positions(table, file.name)
    title = next((name for want in NAMES for name in table.colnames if name.lower() == want), "")
    labels = [str(text) for text in table[title]] if title else [f"row {n}" for n in range(1, len(table) + 1)]
    rows = [(float(a), float(d), text) for a, d, text in zip(ra, dec, labels, strict=True) if a == a and d == d]
    return Layer(
        ra_deg=[row[0] for row in rows], dec_deg=[row[1] for row in rows], labels=[row[2] for row in rows]
    )  # fmt: skip
