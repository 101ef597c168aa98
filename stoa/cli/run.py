"""stoa run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.options import (
    AllOption,
    ChainArgument,
    DryOption,
    EngineOption,
    EnvOption,
    FailedOption,
    FlaggedOption,
    LikeOption,
    ParamsOption,
    SetOption,
    SetsOption,
    TargetOption,
    WhereOption,
    WorkersOption,
)
from stoa.cli.plan import drawn, show_plans
from stoa.cli.play import play
from stoa.cli.say import JsonOption, QuietOption, tell
from stoa.commands.plan import plan
from stoa.commands.run import run as start
from stoa.control import Control
from stoa.request import Request, Selection
from stoa.runs.requested import stages_of
from stoa.runs.sweep import read_sets, settings_of

app = typer.Typer()


@app.command("run")
def run_command(
    ctx: typer.Context,
    process: ChainArgument = "",
    params: ParamsOption = "",
    settings: SetOption = None,
    sets: SetsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    chain: AllOption = False,
    new: Annotated[bool, typer.Option("--new", help="Targets without an outcome.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Outcomes of other definitions or inputs.")] = False,
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    like: LikeOption = "",
    force: Annotated[bool, typer.Option("--force", help="All, also what is up to date.")] = False,
    few: Annotated[
        int | None,
        typer.Option(
            "--canary", help="Only so many jobs, of every kind of target, and what they say of the rest.", min=1
        ),
    ] = None,
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    dry_run: DryOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a process over targets and commit one outcome each.

    By default new and stale targets run; what is up to date is left alone, and so is what failed with the same
    definitions (--failed, or `stoa rerun --failed`, runs it again). Ctrl-C once lets the jobs that run end, twice
    stops them; everything that ended is committed. Exits with 1 when a job did not end ok.
    """
    request = Request(
        process=process, params=params, environment=env or None, settings=settings_of(settings or []),
        sets=tuple(read_sets(Path(sets))) if sets else (), chain=chain, canary=few or 0, engine=engine, workers=workers,
        asked=("stoa", *sys.argv[1:]),
        selection=Selection(
            targets=tuple(target or ()), where=where, new=new, stale=stale, failed=failed, flagged=flagged, like=like,
            force=force,
        ),
    )  # fmt: skip
    if not process and not chain:
        raise typer.BadParameter("name a process, or say --all for every process in order", param_hint="PROCESS")
    ws = workspace(ctx)
    if dry_run:
        ws.ready()
        show_plans(ws, plan(ws, request), workers, json)
        return
    if chain and not quiet and not json:
        tell(drawn(stages_of(ws, request), {}))
    control = Control()
    play(start(ws, request, control), control, quiet=quiet, json=json)
