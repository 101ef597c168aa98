"""query."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, table, tell
from stoa.commands.query import Answer
from stoa.commands.query import query as ask
from stoa.csvcells import guarded
from stoa.show.words import count, safe

app = typer.Typer()


@app.callback()
def _group() -> None:
    """Asking."""


@app.command("query")
def query_command(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(help="A SELECT; - reads it from standard input.", metavar="SQL")],
    json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values with a line of names.")] = False,
) -> None:
    """Ask the index in SQL: runs, outcomes, latest, results, reviews, open_flags, metadata.

    It reads and never writes. For example: stoa query "SELECT status, count(*) FROM latest GROUP BY status".
    docs/index-schema.md describes the tables.
    """
    if json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    answer = ask(workspace(ctx), sys.stdin.read() if sql == "-" else sql)
    if json:
        as_json(answer)
    elif as_csv:
        _print_csv(answer)
    else:
        table(answer.columns, [[_shown(value) for value in row] for row in answer.rows], right=_numeric(answer))
        tell(count(len(answer.rows), "row"))


def _print_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([guarded(name) for name in answer.columns])
    shown = safe if sys.stdout.isatty() else str  # a terminal would obey what a file keeps
    for row in answer.rows:
        cells = (_shown(value) for value in row)
        writer.writerow([guarded(shown(cell)) if isinstance(cell, str) else shown(cell) for cell in cells])


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return f"({len(value)} bytes)" if isinstance(value, bytes) else value


def _numeric(answer: Answer) -> list[str]:
    """Names of the columns that hold numbers alone."""
    return [
        name for place, name in enumerate(answer.columns) if answer.rows and _numbers(row[place] for row in answer.rows)
    ]


def _numbers(values: Iterable[Any]) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values)
