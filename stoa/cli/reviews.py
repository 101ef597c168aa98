"""stoa reviews."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, table, tell
from stoa.cli.shared import print_contradictions
from stoa.show.words import clock, one_line
from stoa.workspace import reviews
from stoa.workspace.agreement import contradictions

app = typer.Typer()


@app.command("reviews")
def reviews_command(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="Of this target or run only.")] = "",
    flags_only: Annotated[bool, typer.Option("--flags", help="Open flags only.")] = False,
    json: JsonOption = False,
) -> None:
    """List flags, clearings and comments in the order they were made."""
    ws = workspace(ctx)
    if flags_only:
        rows = [row for row in reviews.flag_rows(ws) if target in ("", row["target"])]
        if json:
            as_json(rows)
            return
        if rows:
            cells = [(r["target"], r["group"], r["reason"], r["author"], clock(r["time"], 16), r["text"]) for r in rows]
            table(("target", "image group", "reason", "by", "when", "text"), cells, maybe=("image group",))
        else:
            tell("no flag is open")
        print_contradictions(contradictions(ws, target))
        return
    found = reviews.reviews_of(ws, target)
    if json:
        as_json(found)
        return
    if not found:
        tell("nobody has flagged or commented yet: `stoa flag TARGET`, `stoa comment TARGET -m TEXT`")
        return
    table(
        ("when", "what", "target", "image group", "reason", "by", "text"),
        [
            (clock(r.time, 16), r.kind, r.target or f"run {r.run}", r.group, r.reason, r.author.name, one_line(r.text))
            for r in found
        ],
        maybe=("image group",),
    )
    print_contradictions(contradictions(ws, target))
