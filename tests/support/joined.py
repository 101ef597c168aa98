"""`stoa samp bridge` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading

from browser import Visitor
from survey import REPOSITORY, wait_for


class Joined:
    """`stoa samp bridge` as a process of its own, with what it says."""

    def __init__(self, address: str, token: str) -> None:
        environ = os.environ | {"PYTHONPATH": str(REPOSITORY), "STOA_BRIDGE_TOKEN": token}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stoa", "samp", "bridge", address], env=environ, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def says(self, words: str) -> None:
        wait_for(lambda: any(words in line for line in self.lines), f"{words!r} among {self.lines}", 60)

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        self._reading.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


def join(visitor: Visitor) -> Joined:
    """Start a bridge with the token that the page shows."""
    visitor.click("Bridge")
    visitor.page.get_by_role("button", name="Show a token").click()
    token = visitor.page.locator("code", has_text=re.compile(r"^[\w.-]{60,}$")).first.inner_text(timeout=60_000)
    joined = Joined(visitor.address, token.strip())
    joined.says("joined")
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_role("button", name="Bridge: joined").wait_for()
    return joined
