"""Answers of the index as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoa.show.table import Column, Table, table

if TYPE_CHECKING:
    from stoa.commands.query import Answer


def answer_table(answer: Answer) -> Table:
    """The rows of an answer; columns further right are left out first."""
    columns = [
        Column(name, place, right=_numbers(answer, place), text=not _numbers(answer, place) and place > 0)
        for place, name in enumerate(answer.columns)
    ]
    return table(columns, [[cell(value) for value in row] for row in answer.rows])


def cell(value: Any) -> Any:
    """A value of a row; of bytes only how many there are."""
    if value is None:
        return ""
    return f"({len(value)} bytes)" if isinstance(value, bytes) else value


def _numbers(answer: Answer, place: int) -> bool:
    return bool(answer.rows) and all(row[place] is None or isinstance(row[place], int | float) for row in answer.rows)
