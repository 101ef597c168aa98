"""Printing: data to stdout, the rest to stderr, nothing that a terminal would obey."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import IO, Any

import msgspec

from stoa.errors import StoaError
from stoa.show.colours import COLOURS, COUNTED, colour_of
from stoa.show.table import GAP, Fitted, Table, fitted, width_of
from stoa.show.words import safe

JSON_SCHEMA = 1
"""Version of the shape of what `--json` prints."""

_ANSI = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}


class _Manner:
    """How this invocation prints; set again by the first callback of each."""

    quiet = False


def hush(quiet: bool) -> None:
    """Print nothing but errors and JSON, or everything again."""
    _Manner.quiet = quiet


def is_quiet() -> bool:
    """Whether nothing but errors and JSON is to be printed."""
    return _Manner.quiet


def out(text: object = "") -> None:
    """Print data; on a terminal the counts of statuses have colours."""
    if not _Manner.quiet:
        words = safe(text)
        print(COUNTED.sub(_painted_count, words) if has_colours(sys.stdout) else words)


def write(text: str) -> None:
    """Print a text as it is but for what a terminal would obey, without a line end of its own."""
    if not _Manner.quiet:
        sys.stdout.write(safe(text))


def tell(text: object = "") -> None:
    """Print what is not data, after what was printed before it where both go to one file."""
    if not _Manner.quiet:
        _to_stderr(text)


def fail(problem: StoaError) -> None:
    """Show an error and its hint, also when only errors are to be printed."""
    _to_stderr(f"error: {problem.message}")
    if problem.hint:
        _to_stderr(f"hint: {problem.hint}")


def _to_stderr(text: object) -> None:
    sys.stdout.flush()
    print(safe(text), file=sys.stderr, flush=True)


def as_json(value: Any, several: str = "") -> None:
    """Print a value as one JSON document: an object whose first key is `schema`.

    Parameters
    ----------
    several
        The key for a list; a value that is not a list has its own keys.
    """
    found = msgspec.to_builtins(value, str_keys=True)
    body = {several: found} if several else {key: field for key, field in found.items() if key != "schema"}
    text = msgspec.json.format(msgspec.json.encode({"schema": JSON_SCHEMA, **body}), indent=2).decode()
    sys.stdout.write(text + "\n")


def table(made: Table) -> None:
    """Print a table, fitted to the width of a terminal; elsewhere nothing is cut, so that it can be piped."""
    if _Manner.quiet:
        return
    terminal = sys.stdout.isatty()
    shape = fitted(made, shutil.get_terminal_size().columns if terminal else None)
    colours = has_colours(sys.stdout)
    print(_line([column.heading for column in shape.columns], shape, "bold" if colours else ""))
    for row in shape.rows:
        for cells in row:
            print(_line(cells, shape, "", colours=colours))
    if shape.left_out:
        tell(f"not enough room for: {', '.join(shape.left_out)} (--json has everything)")


def _line(cells: tuple[str, ...] | list[str], shape: Fitted, style: str, *, colours: bool = False) -> str:
    padded = []
    for cell, width, column in zip(cells, shape.widths, shape.columns, strict=True):
        blanks = " " * (width - width_of(cell))
        text = painted(cell, style or (colour_of(cell) if colours else ""))
        padded.append(blanks + text if column.right else text + blanks)
    return (" " * GAP).join(padded).rstrip()


def has_colours(stream: IO[str]) -> bool:
    """Whether a stream is a terminal whose user wants colours (no-color.org: NO_COLOR is set and not empty)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: str) -> str:
    """A text in a colour of the terminal; "" changes nothing."""
    codes = ";".join(_ANSI[name] for name in colour.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if codes else text


def _painted_count(found: re.Match[str]) -> str:
    return painted(found[0], COLOURS[found[1]])
