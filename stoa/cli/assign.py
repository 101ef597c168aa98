"""stoa assign."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    JsonOption,
    MessageOption,
    SelectOption,
    StepOption,
    TagOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.shared import print_written
from stoa.commands import assign

app = new_app()


@verb(
    app, "assign",
    "stoa assign A001_X121_X28b me",
    "stoa assign 'A001_*' ada@example.org --step weblog",
    "stoa assign --where flagged nobody",
)  # fmt: skip
def assign_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="Name or address of a person, `me`, or `nobody`.")
    ] = "",
    step: StepOption = "",
    text: MessageOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    json: JsonOption = False,
) -> None:
    """Assign targets to a person, as one commit. Of several assignments the last one counts."""
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    report = assign.assign(ws, targets or (), person=person, step=step, text=text, where=where)
    print_written(report, json)
