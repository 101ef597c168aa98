"""Where tables and plots of sources are written."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from stoa.catalogue.regions import write_ds9
from stoa.catalogue.tables import write_tables
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


def write(ws: Workspace, table: Any, out: Path | None, label: str) -> tuple[str, ...]:
    """Write a table where it was asked for, or as VOTable and FITS; both or none."""
    label += f"-at-{ws.past.commit[:10]}" if ws.past else ""
    files = [out] if out else [catalogues_folder(ws) / f"{label}{suffix}" for suffix in (".vot", ".fits")]
    write_tables(table, [file for file in files if file.suffix != ".reg"])
    for file in files:
        if file.suffix == ".reg":
            write_ds9(table, file, name="sources")
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
