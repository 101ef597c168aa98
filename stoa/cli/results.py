"""stoa results."""

from __future__ import annotations

import csv
import sys
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    AtOption,
    EnvOption,
    JobTagOption,
    JsonOption,
    ParamsOption,
    ProcessArgument,
    SelectOption,
    workspace,
)
from stoa.cli.say import as_json, table, tell
from stoa.commands import results
from stoa.csvcells import guarded
from stoa.show.results import results_table
from stoa.show.words import count, safe
from stoa.workspace.selections import chosen_jobs

app = new_app()


@verb(
    app, "results",
    "stoa results sep@deep",
    "stoa results sep@deep --where 'n_sources > 3' --sort -n_sources",
    "stoa results sep --csv > results.csv",
)  # fmt: skip
def results_command(
    ctx: typer.Context,
    process: ProcessArgument,
    params: ParamsOption = "",
    env: EnvOption = "",
    where: Annotated[
        str,
        typer.Option("--where", metavar="SQL", help="Expression over results, status and metadata: 'rms < 1e-4'."),
    ] = "",
    tags: JobTagOption = None,
    select: SelectOption = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar="COLUMN", help="Column to sort by; -rms sorts from large to small.")
    ] = "",
    wide: Annotated[bool, typer.Option("--wide", help="Also show run, times, memory and cause.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print comma-separated values, with the column names in the first line.")
    ] = False,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Show what a process reported for each target, from the current outcomes."""
    if json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    ws = workspace(ctx, at)
    among = chosen_jobs(ws, tags or (), select or ())
    found = results.results(ws, process, params, env, where, sort, among)
    if json:
        as_json(found)
    elif as_csv:
        _print_csv(found)
    else:
        if found.rows:
            table(results_table(found, wide=wide))
        tell(count(len(found.rows), "row"))


def _print_csv(found: results.ResultsTable) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = (*results.FIXED, *found.units)
    writer.writerow([guarded(name) for name in names])
    shown = safe if sys.stdout.isatty() else str  # a terminal would obey what a file keeps
    for row in found.rows:
        cells = ("" if row[name] is None else row[name] for name in names)
        writer.writerow([guarded(shown(cell)) if isinstance(cell, str) else cell for cell in cells])
