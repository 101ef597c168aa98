"""stoa comment."""

from __future__ import annotations

import typer

from stoa.cli.context import workspace
from stoa.cli.judging import GroupOption, RunOption, TargetsArgument, TextOption, WhereOption, show_written
from stoa.cli.say import JsonOption
from stoa.commands import comment

app = typer.Typer()


@app.command("comment")
def comment_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    text: TextOption = "",
    run: RunOption = "",
    group: GroupOption = "",
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Comment on targets; with --run on their outcomes in it, or without targets on the run as such."""
    show_written(comment.comment(workspace(ctx), targets or (), text=text, run=run, group=group, where=where), json)
