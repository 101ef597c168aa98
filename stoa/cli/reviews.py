"""stoa reviews."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, workspace
from stoa.cli.say import as_json, table, tell
from stoa.cli.shared import print_contradictions
from stoa.commands import reviews
from stoa.show.reviews import flags_table, reviews_table

app = new_app()


@verb(app, "reviews", "stoa reviews", "stoa reviews A001_X121_X28b", "stoa reviews --flags")
def reviews_command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TARGET|RUN", help="Only reviews of this target or run.")] = "",
    flags_only: Annotated[bool, typer.Option("--flags", help="Only open flags.")] = False,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """List flags, clearings and comments in the order in which they were made."""
    report = reviews.reviews(workspace(ctx, at), name)
    if json:
        as_json(report.flags if flags_only else report.reviews, several="flags" if flags_only else "reviews")
        return
    if flags_only and report.flags:
        table(flags_table(report.flags))
    elif flags_only:
        tell("no flag is open")
    elif report.reviews:
        table(reviews_table(report.reviews))
    else:
        tell("no flags or comments yet: `stoa flag TARGET`, `stoa comment TARGET -m TEXT`")
        return
    print_contradictions(report.contradictions)
