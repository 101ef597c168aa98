"""stoa comment."""

from __future__ import annotations

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import GroupOption, JsonOption, MessageOption, RunOption, TargetsArgument, WhereOption, workspace
from stoa.cli.say import print_written
from stoa.commands import comment

app = new_app()


@verb(
    app, "comment",
    "stoa comment A001_X121_X28b -m 'asked for a new delivery'",
    "stoa comment --run last -m 'with the new primary beams'",
)  # fmt: skip
def comment_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    text: MessageOption = "",
    run: RunOption = "",
    group: GroupOption = "",
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Comment on targets, on outcomes, or on a run.

    With targets and --run, the comment is about the outcomes of these targets in that run. With --run alone, it is
    about the run as a whole.
    """
    print_written(comment.comment(workspace(ctx), targets or (), text=text, run=run, group=group, where=where), json)
