"""stoa todo."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, StepOption, workspace
from stoa.cli.say import as_json, out, table, tell
from stoa.commands import todo
from stoa.show.steps import step_lines, todo_table

app = new_app()


@verb(
    app,
    "todo",
    "stoa todo",
    "stoa todo --unassigned --step weblog",
    "stoa todo ada@example.org",
    "stoa todo --disputed",
)
def todo_command(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Name or address; by default you.")] = "",
    step: StepOption = "",
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Open steps that are not assigned.")] = False,
    disputed: Annotated[
        bool, typer.Option("--disputed", help="Steps and targets that two people have judged differently.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="All open steps.")] = False,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """List the open steps of a review and the second looks to give: yours, those of another person, or all."""
    report = todo.todo(workspace(ctx, at), person, step=step, unassigned=unassigned, disputed=disputed, every=every)
    if json:
        as_json(report)
        return
    if report.items:
        table(todo_table(report.items))
    else:
        tell(
            "no steps and no verdicts are disputed"
            if disputed
            else "nothing to do; `stoa todo --unassigned` lists open steps that are not assigned"
        )
    for line in step_lines(report.steps):
        out(line)
