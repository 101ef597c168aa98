"""Printing: data to stdout, the rest to stderr, nothing that a terminal would obey."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import typer

from stoa.errors import StoaError
from stoa.model import Status, Value

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def safe(text: object) -> str:
    """A text whose control characters are visible instead of obeyed; line ends and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in str(text))


def one_line(text: object) -> str:
    """A text on one line, its control characters visible."""
    return safe(text).replace("\n", " ").replace("\t", " ")


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


def number(value: float | None, digits: int = 4) -> str:
    """A number as a person reads it."""
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.{digits}g}"


def shown(value: Value | None) -> str:
    """A parameter's value or a result as a person writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value) if isinstance(value, str) else number(value, 6)


def count(how_many: int, noun: str, plural: str = "") -> str:
    """``1 target``, ``3 targets``."""
    return f"{how_many} {noun if how_many == 1 else plural or noun + 's'}"


def clock(time: str, length: int = 19) -> str:
    """A recorded time for a line or, with a length of 16, a table: ``2026-11-22T10:30:00Z``; Z is UTC."""
    return time[:length] + ("Z" if time.endswith(("Z", "+00:00")) else time[-6:])


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3:05``, ``2:10:00``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def counts_in_words(counts: Mapping[str, int]) -> str:
    """``35 ok, 39 failed``, in the order of the statuses."""
    return ", ".join(f"{counts[status]} {status.value}" for status in Status if counts.get(status)) or "nothing"
