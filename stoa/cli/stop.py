"""stoa stop."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, workspace
from stoa.cli.say import as_json, out
from stoa.commands import stop
from stoa.show.stopping import stop_in_words

app = new_app()


@verb(app, "stop", "stoa stop", "stoa stop last --now", "stoa stop 20261122T103000 --forget")
def stop_command(
    ctx: typer.Context,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Live run, `last` for the latest; optional if there is only one.")
    ] = "",
    now: Annotated[bool, typer.Option("--now", help="Also stop the jobs that are running.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Give up a run of a machine that is gone for good.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop a live run. No further jobs start, and running jobs end by themselves unless --now is given.

    If STOA was killed, this ends the jobs it left running.
    """
    report = stop.stop(workspace(ctx), run, at_once=now, forget=forget)
    if json:
        as_json(report)
    else:
        out(stop_in_words(report))
