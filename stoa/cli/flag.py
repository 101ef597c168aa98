"""stoa flag."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.judging import GroupOption, RunOption, TargetsArgument, TextOption, WhereOption, show_written
from stoa.cli.say import JsonOption
from stoa.commands import flag

app = typer.Typer()


@app.command("flag")
def flag_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason code of .stoa/config.yaml.")] = "check",
    text: TextOption = "",
    run: RunOption = "",
    group: GroupOption = "",
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Flag targets with a reason; the flag is open until it is cleared."""
    show_written(
        flag.flag(workspace(ctx), targets or (), reason=reason, text=text, run=run, group=group, where=where), json
    )
