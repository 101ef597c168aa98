"""From where a command was started to the project it is about."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import typer

from stoa.cli.say import tell
from stoa.workspace.open import Workspace


def workspace(ctx: typer.Context) -> Workspace:
    """The project that the working directory belongs to; its files are closed when the command ends."""
    found = Workspace(Path())
    ctx.call_on_close(partial(_close, found))
    return found


def _close(ws: Workspace) -> None:
    for remark in ws.remarks:
        tell(remark)
    ws.close()
