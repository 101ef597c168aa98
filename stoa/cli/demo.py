"""stoa demo."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import SOME_NOT_OK, new_app, verb
from stoa.cli.say import out, tell
from stoa.cli.ui import open_dashboard
from stoa.commands import demo
from stoa.commands.ui import PORT, serving
from stoa.errors import StoaError
from stoa.show.words import duration
from stoa.workspace.open import Workspace

app = new_app()

_WHO = {"user.name": "Demo User", "user.email": "demo@example.org"}


@verb(app, "demo", "stoa demo", "stoa demo quasars --data-only", "stoa demo quasars --ui")
def demo_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New folder for the demo's repository.")] = Path(
        "stoa-demo"
    ),
    ui: Annotated[bool, typer.Option("--ui", help="Open the dashboard over it when it is done.")] = False,
    data_only: Annotated[bool, typer.Option("--data-only", help="Copy the example archive and run nothing.")] = False,
) -> None:
    """Play the tutorial in a new repository: 24 simulated ALMA product folders, from metadata to matched quasars.

    Each command is printed before it runs. The repository stays, and you can explore it.
    """
    start = time.monotonic()
    place = demo.prepare(folder.absolute())
    if data_only:
        out(f"the example archive and a table of quasars are in {os.path.relpath(place)}")
        return
    tell(f"the demo is in {place}")
    for step in demo.steps():
        _play(step, place)
    shown = os.path.relpath(place)
    out(f"\ndone in {duration(time.monotonic() - start)}. Explore: cd {shlex.quote(shown)}")
    activate = Path(sys.executable).with_name("activate")
    if shutil.which("stoa") is None and activate.is_file():
        out(f"  . {shlex.quote(str(activate))}        first, so that the shell knows stoa")
    out("  stoa show A001_X2ca9_Xf03        everything about the flagged target")
    out("  stoa runs; stoa show last        all runs; the definitions of the last one")
    out("  stoa why sep A001_X2a1e_X790     why a target would run or not")
    out("  git show --stat HEAD~1           the files of a run in git")
    out("  catalogues/                      the catalogue, the matched quasars, the sky map")
    out(f"The dashboard: stoa ui, and http://127.0.0.1:{PORT} in a browser")
    if ui:
        open_dashboard(serving(Workspace(place)))


def _play(step: demo.Step, place: Path) -> None:
    if step.why:
        out(f"\n# {step.why}")
    else:
        out()
    out(f"$ {shlex.join(step.command)}")
    sys.stdout.flush()
    command = [sys.executable, "-m", "stoa", *step.command[1:]] if step.command[0] == "stoa" else list(step.command)
    done = subprocess.run(command, cwd=place, env={**os.environ, "GIT_PAGER": "cat"}, check=False)
    if step.command[:2] == ("git", "init"):
        _name_somebody(place)
    if done.returncode and not (step.may_fail and done.returncode in (1, SOME_NOT_OK)):
        raise StoaError(f"`{shlex.join(step.command)}` ended with exit code {done.returncode}")


def _name_somebody(place: Path) -> None:
    """Give the demo's repository a user name if git has none."""
    known = subprocess.run(["git", "var", "GIT_AUTHOR_IDENT"], cwd=place, capture_output=True, check=False)
    if known.returncode:
        for name, value in _WHO.items():
            subprocess.run(["git", "config", name, value], cwd=place, check=True)
