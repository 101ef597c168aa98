"""Printing: data to stdout, the rest to stderr, nothing that a terminal would obey."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
import typer

from stoa.errors import StoaError
from stoa.show.words import one_line, safe

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def out(text: object = "") -> None:
    """Print data."""
    print(safe(text))


def tell(text: object = "") -> None:
    """Print what is not data, after what was printed before it where both go to one file."""
    sys.stdout.flush()
    print(safe(text), file=sys.stderr, flush=True)


def fail(problem: StoaError) -> None:
    """Show an error and its hint."""
    tell(f"error: {problem.message}")
    if problem.hint:
        tell(f"hint: {problem.hint}")


def as_json(value: Any) -> None:
    """Print a value as one JSON document."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    sys.stdout.write(text + "\n")


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = (), maybe: Sequence[str] = ()
) -> None:
    """Print rows in columns.

    On a terminal the table is fitted to its width; elsewhere nothing is cut, so that it can be piped.

    Parameters
    ----------
    right
        Headings of columns of numbers.
    maybe
        Headings of columns that are left out when nothing stands in them.
    """
    cells = [[one_line("" if value is None else value) for value in row] for row in rows]
    kept = [n for n, heading in enumerate(headings) if heading not in maybe or any(row[n] for row in cells)]
    headings = [headings[n] for n in kept]
    cells = [[row[n] for n in kept] for row in cells]
    if sys.stdout.isatty():
        _rich_table(headings, cells, right)
        return
    widths = [max(len(row[n]) for row in [list(headings), *cells]) for n in range(len(headings))]
    for row in [list(headings), *cells]:
        padded = [
            text.rjust(width) if heading in right else text.ljust(width)
            for text, width, heading in zip(row, widths, headings, strict=True)
        ]
        print("  ".join(padded).rstrip())


def _rich_table(headings: Sequence[str], cells: list[list[str]], right: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        drawn.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(text, style=STYLES.get(text, "")) for text in row))
    Console().print(drawn)


STYLES = {
    "ok": "green", "failed": "red", "timeout": "red", "killed": "red", "error": "red", "blocked": "yellow",
    "interrupted": "yellow", "skipped": "cyan", "stale": "magenta", "new": "blue", "running": "bold blue",
}  # fmt: skip
