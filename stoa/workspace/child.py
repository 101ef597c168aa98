"""Commands of STOA that live without the process that started them: of the dashboard, and of a notebook."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from stoa.durable import make_folder
from stoa.workspace.open import Workspace


class Child:
    """A command that was started from here, and what it prints.

    Attributes
    ----------
    command
        As it is typed, beginning with ``stoa``.
    log
        File with its standard error, and with its standard output if that has no file of its own.
    answer
        File with its standard output.
    """

    def __init__(self, command: Sequence[str], process: subprocess.Popen[bytes], log: Path, answer: Path) -> None:
        self.command = tuple(command)
        self.log = log
        self.answer = answer
        self._process = process
        threading.Thread(target=process.wait, daemon=True).start()  # so that no dead child is taken for a live one

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code; None while it lives."""
        return self._process.poll()


def start_child(
    ws: Workspace, command: Sequence[str], environ: Mapping[str, str], *, answer_apart: bool = False
) -> Child:
    """Start a command in the folder of a project; neither our end nor a terminal's signals end it.

    Parameters
    ----------
    answer_apart
        Whether standard output goes to a file of its own.
    """
    place = ws.project.cache / "started"
    make_folder(place)
    handle, log = tempfile.mkstemp(".log", "run-", place)
    answer = Path(log).with_suffix(".json") if answer_apart else Path(log)
    with os.fdopen(handle, "wb") as said, open(answer, "ab") as answered:
        process = subprocess.Popen(
            [sys.executable, "-m", "stoa", *command[1:]], cwd=ws.project.top, env=environ, stdin=subprocess.DEVNULL,
            stdout=answered if answer_apart else said, stderr=said, start_new_session=True,
        )  # fmt: skip
    return Child(command, process, Path(log), answer)
