"""Where tables and plots of sources are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from stoa.catalogue.formats import chosen_table
from stoa.catalogue.regions import write_ds9
from stoa.catalogue.tables import write_tables
from stoa.errors import StoaError
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    from astropy.table import Table

FOLDER = "catalogues"


def catalogues_folder(ws: Workspace) -> Path:
    """The project's folder of catalogues, made if it is missing."""
    folder = ws.home / FOLDER
    ws.project.check_inside(folder)  # one that came as a link is not written through
    folder.mkdir(exist_ok=True)
    return folder


def label(source: str) -> str:
    """Name of a file made from a source; a value that was given on a command line may hold any character."""
    name = (
        Path(source).stem if Path(source).suffix in (".vot", ".fits", ".ecsv", ".csv", ".xml", ".parquet") else source
    )
    return re.sub(r"[^\w@.+=,-]+", "_", name)[:150]


def check_out(out: Path | None, *read: Path | str) -> None:
    """Raise `StoaError` if the file to write is one of those that were read: it would be lost.

    Parameters
    ----------
    read
        Files, with ``#TABLE`` after them or not, and names of runs, which are no files.
    """
    if out is None or not out.is_file():
        return
    for name in read:
        file, _ = chosen_table(Path(name))
        if file.is_file() and out.samefile(file):
            raise StoaError(f"{str(out)!r} is read and cannot be written", "give `--out` another name")


def write(ws: Workspace, table: Any, out: Path | None, label: str, read: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """Write a table where it was asked for, or as VOTable and FITS; both or none.

    Parameters
    ----------
    read
        What the table was made from: none of these files is written over.
    """
    check_out(out, *read)
    label += f"-at-{ws.past.commit[:10]}" if ws.past else ""
    files = [out] if out else [catalogues_folder(ws) / f"{label}{suffix}" for suffix in (".vot", ".fits")]
    write_tables(table, [file for file in files if file.suffix != ".reg"])
    for file in files:
        if file.suffix == ".reg":
            lost = len(table) - write_ds9(table, file, name="sources")
            ws.remark(f"left out of {file.name}: {lost} without a position" if lost else "")
    return tuple(str(file.relative_to(ws.home)) if file.is_relative_to(ws.home) else str(file) for file in files)


def content(table: Table, suffix: str) -> bytes:
    """What a file with this suffix would hold.

    Raises
    ------
    StoaError
        If the format cannot hold the table.
    """
    with TemporaryDirectory(prefix="stoa-table-") as folder:
        file = Path(folder, f"table{suffix}")
        write_tables(table, [file])
        return file.read_bytes()
