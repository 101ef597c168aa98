"""stoa update."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, WorkersOption, workspace
from stoa.cli.play import end, watch
from stoa.cli.say import as_json, out, tell
from stoa.commands import update
from stoa.control import Control
from stoa.show.updates import left_lines, prepared_lines, shared_words

app = new_app()


@verb(app, "update", "stoa update", "stoa update sep@deep --settled 30m", "stoa update --no-sync -j 4")
def update_command(
    ctx: typer.Context,
    processes: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROCESS...", help="What to run for new targets (default: all pairs that have run)."),
    ] = None,
    settled: Annotated[
        str, typer.Option("--settled", metavar="TIME", help="Leave folders alone that changed within this time.")
    ] = "10m",
    sync: Annotated[
        bool, typer.Option("--sync/--no-sync", help="Fetch and send commits, if there is a remote.")
    ] = True,
    workers: WorkersOption = 0,
    json: JsonOption = False,
) -> None:
    """Do what new data need: add folders, describe them, run processes, sync. For cron.

    Folders come from the patterns that `stoa target add` was given. Folders that still grow are left for the next time,
    and named. Only targets without an outcome run.

    The exit code is 0 if all is done, 1 if something could not be done (what could was), 3 if all was done and some
    jobs did not succeed.
    """
    settled_s = update.seconds_of(settled)
    if settled_s is None:
        raise typer.BadParameter(f"{settled!r} is no time such as 90s, 10m or 2h", param_hint="--settled")
    ws = workspace(ctx)
    prepared = update.prepare(ws, tuple(processes or ()), settled_s=settled_s, sync=sync, workers=workers)
    if not json:
        for line in prepared_lines(prepared):
            out(line)
        for line in left_lines(prepared):
            tell(line)
    control = Control()
    asked = ("stoa", *sys.argv[1:])
    reports, stopped = watch(update.run_new(ws, prepared, workers, control, asked), control, quiet=json)
    report = update.finish(ws, prepared, tuple(reports), sync=sync)
    if json:
        as_json(report)
    elif words := shared_words(report):
        out(words)
    for problem in report.problems:
        tell(problem)
    end(ws, "update", reports, stopped=stopped, problems=report.problems)
