"""stoa step."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    JsonOption,
    MessageOption,
    SelectOption,
    StepArgument,
    TagOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.shared import print_written
from stoa.commands import step

app = new_app()


@verb(
    app, "step",
    "stoa step A001_X121_X28b weblog done -m 'two antennas flagged'",
    "stoa step --where \"object LIKE 'AGN%'\" continuum not-needed",
)  # fmt: skip
def step_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    name: StepArgument = "",
    state: Annotated[
        str,
        typer.Argument(metavar="done|not-needed|undone", help="New state of the step; the last one recorded counts."),
    ] = "",
    text: MessageOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    json: JsonOption = False,
) -> None:
    """Record a step of the review of targets, as one commit.

    The steps are those of the section `steps` of .stoa/config.yaml. `stoa todo` lists the open ones.
    """
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    print_written(step.step(ws, targets or (), step=name, state=state, text=text, where=where), json)
