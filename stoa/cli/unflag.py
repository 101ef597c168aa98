"""stoa unflag."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    JsonOption,
    MessageOption,
    SelectOption,
    TagOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.shared import print_written
from stoa.commands import unflag

app = new_app()


@verb(app, "unflag", "stoa unflag A001_X121_X28b -m 'gone with the new delivery'", "stoa unflag '*' --reason check")
def unflag_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="REASON", help="Clear only flags with this reason code.")
    ] = "",
    text: MessageOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    json: JsonOption = False,
) -> None:
    """Clear the open flags of targets."""
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    print_written(unflag.unflag(ws, targets or (), reason=reason, text=text, where=where), json)
