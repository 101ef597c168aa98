"""stoa collect."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import SOME_NOT_OK, new_app, verb
from stoa.cli.options import JsonOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands import collect
from stoa.model import BAD
from stoa.show.stopping import collected_in_words

app = new_app()


@verb(app, "collect", "stoa collect", "stoa collect last --wait")
def collect_command(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run on a cluster (default: all of them).")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all jobs have ended.")] = False,
    json: JsonOption = False,
) -> None:
    """Commit the outcomes of runs on a cluster.

    Every other command does this too, at most once a minute. A run is over when all of its jobs have ended or are lost.
    The exit code is 3 if a run is over and some of its jobs did not succeed.
    """

    def show(one: collect.Collected) -> None:
        if not json:
            tell(collected_in_words(one))

    found = collect.collect(workspace(ctx), run, wait=show if wait else None)
    if json:
        as_json(found, several="runs")
    else:
        for one in found:
            out(collected_in_words(one))
        if not found:
            tell("no jobs are on a cluster")
    if any(one.over and any(status in BAD for status in one.counts) for one in found):
        raise typer.Exit(SOME_NOT_OK)
