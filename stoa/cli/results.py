"""stoa results."""

from __future__ import annotations

import csv
import sys
from typing import Annotated, Any

import typer

from stoa.cli.context import workspace
from stoa.cli.options import EnvOption, ParamsOption
from stoa.cli.say import JsonOption, as_json, table, tell
from stoa.commands.results import FIXED, ResultsTable
from stoa.commands.results import results as get_results
from stoa.csvcells import guarded
from stoa.show.words import count, number, safe

app = typer.Typer()

_SHOWN = ("target", "group", "status")
_RIGHT = ("duration_s", "memory_mb")


@app.command("results")
def results_command(
    ctx: typer.Context,
    process: Annotated[str, typer.Argument(help="A process, PROCESS@SET, or PROCESS@SET+ENV.")],
    params: ParamsOption = "",
    env: EnvOption = "",
    where: Annotated[
        str, typer.Option("--where", help="SQL expression over results, status and metadata: 'rms < 1e-4'.")
    ] = "",
    sort: Annotated[str, typer.Option("--sort", help="Column to sort by; -rms sorts from large to small.")] = "",
    wide: Annotated[bool, typer.Option("--wide", help="Also run, times, memory, cause.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values with a line of names.")] = False,
    json: JsonOption = False,
) -> None:
    """Show what a process reported for each target, from the current outcomes.

    For example: stoa results sep@deep --where 'n_sources > 3' --sort -n_sources.
    """
    if json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    found = get_results(workspace(ctx), process, params, env, where, sort)
    if json:
        as_json(found)
    elif as_csv:
        _print_csv(found)
    else:
        _print_table(found, wide=wide)
        tell(count(len(found.rows), "row"))


def _print_csv(found: ResultsTable) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = (*FIXED, *found.units)
    writer.writerow([guarded(name) for name in names])
    shown = safe if sys.stdout.isatty() else str  # a terminal would obey what a file keeps
    for row in found.rows:
        cells = ("" if row[name] is None else row[name] for name in names)
        writer.writerow([guarded(shown(cell)) if isinstance(cell, str) else cell for cell in cells])


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else number(value)


def _print_table(found: ResultsTable, *, wide: bool) -> None:
    more = [name for name in FIXED if name not in (*_SHOWN, "flags")] if wide else []
    names = [*_SHOWN, *found.units, *more, "flags"]
    headings = [f"{name} [{found.units[name]}]" if found.units.get(name) else name for name in names]
    rows = [[_cell(row[name]) for name in names] for row in found.rows]
    right = [
        heading
        for heading, name in zip(headings, names, strict=True)
        if name in _RIGHT or (name in found.units and all(not isinstance(row[name], str) for row in found.rows))
    ]
    if rows:
        table(headings, rows, right=right, maybe=("group", "flags", "cause"))
