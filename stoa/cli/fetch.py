"""stoa fetch."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, OnlyOutputOption, workspace
from stoa.cli.shared import moving, print_fetched
from stoa.commands import fetch

app = new_app()


@verb(app, "fetch", "stoa fetch", "stoa fetch A001_X121_X28b", "stoa fetch clean@deep --output cube")
def fetch_command(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="TARGET|RUN", help="Target, run or PROCESS@SET; without one: all current outcomes."),
    ] = "",
    output: OnlyOutputOption = "",
    json: JsonOption = False,
) -> None:
    """Fetch large products from the store of the project.

    They go into .stoa/cache, and every command reads them from there. Each is compared with the checksum in its
    record. The same command continues after an interruption. `stoa vo fetch` is different: it downloads the files of
    an observation log from a data centre. The exit code is 1 if a product did not come.
    """
    with moving(json) as progress:
        report = fetch.fetch(workspace(ctx), source, output, progress)
    print_fetched(report, json=json)
    if report.problems or report.absent:
        raise typer.Exit(1)
