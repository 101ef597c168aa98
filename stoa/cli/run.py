"""stoa run."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    AllOption,
    ChainArgument,
    DryOption,
    EngineOption,
    EnvOption,
    FailedOption,
    FlaggedOption,
    ForceOption,
    JobTagOption,
    JsonOption,
    LikeOption,
    NewOption,
    ParamsOption,
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
from stoa.cli.say import tell
from stoa.commands import plan, run
from stoa.control import Control
from stoa.request import Request, Selection
from stoa.runs.requested import stages_of
from stoa.runs.sweep import sets_of, settings_of
from stoa.show.plans import chain_tree
from stoa.workspace.selections import for_jobs

app = new_app()


@verb(
    app, "run",
    "stoa run sep -j 4",
    "stoa run sep@deep --new --stale",
    "stoa run sep --set snr=3,5,7 --target 'A001_*'",
    "stoa run sep --canary 20",
    "stoa run sep@deep -m 'the referee asks for fainter sources'",
    "stoa run --all --dry-run",
    aliases={"--sets": "--set-from"},
)  # fmt: skip
def run_command(
    ctx: typer.Context,
    process: ChainArgument = "",
    params: ParamsOption = "",
    settings: SetOption = None,
    sets: SetsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    tags: JobTagOption = None,
    select: SelectOption = None,
    chain: AllOption = False,
    new: NewOption = False,
    stale: StaleOption = False,
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    like: LikeOption = "",
    force: ForceOption = False,
    few: Annotated[
        int | None,
        typer.Option(
            "--canary", metavar="N", min=1,
            help="Run only this many jobs, sampled from every kind of target, and estimate the rest from them.",
        ),
    ] = None,
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    message: Annotated[
        str, typer.Option("--message", "-m", metavar="TEXT", help="Why this run, in words; kept with the run.")
    ] = "",
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Run a process over targets and commit one outcome for each.

    By default this runs new and stale targets. Jobs that are up to date do not run, and neither do jobs that failed
    with the same definitions; --failed, or `stoa rerun --failed`, runs those again.

    Ctrl-C once: running jobs may end, no further ones start. Ctrl-C twice: running jobs are stopped. All that ended is
    committed. The exit code is 3 if some jobs did not succeed.
    """
    if not process and not chain:
        raise typer.BadParameter("name a process, or give --all for every process in order", param_hint="PROCESS")
    ws = workspace(ctx)
    where, carried = for_jobs(ws, where, tags or (), select or ())
    request = Request(
        process=process, params=params, environment=env or None, settings=settings_of(settings or []),
        sets=sets_of(sets), chain=chain, canary=few or 0, engine=engine, workers=workers,
        asked=("stoa", *sys.argv[1:]), message=message,
        selection=Selection(
            targets=tuple(target or ()), where=where, tags=carried, new=new, stale=stale, failed=failed,
            flagged=flagged, like=like, force=force,
        ),
    )  # fmt: skip
    if dry_run:
        ws.ready()
        print_plans(ws, plan.plan(ws, request), workers, json)
        return
    if chain and not json:
        tell(chain_tree(stages_of(ws, request), {}))
    control = Control()
    play(ws, run.run(ws, request, control), control, json=json)
