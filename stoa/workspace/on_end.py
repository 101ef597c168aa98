"""A command of the user's that learns how a run or an update ended."""

from __future__ import annotations

import subprocess
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.workspace.open import Workspace

WAIT_S = 60.0


def tell_end(ws: Workspace, said: dict[str, Any]) -> str:
    """Run the command `on_end` of this machine's settings with a JSON document on its standard input.

    Only a file that git does not track counts: one that came from somewhere else must not say what runs here.

    Returns
    -------
    problem
        What went wrong, in words; "" if nothing did or there is no such command.
    """
    command = ws.project.local.on_end
    if not command:
        return ""
    if ws.store.snapshot().holds(f"{ws.store.prefix}/local.yaml"):
        return "on_end was not run: .stoa/local.yaml is in git, where anyone can have written it"
    try:
        done = subprocess.run(
            command, input=msgspec.json.encode({"schema": 1, **said}), cwd=ws.project.top, timeout=WAIT_S,
            capture_output=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"on_end ({command[0]}) took longer than {WAIT_S:.0f} s and was ended"
    except OSError as problem:
        return f"on_end ({command[0]}) cannot be started: {problem.strerror}"
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return f"on_end ({command[0]}) ended with exit code {done.returncode}" + (f": {words[-1]}" if words else "")
    return ""


def problem_words(problem: StoaError) -> str:
    """A problem and its hint on one line."""
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message
