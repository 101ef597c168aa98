"""stoa runs."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, table, tell
from stoa.cli.shared import MOST
from stoa.show.runs import state_in_words
from stoa.show.words import counts_in_words, duration
from stoa.workspace import listing

app = typer.Typer()


@app.command("runs")
def runs_command(
    ctx: typer.Context,
    last: Annotated[int, typer.Option("--last", "-n", help="So many, the latest.", min=1)] = MOST,
    json: JsonOption = False,
) -> None:
    """List the runs, the latest last."""
    rows = listing.list_runs(workspace(ctx))[-last:]
    if json:
        as_json(rows)
        return
    if not rows:
        tell("nothing has run yet: `stoa run PROCESS`")
        return
    table(
        ("run", "process", "set", "state", "jobs", "outcomes", "took", "by"),
        [
            (r.run, r.process, r.params, state_in_words(r), r.jobs, counts_in_words(r.counts),
             duration(r.duration_s) if r.duration_s is not None else "", r.author)
            for r in rows
        ],
        right=("jobs",),
    )  # fmt: skip
