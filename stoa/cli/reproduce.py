"""stoa reproduce."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import SOME_NOT_OK, new_app, verb
from stoa.cli.options import JsonOption, RunArgument, SelectOption, TagOption, TargetsArgument, WorkersOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands import reproduce
from stoa.show.words import one_line
from stoa.workspace.selections import picked

app = new_app()


@verb(
    app, "reproduce",
    "stoa reproduce last",
    "stoa reproduce sep@deep 'A001_*' -j 4",
    aliases={"--keep": "--keep-products"},
)  # fmt: skip
def reproduce_command(
    ctx: typer.Context,
    source: RunArgument = "last",
    targets: TargetsArgument = None,
    tags: TagOption = None,
    select: SelectOption = None,
    workers: WorkersOption = 0,
    keep: Annotated[
        bool, typer.Option("--keep-products", help="Keep all new products, also those that are the same.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run jobs again from the definitions frozen in their run, and compare the results.

    Nothing is recorded. New products that differ are kept in .reproduced, in the products root. The exit code is 3 if a
    product or result differs beyond its declared tolerance, or if a job could not run again.
    """

    def show(one: reproduce.Reproduced) -> None:
        if one.verdict in ("different", "not run") and not json:
            out(f"{one.target} {one.group}".rstrip() + f": {one.verdict}: {one_line('; '.join(one.words))}")

    ws = workspace(ctx)
    chosen = picked(ws, targets or (), tags or (), select or ())
    report = reproduce.reproduce(ws, source, chosen, workers=workers, keep=keep, seen=show)
    if json:
        as_json(report)
    else:
        for note in report.notes:
            out(f"changed since then: {one_line(note)}")
        words = ", ".join(f"{number} {verdict}" for verdict, number in sorted(report.counts.items()))
        out(f"reproduced {report.run}, {report.process} @ {report.params}: {words or 'no job'}")
        if places := [one.place for one in report.jobs if one.place]:
            tell(f"new products: {places[0]}" + (f" and {len(places) - 1} more" if len(places) > 1 else ""))
    if not report.succeeded:
        raise typer.Exit(SOME_NOT_OK)
