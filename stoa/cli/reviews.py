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
from stoa.show.runs import some
from stoa.show.samples import FEW, agreement_table
from stoa.workspace.verdicts import Kappa

app = new_app()


@verb(app, "reviews", "stoa reviews", "stoa reviews A001_X121_X28b", "stoa reviews --flags", "stoa reviews --agreement")
def reviews_command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TARGET|RUN", help="Only reviews of this target or run.")] = "",
    flags_only: Annotated[bool, typer.Option("--flags", help="Only open flags.")] = False,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="How far people agree on each reason: Cohen's kappa and its error.")
    ] = False,
    sample: Annotated[
        str, typer.Option("--sample", metavar="SAMPLE", help="With --agreement: only targets of this sample.")
    ] = "",
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """List flags, clearings, comments, steps and tags in the order in which they were made.

    --agreement compares the first verdicts of each two people on targets that both have judged: `stoa flag`, or
    `stoa review pass`. `stoa review draw` makes a sample for this.
    """
    ws = workspace(ctx, at)
    if agreement:
        if name or flags_only:
            raise typer.BadParameter("--agreement is about all targets, or those of --sample", param_hint="--agreement")
        _print_agreement(reviews.agreed(ws, sample), json)
        return
    if sample:
        raise typer.BadParameter("--sample goes with --agreement", param_hint="--sample")
    report = reviews.reviews(ws, name)
    if report.hidden:
        tell(f"hidden until you have judged: {some(report.hidden, 5)} (a blind sample; `stoa review list`)")
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


def _print_agreement(found: list[Kappa], json: bool) -> None:
    if json:
        as_json(found, several="agreement")
        return
    if not found:
        tell("no two people have judged the same target: `stoa review draw N --to PERSON` asks for a second look")
        return
    table(agreement_table(found))
    if min(each.targets for each in found) < FEW:
        tell(f"with fewer than {FEW} targets the error of kappa is too small")
