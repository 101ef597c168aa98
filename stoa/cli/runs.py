"""stoa runs."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, workspace
from stoa.cli.say import as_json, table, tell
from stoa.cli.shared import MOST
from stoa.commands import runs
from stoa.show.runs import runs_table
from stoa.workspace.names import asked_pair

app = new_app()


@verb(app, "runs", "stoa runs", "stoa runs sep@deep", "stoa runs --tag 'paper I'", "stoa runs -n 3 --json")
def runs_command(
    ctx: typer.Context,
    process: Annotated[
        str,
        typer.Argument(metavar="PROCESS[@SET]", help="Only runs of this process (and this set)."),
    ] = "",
    params: Annotated[str, typer.Option("--params", "-p", metavar="SET", help="Only runs with this set.")] = "",
    env: Annotated[str, typer.Option("--env", metavar="ENV", help="Only runs in this environment.")] = "",
    last: Annotated[
        int, typer.Option("--last", "-n", metavar="N", min=1, help="How many of the latest runs to list.")
    ] = MOST,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Only runs with this tag. Can be repeated.")
    ] = None,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """List the runs, the latest one at the end."""
    ws = workspace(ctx, at)
    rows = runs.runs(ws, *asked_pair(ws, process, params, env, ""), last, tags or ())
    if json:
        as_json(rows, several="runs")
    elif rows:
        table(runs_table(rows))
    else:
        tell(f"no run of {process} yet: `stoa run {process}`" if process else "no run yet: `stoa run PROCESS`")
