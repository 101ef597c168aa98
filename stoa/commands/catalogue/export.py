"""Sources in a file of any kind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    pass
from stoa.sources.files import write
from stoa.sources.stack import sources_of


def export(ws: Workspace, source: str, out: Path, keep: Iterable[str] = (), *, quality: bool = False) -> int:
    """Write the sources of a run or table to a file of any kind; gives their number."""
    table = sources_of(ws, source, keep, quality=quality)
    write(ws, table, out, "", (source,))
    return len(table)
