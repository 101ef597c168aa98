"""stoa status."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, ProcessOption, workspace
from stoa.cli.say import as_json, out, table, tell
from stoa.cli.shared import print_causes, print_disagreements
from stoa.commands import status
from stoa.show.status import flag_lines, headline, live_lines, pair_lines, states_table, trouble_lines
from stoa.show.steps import steps_lines
from stoa.workspace.names import asked_pair

app = new_app()


@verb(
    app, "status", "stoa status", "stoa status sep@deep --targets", "stoa status --tag 'paper I'", "stoa status --json"
)
def status_command(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="PROCESS[@SET]", help="Only this process, or this process with this set.")
    ] = "",
    process: ProcessOption = "",
    params: Annotated[str, typer.Option("--params", "-p", metavar="SET", help="Only this parameter set.")] = "",
    env: Annotated[str, typer.Option("--env", metavar="ENV", help="Only this environment.")] = "",
    look: Annotated[
        bool, typer.Option("--look", help="Check all inputs for changes, even if that takes longer than 0.5 s.")
    ] = False,
    targets: Annotated[bool, typer.Option("--targets", help="List every target.")] = False,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Only pairs (process and set) with this tag. Can be repeated."),
    ] = None,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Show the state of the project: failures by cause, flags, stale outcomes, live runs."""
    if name and process:
        raise typer.BadParameter("name the process once: PROCESS[@SET], or --process", param_hint="--process")
    ws = workspace(ctx, at)
    process, params, env = asked_pair(ws, name or process, params, env, "")
    report = status.status(ws, process, params, env, every_target=json or targets, look=look, tags=tags or ())
    if json:
        as_json(report)
        return
    _print(report)
    if targets:
        out()
        table(states_table(report))
    for line in trouble_lines(report):
        tell(line)


def _print(report: status.StatusReport) -> None:
    out(headline(report))
    for run in report.healed:
        tell(f"run {run} was cut off; finished jobs are committed, the others are marked interrupted")
    for line in live_lines(report):
        out(line)
    if report.hindered:
        tell(report.hindered)
    for folder in report.damaged_journals:
        tell(f"a journal was damaged: its readable part is in git, the file is kept in {folder}")
    for one in report.pairs:
        for line in pair_lines(one):
            out(line)
        print_causes(one.causes)
    if not report.pairs:
        tell("no run yet: `stoa run PROCESS`")
    for line in flag_lines(report):
        out(line)
    for line in steps_lines(report.steps):
        out(line)
    print_disagreements(report.disagreements)
