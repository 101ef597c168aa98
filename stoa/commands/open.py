"""Where the folder, the products and the log of a target are on this machine, and opening them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import msgspec

from stoa.errors import StoaError
from stoa.model import Outcome
from stoa.project import LOG_FILE
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import outcome_of
from stoa.workspace.targets import known_target

OPENERS = ("open",) if sys.platform == "darwin" else ("xdg-open", "gio")
"""Programs that open a file with what the desktop has for it."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder of a target."""

    what: str  # data, products, log, or the name of an output
    path: str
    exists: bool


def places(ws: Workspace, target: str, run: str = "", group: str = "") -> tuple[Place, ...]:
    """The target's data folder and, of its latest outcome, products folder, log and outputs.

    Parameters
    ----------
    run
        A run, or ``PROCESS@SET``; by default the latest outcome of the target.

    Raises
    ------
    StoaError
        If there is no such target, or a run is named that has no outcome of it.
    """
    listed = known_target(ws, target)
    found = [("data", str(ws.project.folder(listed)))]
    try:
        outcome = outcome_of(ws, target, run, group)
    except StoaError:
        if run:
            raise
    else:
        found += _of_outcome(ws, outcome)
    return tuple(Place(what=what, path=path, exists=os.path.exists(path)) for what, path in found)


def _of_outcome(ws: Workspace, outcome: Outcome) -> list[tuple[str, str]]:
    if not outcome.place:
        return []
    folder = ws.project.file(outcome.place)
    outputs = [(name, str(ws.project.file(ref))) for name, ref in outcome.outputs.items()]
    return [("products", str(folder)), ("log", str(folder / LOG_FILE)), *outputs]


def open_place(place: Place, program: str = "") -> str:
    """Open a file or folder with a program, by default with that of the desktop; gives the program.

    Raises
    ------
    StoaError
        If it is not on this machine, or there is no such program.
    """
    if not place.exists:
        raise StoaError(f"{place.what} is not on this machine: {place.path}", "`stoa rerun` of its run makes it again")
    named = (program,) if program else OPENERS
    found = next(filter(None, map(shutil.which, named)), None)
    if found is None:
        raise StoaError(f"no program {' or '.join(named)} is there to open {place.path}", "--with names another one")
    words = [found, "open", place.path] if os.path.basename(found) == "gio" else [found, place.path]
    # By a shell that does not wait, so that the program belongs to no one here.
    detached = ["/bin/sh", "-c", 'exec "$@" >/dev/null 2>&1 &', "sh", *words]
    subprocess.run(detached, check=True, stdin=subprocess.DEVNULL, start_new_session=True)
    return found
