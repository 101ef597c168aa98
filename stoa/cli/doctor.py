"""stoa doctor."""

from __future__ import annotations

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, table, tell
from stoa.commands.doctor import doctor as examine

app = typer.Typer()


@app.command("doctor")
def doctor_command(ctx: typer.Context, json: JsonOption = False) -> None:
    """Say whether this machine and this clone are fit for work: git, identity, roots, disk, locks.

    Exits with 1 when something is not.
    """
    remarks = examine(workspace(ctx))
    if json:
        as_json(remarks)
    else:
        table(("", "what", "found"), [("ok" if r.fine else "NOT OK", r.what, r.message) for r in remarks])
        for remark in remarks:
            if remark.hint:
                tell(f"hint: {remark.hint}")
    if not all(remark.fine for remark in remarks):
        raise typer.Exit(1)
