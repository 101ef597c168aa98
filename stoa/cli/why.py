"""stoa why."""

from __future__ import annotations

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import EnvOption, JsonOption, OneTargetArgument, ParamsOption, ProcessArgument, workspace
from stoa.cli.say import as_json, out
from stoa.commands import why
from stoa.show.plans import job_in_words
from stoa.workspace.names import asked_pair

app = new_app()


@verb(app, "why", "stoa why sep A001_X121_X28b", "stoa why sep@deep A001_X121_X28b")
def why_command(
    ctx: typer.Context,
    process: ProcessArgument,
    target: OneTargetArgument,
    params: ParamsOption = "",
    env: EnvOption = "",
    json: JsonOption = False,
) -> None:
    """Show why a target would run or would not."""
    ws = workspace(ctx)
    process, params, env = asked_pair(ws, process, params, env)
    jobs = why.why(ws, process, target, params, env or None)
    if json:
        as_json(jobs, several="jobs")
        return
    for job in jobs:
        out(job_in_words(job))
