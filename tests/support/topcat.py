"""A real TOPCAT with a hub of its own, or DS9 at a hub that is there, on a screen that no one sees."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alone import alone

PROGRAMS = ("topcat", "Xvfb", "xdotool")
PATIENCE_S = 180.0
"""How long it may take to start, on a machine that does other things, too."""


def missing(*programs: str) -> str:
    """The first program that is not installed, "" if all are; by default of those that TOPCAT needs."""
    return next((name for name in programs or PROGRAMS if shutil.which(name) is None), "")


def until(there: Callable[[], Any], what: str, seconds: float = PATIENCE_S, pause: float = 0.2) -> Any:
    """The first true value; `TimeoutError` when there is none for a long time."""
    deadline = time.monotonic() + seconds
    while not (found := there()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(pause)
    return found


class Screen:
    """The screen of TOPCAT, and a mouse."""

    def __init__(self, display: str) -> None:
        self.display = display

    def do(self, *words: str) -> list[str]:
        """Words that xdotool prints; none if it finds nothing."""
        environ = os.environ | {"DISPLAY": self.display}
        return subprocess.run(["xdotool", *words], env=environ, capture_output=True, text=True).stdout.split()

    def window(self, title: str) -> str:
        """Id of a window that is shown, "" if there is none."""
        return next(iter(self.do("search", "--onlyvisible", "--name", title)), "")

    def click(self, window: str, x: int, y: int) -> None:
        self.do("mousemove", "--sync", "--window", window, str(x), str(y), "sleep", "0.2", "click", "1")


@contextmanager
def running_topcat(home: Path) -> Iterator[Screen]:
    """Start a screen and TOPCAT with its hub; the hub's lockfile is ``home/.samp``.

    Raises
    ------
    TimeoutError
        If either does not come up.
    """
    home.mkdir(parents=True, exist_ok=True)
    # One at a time: the port of the Web Profile is the same for all.
    with alone("web-profile"), tempfile.TemporaryFile() as log, screen_below(home) as display:
        words = ["topcat", "-Xmx512m", f"-Duser.home={home}", "-hub"]
        environ = os.environ | {"DISPLAY": display, "HOME": str(home)}
        process = subprocess.Popen(  # a session of its own: the command is a script that starts Java
            words, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            screen = Screen(display)
            until(lambda: (home / ".samp").is_file() and screen.window("TOPCAT"), "TOPCAT and its hub")
            yield screen
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def running_ds9(home: Path) -> Iterator[None]:
    """Start DS9, which registers at the hub that SAMP_HUB names as soon as it can."""
    with screen_below(home) as display:
        process = subprocess.Popen(
            ["ds9", "-samp", "client", "yes"], env=os.environ | {"DISPLAY": display, "HOME": str(home)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def screen_below(folder: Path) -> Iterator[str]:
    reading, writing = os.pipe()
    words = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    process = subprocess.Popen(words, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise TimeoutError(f"Xvfb does not start (in {folder})")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait()
