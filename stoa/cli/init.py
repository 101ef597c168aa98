"""stoa init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.say import JsonOption, as_json, out, tell
from stoa.commands import init as setup

app = typer.Typer()


@app.command("init")
def init_command(
    path: Annotated[Path, typer.Argument(help="Folder in a git repository.")] = Path(),
    json: JsonOption = False,
) -> None:
    """Make a STOA project in a git repository.

    Writes .stoa/ from the template and commits it. Data, products and this machine's paths stay out of git.
    """
    report = setup.init(path)
    if json:
        as_json(report)
        return
    out(f"made {report.path} (project {report.project}, commit {report.commit[:9]})")
    tell("next: `stoa root add NAME PATH` says where the data lie")
