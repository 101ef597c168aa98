"""plan, why, run, rerun, stop."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.chosen import made_plans, stages_of
from stoa.cli.context import workspace
from stoa.cli.options import (
    AllOption,
    ChainArgument,
    DryOption,
    EngineOption,
    EnvOption,
    FailedOption,
    FlaggedOption,
    ParamsOption,
    SetOption,
    SetsOption,
    TargetOption,
    WhereOption,
    WorkersOption,
)
from stoa.cli.plan import drawn, show_plans
from stoa.cli.play import play_all
from stoa.cli.say import JsonOption, QuietOption, tell
from stoa.commands.run import check_engine
from stoa.request import Selection
from stoa.runs.canary import canary as choose_few

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
    check_engine(engine)
    ws = workspace(ctx)
    ws.ready()
    selection = Selection(
        targets=tuple(target or ()), where=where, new=new, stale=stale, failed=failed, flagged=flagged, force=force
    )

    stages = stages_of(ws, process, params, [*(settings or []), *filter(None, [sets])], env, chain=chain)
    made = made_plans(ws, stages, settings, sets, env, selection)
    if few:
        made = (choose_few(ws, each, few) for each in made)
    if dry_run:
        show_plans(ws, list(made), workers, json)
        return
    if chain and not quiet and not json:
        tell(drawn(stages, {}))
    play_all(ws, ((each, "") for each in made), workers, engine, quiet=quiet, json=json)
