"""stoa rerun."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.options import (
    DryOption,
    EngineOption,
    EnvOption,
    FailedOption,
    FlaggedOption,
    LikeOption,
    SetOption,
    SetsOption,
    TargetOption,
    WhereOption,
    WorkersOption,
)
from stoa.cli.plan import show_plans
from stoa.cli.play import play
from stoa.cli.say import JsonOption, QuietOption
from stoa.commands.rerun import plans_again
from stoa.commands.rerun import rerun as again
from stoa.control import Control
from stoa.request import Request, Selection
from stoa.runs.sweep import read_sets, settings_of

app = typer.Typer()


@app.command("rerun")
def rerun_command(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A run, or PROCESS@SET.")] = "last",
    params: Annotated[str, typer.Option("--params", "-p", help="Parameter set instead of the run's own.")] = "",
    settings: SetOption = None,
    sets: SetsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    like: LikeOption = "",
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    dry_run: DryOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run again what a run did, or what of it failed or is flagged, with the present definitions.

    Values and an environment that the run was given on its command line are taken over.
    """
    request = Request(
        source=source, params=params, environment=env or None, settings=settings_of(settings or []),
        sets=tuple(read_sets(Path(sets))) if sets else (), engine=engine, workers=workers,
        asked=("stoa", *sys.argv[1:]),
        selection=Selection(targets=tuple(target or ()), where=where, failed=failed, flagged=flagged, like=like),
    )  # fmt: skip
    ws = workspace(ctx)
    if dry_run:
        ws.ready()
        show_plans(ws, [each for each, _ in plans_again(ws, request)], workers, json)
        return
    control = Control()
    play(again(ws, request, control), control, quiet=quiet, json=json)
