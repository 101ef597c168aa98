"""stoa query."""

from __future__ import annotations

import csv
import io
import sys
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, workspace
from stoa.cli.say import as_json, table, tell, write
from stoa.commands import query
from stoa.csvcells import guarded
from stoa.show.answers import answer_table, cell
from stoa.show.words import count

app = new_app()


@verb(
    app, "query",
    "stoa query 'SELECT status, count(*) FROM latest GROUP BY status'",
    "stoa query --csv - < rms.sql > rms.csv",
)  # fmt: skip
def query_command(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A SELECT statement; - reads it from standard input.")],
    at: AtOption = "",
    json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print comma-separated values, with the column names in the first line.")
    ] = False,
) -> None:
    """Query the index in SQL. Its tables: runs, outcomes, latest, results, reviews, open_flags, metadata.

    A query reads and never writes. docs/index-schema.md describes the tables.
    """
    if json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    answer = query.query(workspace(ctx, at), sys.stdin.read() if sql == "-" else sql)
    if json:
        as_json(answer)
    elif as_csv:
        _print_csv(answer)
    else:
        table(answer_table(answer))
        tell(count(len(answer.rows), "row"))


def _print_csv(answer: query.Answer) -> None:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([guarded(name) for name in answer.columns])
    for row in answer.rows:
        cells = (cell(value) for value in row)
        writer.writerow([guarded(text) if isinstance(text, str) else text for text in cells])
    if sys.stdout.isatty():  # a terminal would obey what a file keeps
        write(lines.getvalue())
    else:
        sys.stdout.write(lines.getvalue())
