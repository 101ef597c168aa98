"""stoa rerun."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    DryOption,
    EngineOption,
    EnvOption,
    FailedOption,
    FlaggedOption,
    JobTagOption,
    JsonOption,
    LikeOption,
    NewOption,
    RunArgument,
    SelectOption,
    SetOption,
    SetsOption,
    StaleOption,
    TargetOption,
    WhereOption,
    WorkersOption,
    workspace,
)
from stoa.cli.plan import print_plans
from stoa.cli.play import play
from stoa.commands import rerun
from stoa.control import Control
from stoa.request import Request, Selection
from stoa.runs.sweep import sets_of, settings_of
from stoa.workspace.selections import for_jobs

app = new_app()


@verb(
    app, "rerun",
    "stoa rerun --failed",
    "stoa rerun sep@default --failed --flagged --params deep",
    "stoa rerun last --like 'no beam' --dry-run",
    aliases={"--sets": "--set-from"},
)  # fmt: skip
def rerun_command(
    ctx: typer.Context,
    source: RunArgument = "last",
    params: Annotated[
        str, typer.Option("--params", "-p", metavar="SET", help="Parameter set (default: that of the run).")
    ] = "",
    settings: SetOption = None,
    sets: SetsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    tags: JobTagOption = None,
    select: SelectOption = None,
    new: NewOption = False,
    stale: StaleOption = False,
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    like: LikeOption = "",
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    message: Annotated[
        str, typer.Option("--message", "-m", metavar="TEXT", help="Why this run, in words; kept with the run.")
    ] = "",
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:
    """Run the jobs of a run again with the present definitions: all of them, or those that failed or are flagged.

    Values and environment from the command line of that run are used again. The exit code is 3 if some jobs did not
    succeed.
    """
    ws = workspace(ctx)
    where, carried = for_jobs(ws, where, tags or (), select or ())
    request = Request(
        source=source, params=params, environment=env or None, settings=settings_of(settings or []),
        sets=sets_of(sets), engine=engine, workers=workers, asked=("stoa", *sys.argv[1:]), message=message,
        selection=Selection(
            targets=tuple(target or ()), where=where, tags=carried, new=new, stale=stale, failed=failed,
            flagged=flagged, like=like,
        ),
    )  # fmt: skip
    if dry_run:
        ws.ready()
        print_plans(ws, [each for each, _ in rerun.plans_again(ws, request)], workers, json)
        return
    control = Control()
    play(ws, rerun.rerun(ws, request, control), control, json=json)
