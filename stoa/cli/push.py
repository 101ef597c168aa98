"""stoa push."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, OnlyOutputOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.cli.shared import moving
from stoa.commands import push
from stoa.show.travel import left_lines, moved_line

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
    if json:
        as_json(report)
    else:
        out(moved_line(report, "sent", "were there"))
        for line in left_lines(report, "on this machine"):
            tell(line)
    if report.problems:
        raise typer.Exit(1)
