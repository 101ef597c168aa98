"""stoa unflag."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.judging import TargetsArgument, TextOption, WhereOption, show_written
from stoa.cli.say import JsonOption
from stoa.commands import unflag

app = typer.Typer()


@app.command("unflag")
def unflag_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Only flags with this reason.")] = "",
    text: TextOption = "",
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Clear the open flags of targets."""
    show_written(unflag.unflag(workspace(ctx), targets or (), reason=reason, text=text, where=where), json)
