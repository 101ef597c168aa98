"""stoa flag."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    GroupOption,
    JsonOption,
    MessageOption,
    RunOption,
    SelectOption,
    TagOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.shared import print_written
from stoa.commands import flag

app = new_app()


@verb(
    app, "flag",
    "stoa flag A001_X121_X28b --reason artefacts -m 'stripes across the field'",
    "stoa flag --where 'freq_ghz > 400' --reason check",
)  # fmt: skip
def flag_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="REASON", help="Reason code of .stoa/config.yaml.")
    ] = "check",
    text: MessageOption = "",
    run: RunOption = "",
    group: GroupOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    json: JsonOption = False,
) -> None:
    """Flag targets with a reason.

    A flag is open until `stoa unflag` clears it. With --run it is about the outcomes of that run.
    """
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    print_written(flag.flag(ws, targets or (), reason=reason, text=text, run=run, group=group, where=where), json)
