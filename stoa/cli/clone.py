"""stoa clone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption
from stoa.cli.say import as_json, out, tell
from stoa.commands import clone
from stoa.show.words import count

app = new_app()


@verb(app, "clone", "stoa clone git@example.org:quasars.git", "stoa clone /net/quasars.git mine")
def clone_command(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the project: https, ssh, or a path.")],
    directory: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Folder to make (default: the name of the repository).")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Copy a project, and name the roots that have no path on this machine.

    This works like `git clone`, but checks incoming content before writing any file.
    """
    report = clone.clone(url, Path(directory) if directory else None)
    if json:
        as_json(report)
        return
    out(f"{report.project} in {report.path}: {count(report.targets, 'target')} (at {report.commit[:9]})")
    for root in report.unplaced:
        tell(f"root {root.name} ({root.doc}) has no path on this machine: `stoa root add {root.name} PATH`")
