"""A table as a value, and how it is fitted to a width; the terminal, the dashboard and the notebook draw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from unicodedata import combining, east_asian_width

from msgspec import Struct

from stoa.show.words import one_line

GAP = 2
"""Blanks between two columns."""

LONGEST_WORD = 24
"""Letters of a word in a text that are never shortened; a longer one keeps its two ends."""


class Column(Struct, frozen=True):
    """A column of a table.

    Attributes
    ----------
    importance
        A column with a larger number is left out first when there is no room; 0 is never left out.
    right
        Numbers: aligned on the right.
    text
        Words that may continue on the next line. Cells of other columns are never broken and never shortened.
    optional
        Left out when it is empty in every row.
    """

    heading: str
    importance: int = 0
    right: bool = False
    text: bool = False
    optional: bool = False


class Table(Struct, frozen=True):
    """Columns and rows of cells; every cell is one line without control characters."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


class Fitted(Struct, frozen=True):
    """A table that has been fitted to a width.

    Attributes
    ----------
    rows
        For each row its lines, for each line its cells; a text that does not fit continues on the next line.
    left_out
        Headings of the columns for which there was no room.
    """

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[tuple[str, ...], ...], ...]
    left_out: tuple[str, ...] = ()


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> Table:
    """Make a table; None is an empty cell, and optional columns without a value are left out."""
    cells = [tuple(one_line("" if value is None else value) for value in row) for row in rows]
    kept = [n for n, column in enumerate(columns) if not column.optional or any(row[n] for row in cells)]
    return Table(
        columns=tuple(columns[n] for n in kept), rows=tuple(tuple(row[n] for n in kept) for row in cells)
    )  # fmt: skip


def width_of(text: str) -> int:
    """How many places of a terminal a text takes; wide letters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def fitted(made: Table, width: int | None = None) -> Fitted:
    """Fit a table to a width: texts are wrapped, then the least important columns are left out.

    Names, numbers and other cells that are no text stay whole. Without a width nothing is changed, so that a pipe gets
    full lines. A table whose most important columns alone are too wide stays too wide.
    """
    natural = [
        max([width_of(column.heading), *(width_of(row[n]) for row in made.rows)])
        for n, column in enumerate(made.columns)
    ]
    if width is None:
        return Fitted(made.columns, tuple(natural), tuple((row,) for row in made.rows))
    kept = list(range(len(made.columns)))
    smallest = [_smallest(made, n, natural[n]) for n in kept]
    while _total(smallest, kept) > width and (droppable := [n for n in kept if made.columns[n].importance]):
        kept.remove(max(droppable, key=lambda n: (made.columns[n].importance, n)))
    widths = _shared_out(kept, natural, smallest, width)
    rows = tuple(tuple(_lines([row[n] for n in kept], [widths[n] for n in kept])) for row in made.rows)
    left_out = tuple(column.heading for n, column in enumerate(made.columns) if n not in kept)
    return Fitted(tuple(made.columns[n] for n in kept), tuple(widths[n] for n in kept), rows, left_out)


def _smallest(made: Table, n: int, natural: int) -> int:
    column = made.columns[n]
    if not column.text:
        return natural
    words = (word for row in made.rows for word in row[n].split())
    longest = max((min(width_of(word), LONGEST_WORD) for word in words), default=0)
    return min(natural, max(width_of(column.heading), longest, 12))


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[n] for n in kept) + GAP * (len(kept) - 1)


def _shared_out(kept: Sequence[int], natural: Sequence[int], smallest: Sequence[int], width: int) -> dict[int, int]:
    """Widths of the columns; the room that the smallest ones leave goes to the texts, the short ones first."""
    widths = {n: smallest[n] for n in kept}
    room = max(0, width - _total(smallest, kept))
    wanting = sorted((n for n in kept if natural[n] > smallest[n]), key=lambda n: natural[n] - smallest[n])
    for place, n in enumerate(wanting):
        more = min(natural[n] - smallest[n], room // (len(wanting) - place))
        widths[n] += more
        room -= more
    return widths


def _lines(cells: Sequence[str], widths: Sequence[int]) -> Iterable[tuple[str, ...]]:
    wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    return zip_longest(*wrapped, fillvalue="")


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most a width, broken at blanks; only a word that is longer loses its middle."""
    if width_of(text) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        piece = _shortened(word, width)
        longer = f"{lines[-1]} {piece}".lstrip()
        if width_of(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(piece)
    return [line for line in lines if line]


def _shortened(word: str, width: int) -> str:
    if width_of(word) <= width:
        return word
    head, tail = (width - 1) // 2, width - 1 - (width - 1) // 2
    return f"{word[:head]}…{word[len(word) - tail :]}"
