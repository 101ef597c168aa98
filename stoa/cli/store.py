"""stoa store."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands import store
from stoa.show.travel import garbage_lines

app = new_app("The store of large products.")


@verb(app, "gc", "stoa store gc", "stoa store gc --delete")
def gc_command(
    ctx: typer.Context,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is listed.")] = False,
    days: Annotated[
        float, typer.Option("--days", metavar="NUMBER", min=0, help="Keep what is younger than this, in days.")
    ] = store.KEPT_DAYS,
    json: JsonOption = False,
) -> None:
    """List what no record names, or delete it.

    A record counts if any branch or tag leads to it, of this clone or of its remotes, or did so a while ago (git's
    reflog). Records of clones that have not been shared are not known: `--days` protects their products.
    """
    report = store.gc(workspace(ctx), delete=delete, kept_days=days)
    if json:
        as_json(report)
        return
    for line in garbage_lines(report):
        out(line)
    if report.unnamed and not delete:
        tell("nothing was deleted; `stoa store gc --delete` does it")
