"""A real browser at a dashboard that is served as users serve it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]

TRIES = 3
PATIENCE_MS = 60_000
"""How long anything may take; a busy machine is no fault of the dashboard."""

READY = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.dataset.testScriptState === 'notRunning' && app.dataset.testConnectionState === 'CONNECTED'
    && !document.querySelector('[data-stale=true]');
}"""

HEADER_PX, ROW_PX, BOX_PX = 36, 35, 18
"""Of the tables of Streamlit: height of the header and of a row, and how far in the box of a row is."""


def chromium() -> str:
    """The program of a Chromium, "" where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), "")


@contextmanager
def served(top: Path, *options: str, **environ: str) -> Iterator[str]:
    """The address of `stoa ui` over a project, for as long as it is needed."""
    command = [sys.executable, "-m", "stoa", "ui", *(() if "--port" in options else ("--port", "0")), *options]
    process = subprocess.Popen(
        command, cwd=top, env=os.environ | {"PYTHONPATH": str(REPOSITORY), **environ}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"`stoa ui` said {line!r}"
        yield found[0]
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def playwright_timeout() -> type[Exception]:
    from playwright.sync_api import TimeoutError as Late  # not there where browser tests are skipped

    return Late


class Visitor:
    """Someone at a page of the dashboard.

    Attributes
    ----------
    outside
        Addresses that a page asked for and that are not the dashboard's own.
    """

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.outside: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", self.address.replace("http", "ws"))):
            self.outside.append(request.url)

    def open(self, path: str = "") -> Visitor:
        """Open a page by its address and wait until it is drawn."""
        self.page.goto(f"{self.address}/{path}")
        return self.ready()

    def ready(self) -> Visitor:
        """Wait until nothing is being drawn."""
        self.page.wait_for_function(READY, timeout=PATIENCE_MS)
        return self

    def see(self, text: str | re.Pattern[str]) -> Visitor:
        """Wait until a text is on the page."""
        self.page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)
        return self

    def press(self, key: str, then: str) -> Visitor:
        """Press a key until a text is on the page: one that comes while a frame is still loading is lost."""
        for _ in range(TRIES):
            self.page.keyboard.press(key)
            with suppress(playwright_timeout()):
                self.page.get_by_text(then).first.wait_for(timeout=PATIENCE_MS / TRIES)
                return self
        return self.see(then)

    def click(self, name: str, *, exact: bool = True) -> Visitor:
        """Click a button that can be clicked."""
        self.page.get_by_role("button", name=name, exact=exact).first.click(timeout=PATIENCE_MS)
        return self.ready()

    def pick(self, field: str, option: re.Pattern[str]) -> Visitor:
        """Take an option of a field with a list, which closes when the page is drawn anew while it opens."""
        wanted = self.page.get_by_role("option", name=option)
        for _ in range(TRIES):
            self.page.get_by_role("combobox", name=field).click(timeout=PATIENCE_MS)
            with suppress(playwright_timeout()):
                wanted.click(timeout=PATIENCE_MS / TRIES)
                return self.ready()
        raise AssertionError(f"{field} does not show {option.pattern!r}")

    def confirm(self, name: str) -> Visitor:
        """Click a button of the dialog, and wait until the dialog is gone."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name=name, exact=True).click(timeout=PATIENCE_MS)
        dialog.wait_for(state="detached", timeout=PATIENCE_MS)
        return self.ready()

    def select(self, table: int, row: int) -> Visitor:
        """Tick a row of a table; both are counted from 0."""
        canvas = self.page.locator("[data-testid=stDataFrame] canvas[data-testid=data-grid-canvas]").nth(table)
        canvas.wait_for(timeout=PATIENCE_MS)
        canvas.scroll_into_view_if_needed(timeout=PATIENCE_MS)
        place = canvas.bounding_box(timeout=PATIENCE_MS)
        self.page.mouse.click(place["x"] + BOX_PX, place["y"] + HEADER_PX + ROW_PX * row + ROW_PX // 2)
        return self

    def enabled(self, name: str) -> bool:
        """Whether the first button of a name can be clicked."""
        return bool(self.page.get_by_role("button", name=name, exact=True).first.is_enabled())

    def wait_until_disabled(self, name: str) -> Visitor:
        self.page.wait_for_function(
            "name => [...document.querySelectorAll('button')].some(b => b.innerText.trim() === name && b.disabled)",
            arg=name, timeout=PATIENCE_MS,
        )  # fmt: skip
        return self

    def faults(self) -> int:
        """How many errors of Python the page shows."""
        return int(self.page.locator("[data-testid=stException]").count())
