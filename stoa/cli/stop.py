"""stoa stop."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out
from stoa.commands import stop as stops

app = typer.Typer()


@app.command("stop")
def stop_command(
    ctx: typer.Context,
    run: Annotated[
        str, typer.Argument(help="A live run, `last` for the latest; may be left out when there is one only.")
    ] = "",
    now: Annotated[bool, typer.Option("--now", help="Stop the jobs that run, too.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Give up a run of a machine that is gone for good.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop a run that is under way: jobs that run end by themselves, unless --now.

    Where STOA itself was killed, the jobs that go on without it are ended.
    """
    report = stops.stop(workspace(ctx), run, at_once=now, forget=forget)
    if json:
        as_json(report)
    elif report.at_cluster:
        told = "the jobs that run are ended" if report.at_once else "the jobs that run end by themselves"
        out(f"run {report.run}: what waited is out of the queue, {told}; `stoa collect` says how far it is")
    elif report.in_git:
        pids = ", ".join(str(pid) for pid in report.ended)
        killed = f"ended what still ran of it (pids {pids}); " if pids else ""
        out(f"run {report.run} is over: {killed}what had ended is committed, what ran is marked interrupted")
    else:
        out(f"told run {report.run} to stop" + ("" if report.at_once else "; the jobs that run end by themselves"))
