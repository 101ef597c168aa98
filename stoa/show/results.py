"""What a process reported, as a table."""

from __future__ import annotations

from typing import Any

from stoa.commands.results import FIXED, ResultsTable
from stoa.show.table import Column, Table, table
from stoa.show.words import number

SHOWN = ("target", "group", "status")
"""Columns that come first."""


def results_table(found: ResultsTable, *, wide: bool) -> Table:
    """One row for each job: results with their units, and if wide also run, times, memory and cause."""
    more = [name for name in FIXED if name not in (*SHOWN, "flags", "origin")] if wide else []
    names = [*SHOWN, *found.units, *more, "flags", "origin"]
    columns = [
        Column(
            f"{name} [{found.units[name]}]" if found.units.get(name) else name,
            place if name != "target" else 0, right=_is_number(found, name), text=name == "cause",
            optional=name in ("group", "flags", "cause", "origin"),
        )
        for place, name in enumerate(names)
    ]  # fmt: skip
    return table(columns, [[_cell(row[name]) for name in names] for row in found.rows])


def _is_number(found: ResultsTable, name: str) -> bool:
    reported = name in found.units and all(not isinstance(row[name], str) for row in found.rows)
    return reported or name in ("duration_s", "memory_mb")


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else number(value)
