"""stoa doctor."""

from __future__ import annotations

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, workspace
from stoa.cli.say import as_json, table, tell
from stoa.commands import doctor
from stoa.show.checks import remarks_table

app = new_app()


@verb(app, "doctor", "stoa doctor")
def doctor_command(ctx: typer.Context, json: JsonOption = False) -> None:
    """Check that this machine and this clone are ready for work: git, identity, roots, disk, locks.

    The exit code is 1 if something is not ready.
    """
    remarks = doctor.doctor(workspace(ctx))
    if json:
        as_json(remarks, several="remarks")
    else:
        table(remarks_table(remarks))
        for remark in remarks:
            if remark.hint:
                tell(f"hint: {remark.hint}")
    if not all(remark.fine for remark in remarks):
        raise typer.Exit(1)
