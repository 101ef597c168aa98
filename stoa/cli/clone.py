"""stoa clone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.say import JsonOption, as_json, out, tell
from stoa.commands import clone
from stoa.show.words import count

app = typer.Typer()


@app.command("clone")
def clone_command(
    url: Annotated[str, typer.Argument(help="Where the project is: https, ssh, or a path.")],
    directory: Annotated[str, typer.Argument(help="Where it is to be; by default named as the repository.")] = "",
    json: JsonOption = False,
) -> None:
    """Copy a project, and say which roots have no path on this machine.

    Works like `git clone`, and looks at what comes before any file of it is written.
    """
    report = clone.clone(url, Path(directory) if directory else None)
    if json:
        as_json(report)
        return
    out(f"{report.project} in {report.path}: {count(report.targets, 'target')} (at {report.commit[:9]})")
    for root in report.unplaced:
        tell(f"root {root.name} ({root.doc}) has no path on this machine: `stoa root add {root.name} PATH`")
