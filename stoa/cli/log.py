"""stoa log."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, tell
from stoa.commands import log
from stoa.show.words import safe

app = typer.Typer()


@app.command("log")
def log_command(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="A target.")],
    run: Annotated[str, typer.Option("--run", help="A run, or PROCESS@SET; by default the target's latest.")] = "",
    group: Annotated[str, typer.Option("--group", help="Image group.")] = "",
    json: JsonOption = False,
) -> None:
    """Print what the script printed for a target: whole where the products are, else its ends from the record.

    Of several image groups, one that did not end ok comes first.
    """
    view = log.read_log(workspace(ctx), target, run, group)
    if json:
        as_json(view)
        return
    if not view.text:
        tell(f"{f'{target} {view.group}'.rstrip()} printed nothing in run {view.run} ({view.status})")
    sys.stdout.write(safe(view.text) if view.text.endswith("\n") or not view.text else safe(view.text) + "\n")
