"""Saved selections in words and tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stoa.model import SavedSelection
from stoa.show.table import Column, Table, table
from stoa.show.words import one_line

if TYPE_CHECKING:
    from stoa.commands.select import Selected


def condition_in_words(selection: SavedSelection) -> str:
    """What a target has to meet: ``freq_ghz > 200, tag paper I, flagged``."""
    parts = [selection.where, *selection.targets, *(f"tag {tag}" for tag in selection.tags)]
    parts += ["failed" if selection.failed else "", "flagged" if selection.flagged else ""]
    return one_line(", ".join(filter(None, parts)))


def selections_table(found: Iterable[Selected]) -> Table:
    """One row for each selection."""
    columns = (
        Column("selection", text=True),
        Column("targets"),
        Column("condition", 1, text=True),
        Column("by", 2, text=True),
        Column("why", 1, text=True, optional=True),
    )
    rows = [
        (
            each.selection.name,
            f"cannot be answered: {each.problem}" if each.problem else str(len(each.targets)),
            condition_in_words(each.selection),
            each.selection.author.name,
            each.selection.text,
        )
        for each in found
    ]
    return table(columns, rows)
