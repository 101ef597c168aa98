"""stoa why."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.options import EnvOption, ParamsOption, ProcessArgument
from stoa.cli.plan import reason_words
from stoa.cli.say import JsonOption, as_json, out
from stoa.commands import why
from stoa.workspace.names import asked_pair

app = typer.Typer()


@app.command("why")
def why_command(
    ctx: typer.Context,
    process: ProcessArgument,
    target: Annotated[str, typer.Argument(help="A target.")],
    params: ParamsOption = "",
    env: EnvOption = "",
    json: JsonOption = False,
) -> None:
    """Say why a target would run or is left alone."""
    ws = workspace(ctx)
    process, params, env = asked_pair(ws, process, params, env)
    jobs = why.why(ws, process, target, params, env or None)
    if json:
        as_json(jobs)
        return
    for job in jobs:
        verb = "is blocked" if job.ends_blocked else "runs" if job.runs else "is left alone"
        out(f"{job.target} {job.group}".rstrip() + f": {verb}, {reason_words(job)}")
