"""stoa fsck."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out
from stoa.commands.fsck import fsck as check
from stoa.show.words import count

app = typer.Typer()


@app.command("fsck")
def fsck_command(
    ctx: typer.Context,
    products: Annotated[
        bool, typer.Option("--products", help="Read the products, too, and compare checksums.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check that git has every record as it was written, that each is readable and fits the others, and the index.

    Files that are missing or damaged in git are named, and the rest is looked at. Exits with 1 when something is wrong.
    """
    report = check(workspace(ctx), products=products, progress=_progress if sys.stderr.isatty() and not json else None)
    if json:
        as_json(report)
    else:
        for finding in report.findings:
            out(f"{finding.where}: {finding.message}")
        looked = f"{count(report.runs, 'run')}, {count(report.outcomes, 'outcome')}, {count(report.reviews, 'review')}"
        words = f"{looked}, {count(report.documents, 'metadata document')}"
        if products:
            words += f", {count(report.products, 'product')} ({report.absent} not on this machine)"
        out(f"looked at {words}: {count(len(report.findings), 'problem')}")
    if report.findings:
        raise typer.Exit(1)


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\rproducts: {done} of {total}", end=end, file=sys.stderr, flush=True)
