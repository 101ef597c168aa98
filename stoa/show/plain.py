"""What a notebook shows, as lines for a terminal that draws no HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

from stoa.show.table import GAP, Column, Fitted, fitted, table, width_of


def plain_text(html: str, width: int) -> str:
    """Our own HTML without its tags: paragraphs as lines, tables in columns that fit a width."""
    reader = _Reader(width)
    reader.feed(html)
    reader.close()
    return "\n".join(reader.lines)


class _Reader(HTMLParser):
    """Lines of what was read so far."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._width = width
        self._words = ""
        self._headings: list[str] = []
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._rows.append([])
        if tag != "br":
            self._words = ""

    def handle_data(self, data: str) -> None:
        self._words += data

    def handle_endtag(self, tag: str) -> None:
        words, self._words = self._words, "" if tag in ("p", "pre", "th", "td", "style", "caption") else self._words
        if tag == "p":
            self.lines.append(" ".join(words.split()))
        elif tag == "pre":
            self.lines += words.splitlines()
        elif tag == "th":
            self._headings.append(words)
        elif tag == "td":
            self._rows[-1].append(words)
        elif tag == "table":
            self.lines += _drawn(self._headings, [row for row in self._rows if row], self._width)
            self._headings, self._rows = [], []


def _drawn(headings: list[str], rows: list[list[str]], width: int) -> Iterator[str]:
    """Lines of a table; a column with blanks in it may be wrapped, so that names stay whole."""
    columns = [Column(heading, text=any(" " in row[n] for row in rows)) for n, heading in enumerate(headings)]
    shape = fitted(table(columns, rows), width)
    yield _line(headings, shape)
    for row in shape.rows:
        yield from (_line(cells, shape) for cells in row)


def _line(cells: list[str] | tuple[str, ...], shape: Fitted) -> str:
    padded = (cell + " " * (width - width_of(cell)) for cell, width in zip(cells, shape.widths, strict=True))
    return (" " * GAP).join(padded).rstrip()
