"""stoa comment."""

from __future__ import annotations

from pathlib import Path
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
from stoa.commands import comment

app = new_app()


@verb(
    app, "comment",
    "stoa comment A001_X121_X28b -m 'asked for a new delivery'",
    "stoa comment A001_X121_X28b -m 'a second source here?' --picture cutout.png",
    "stoa comment --reply-to last -m 'a side lobe of the beam'",
    "stoa comment --run last -m 'with the new primary beams'",
)  # fmt: skip
def comment_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    text: MessageOption = "",
    run: RunOption = "",
    group: GroupOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="PNG or JPEG of at most 64 kB, kept in git.")
    ] = None,
    reply_to: Annotated[
        str,
        typer.Option(
            "--reply-to", metavar="COMMENT", help="Comment to answer: its id, the start of its id, or `last`."
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Comment on targets, on outcomes, or on a run.

    With targets and --run, the comment is about the outcomes of these targets in that run. With --run alone, it is
    about the run as a whole. A reply is about what its comment is about.
    """
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    report = comment.comment(
        ws, targets or (), text=text, run=run, group=group, where=where, picture=picture, reply_to=reply_to
    )
    print_written(report, json)
