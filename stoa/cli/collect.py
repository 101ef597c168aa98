"""collect."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, QuietOption, as_json, out, tell
from stoa.commands.collect import Collected
from stoa.commands.collect import collect as collect_runs
from stoa.show.words import count, counts_in_words, one_line

app = typer.Typer()


@app.callback()
def _group() -> None:
    """Jobs at a cluster."""


@app.command("collect")
def collect_command(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="A run whose jobs are at a cluster; all of them, if left out.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Stay until all jobs have ended.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Commit what has ended of runs whose jobs are at a cluster.

    Every other command does so too, at most once a minute; this one at once. A run is over when all of its jobs have
    ended or are lost.
    """

    def show(one: Collected) -> None:
        if not (json or quiet):
            tell(_words(one))

    found = collect_runs(workspace(ctx), run, wait=show if wait else None)
    if json:
        as_json(found)
    elif not quiet:
        for one in found:
            out(_words(one))
        if not found:
            tell("no jobs are at a cluster")


def _words(one: Collected) -> str:
    ended = f"run {one.run}: {counts_in_words(one.counts)} of {count(one.jobs, 'job')}"
    if one.over:
        return f"{ended}; it is over and in git"
    rest = f"{count(one.working, 'chunk')} at work, {one.waiting} waiting"
    return f"{ended}; {rest}" + (f" (unknown: {one_line(one.problem)})" if one.problem else "")
