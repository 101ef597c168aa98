"""A real JupyterLab, and someone at a notebook in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
from ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_MS = 60_000
TRY_MS = 500
NUMBERED = re.compile(r"\[\d+\]")


@contextmanager
def lab(folder: Path, *, dark: bool = False) -> Iterator[str]:
    """The address of a JupyterLab that has a folder open, reached from this machine alone."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="stoa-jupyter-") as home:
        environ = os.environ | {
            "JUPYTER_CONFIG_DIR": home, "JUPYTER_DATA_DIR": home, "JUPYTER_RUNTIME_DIR": home,
            "JUPYTERLAB_SETTINGS_DIR": home, "JUPYTERLAB_WORKSPACES_DIR": home, "IPYTHONDIR": home,
            "PYTHONPATH": str(REPOSITORY), "JUPYTER_PREFER_ENV_PATH": "1",
        }  # fmt: skip
        quiet = Path(home, "@jupyterlab/apputils-extension/notification.jupyterlab-settings")
        quiet.parent.mkdir(parents=True)
        quiet.write_text('{"fetchNews": "false"}', encoding="utf-8")
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        quiet.with_name("themes.jupyterlab-settings").write_text(f'{{"theme": "{theme}"}}', encoding="utf-8")
        options = [
            "--no-browser", f"--port={port}", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", "--allow-root",
            "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}", "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], cwd=folder, env=environ,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}/api", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        assert process.poll() is None, "JupyterLab has ended"
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError("JupyterLab does not answer")


def write_notebook(file: Path, cells: Sequence[str]) -> None:
    """A notebook with cells of code and no outputs."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(made, file)


class Author:
    """Someone at a notebook in JupyterLab; cells are counted from 0."""

    def __init__(self, page: Any, address: str, name: str) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/lab/tree/{name}?reset")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()

    def cell(self, number: int) -> Any:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def run(self, number: int) -> Author:
        """Run a cell, and wait until the kernel is free again."""
        prompt = self.cell(number).locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        deadline = time.monotonic() + PATIENCE_MS / 1000
        self._start(number)
        self.page.wait_for_timeout(2 * TRY_MS)
        while (shown := prompt.inner_text()) == before or not NUMBERED.search(shown):
            assert time.monotonic() < deadline, f"cell {number} does not end: {shown}"
            if "*" not in shown:  # what is typed before the kernel is ready is lost
                self._start(number)
            self.page.wait_for_timeout(TRY_MS)
        return self

    def _start(self, number: int) -> None:
        self.cell(number).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")

    def see(self, number: int, text: str | re.Pattern[str]) -> Author:
        """Wait until the output of a cell has a text."""
        self.cell(number).locator(".jp-OutputArea").get_by_text(text).first.wait_for()
        return self

    def press(self, number: int, button: str) -> Author:
        """Press a button in the output of a cell."""
        self.cell(number).locator(".jp-OutputArea").get_by_role("button", name=button, exact=True).click()
        return self
