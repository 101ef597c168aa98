"""stoa push."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, OnlyOutputOption, workspace
from stoa.cli.shared import moving, print_sent
from stoa.commands import push

app = new_app()


@verb(app, "push", "stoa push", "stoa push clean@deep", "stoa push last --output cube")
def push_command(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="TARGET|RUN", help="Target, run or PROCESS@SET; without one: everything.")
    ] = "",
    output: OnlyOutputOption = "",
    json: JsonOption = False,
) -> None:
    """Put large products into the store of the project.

    These are the outputs with `share: remote`. `store` in .stoa/config.yaml names the store. Products that are in the
    store already are not sent again, so the same command continues after an interruption. The exit code is 1 if a
    product is not what its record names.
    """
    with moving(json) as progress:
        report = push.push(workspace(ctx), source, output, progress)
    print_sent(report, json=json)
    if report.problems:
        raise typer.Exit(1)
