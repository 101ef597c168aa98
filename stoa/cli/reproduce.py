"""stoa reproduce."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.options import WorkersOption
from stoa.cli.say import JsonOption, QuietOption, as_json, out, tell
from stoa.commands.reproduce import Reproduced
from stoa.commands.reproduce import reproduce as reproduce_run
from stoa.show.words import one_line

app = typer.Typer()


@app.command("reproduce")
def reproduce_command(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A run, or PROCESS@SET.")] = "last",
    targets: Annotated[list[str] | None, typer.Argument(help="Targets or globs; by default all of the run.")] = None,
    workers: WorkersOption = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the new products, also where they are the same.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a run's jobs again from the definitions that it froze, and say whether the same comes out.

    Nothing is recorded. New products that differ are kept below the products root, in .reproduced, to be looked at.
    Exits with 1 when a product or result differs beyond its declared tolerance, or a job could not be run again.
    """

    def show(one: Reproduced) -> None:
        if one.verdict in ("different", "not run"):
            out(f"{one.target} {one.group}".rstrip() + f": {one.verdict}: {one_line('; '.join(one.words))}")

    report = reproduce_run(
        workspace(ctx), source, targets or (), workers=workers, keep=keep,
        seen=(lambda _one: None) if json or quiet else show,
    )  # fmt: skip
    if json:
        as_json(report)
    elif not quiet:
        for note in report.notes:
            out(f"not as it was: {one_line(note)}")
        words = ", ".join(f"{number} {verdict}" for verdict, number in sorted(report.counts.items()))
        out(f"reproduced {report.run}, {report.process} @ {report.params}: {words or 'no job'}")
        if places := [one.place for one in report.jobs if one.place]:
            tell(f"new products: {places[0]}" + (f" and {len(places) - 1} more" if len(places) > 1 else ""))
    if not report.succeeded:
        raise typer.Exit(1)
