"""stoa rerun."""

from __future__ import annotations

from collections.abc import Iterator
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
    SetOption,
    SetsOption,
    TargetOption,
    WhereOption,
    WorkersOption,
)
from stoa.cli.plan import show_plans
from stoa.cli.play import play_all
from stoa.cli.say import JsonOption, QuietOption
from stoa.commands.rerun import rerun_plan
from stoa.commands.run import check_engine
from stoa.request import Selection
from stoa.runs import planned
from stoa.runs.definitions import resolve_again
from stoa.runs.sweep import settings as all_settings
from stoa.workspace.names import resolve_run, run_of

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
    like: Annotated[str, typer.Option("--like", help="Part of the cause.")] = "",
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    dry_run: DryOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run again what a run did, or what of it failed or is flagged, with the present definitions.

    Values and an environment that the run was given on its command line are taken over.
    """
    check_engine(engine)
    ws = workspace(ctx)
    ws.ready()
    selection = Selection(targets=tuple(target or ()), where=where, failed=failed, flagged=flagged, like=like)
    origin = resolve_run(ws, source)

    launches = all_settings(ws.library.process(origin.process), settings or [], Path(sets) if sets else None)
    former = run_of(ws, origin)
    for chosen in launches:  # a mistake in the last one is named before the first one runs
        resolve_again(ws, former, params or None, chosen, env or None)

    def made() -> Iterator[tuple[planned.Plan, str]]:
        for chosen in launches:
            yield rerun_plan(
                ws, origin.run or source, params=params or None, settings=chosen, environment=env or None,
                selection=selection,
            )  # fmt: skip

    if dry_run:
        show_plans(ws, [each for each, _ in made()], workers, json)
    else:
        play_all(ws, made(), workers, engine, quiet=quiet, json=json)
