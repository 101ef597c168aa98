"""stoa fsck."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, workspace
from stoa.cli.say import as_json, out
from stoa.commands import fsck
from stoa.show.checks import looked_at

app = new_app()


@verb(app, "fsck", "stoa fsck", "stoa fsck --products")
def fsck_command(
    ctx: typer.Context,
    products: Annotated[
        bool, typer.Option("--products", help="Also read the products and compare their checksums.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check that every record is in git as it was written, is readable, and agrees with the others and the index.

    Files that are missing or damaged in git are named, and the check continues. The exit code is 1 if there is a
    problem.
    """
    watched = sys.stderr.isatty() and not json
    report = fsck.fsck(workspace(ctx), products=products, progress=_progress if watched else None)
    if json:
        as_json(report)
    else:
        for finding in report.findings:
            out(f"{finding.where}: {finding.message}")
        out(looked_at(report, products=products))
    if report.findings:
        raise typer.Exit(1)


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\rproducts: {done} of {total}", end=end, file=sys.stderr, flush=True)
