"""stoa log."""

from __future__ import annotations

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import GroupOption, JsonOption, OneTargetArgument, RunOption, workspace
from stoa.cli.say import as_json, tell, write
from stoa.commands import log
from stoa.show.words import one_line

app = new_app()


@verb(app, "log", "stoa log A001_X121_X28b", "stoa log A001_X121_X28b --run sep@deep")
def log_command(
    ctx: typer.Context,
    target: OneTargetArgument,
    run: RunOption = "",
    group: GroupOption = "",
    json: JsonOption = False,
) -> None:
    """Print the log of a target: what the script printed in its latest run.

    This is the full log if the products are on this machine, otherwise its first and last lines. If the target has
    several image groups, the log is that of one that did not succeed.
    """
    view = log.read_log(workspace(ctx), target, run, group)
    if json:
        as_json(view)
        return
    if view.message:
        tell(f"run {view.run}: {one_line(view.message)}")
    if not view.text:
        tell(f"{f'{target} {view.group}'.rstrip()} printed nothing in run {view.run} ({view.status})")
    write(view.text if view.text.endswith("\n") or not view.text else view.text + "\n")
