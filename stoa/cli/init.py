"""stoa init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption
from stoa.cli.say import as_json, out, tell
from stoa.commands import init

app = new_app()


@verb(app, "init", "git init quasars && cd quasars && stoa init", "stoa init analysis")
def init_command(
    path: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", show_default=False, help="Folder in a git repository (default: here)."),
    ] = Path(),
    json: JsonOption = False,
) -> None:
    """Make a STOA project in a git repository.

    This writes .stoa/ from the template and commits it. Data, products and paths of this machine stay out of git.
    """
    report = init.init(path)
    if json:
        as_json(report)
        return
    out(f"made {report.path} (project {report.project}, commit {report.commit[:9]})")
    tell("next: `stoa root add NAME PATH` names the folder of your data")
