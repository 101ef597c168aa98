"""Positions of the sources of one job, to be drawn over its image."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.model import FileRef
from stoa.workspace.open import Workspace

NAMES = ("source_id", "id", "name")


class Position(msgspec.Struct, frozen=True):
    """A source."""

    id: str
    ra_deg: float  # ICRS
    dec_deg: float


def marks(ws: Workspace, tables: Iterable[FileRef]) -> list[Position]:
    """Sources of the tables that are on this machine and have positions; others are left out."""
    found: list[Position] = []
    for ref in tables:
        try:
            path = ws.products.file(ref)
            table = read_table(path) if path.is_file() else None
        except (StoaError, OSError):
            continue
        if table is None or not {"ra_deg", "dec_deg"} <= set(table.colnames):
            continue
        name = next((each for each in NAMES if each in table.colnames), "")
        for number, row in enumerate(table, 1):
            label = str(row[name]) if name else str(number)
            found.append(Position(label, float(row["ra_deg"]), float(row["dec_deg"])))
    return found
