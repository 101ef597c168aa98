"""A run of 200 targets in a real JupyterLab in a real Chromium: shown, stopped by its button, continued."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import browser
import pytest
from jupyter import Author, lab, write_notebook

CELLS = (
    "import stoa\nproject = stoa.open()\nproject",
    "run = project.start('measure', jobs=2)\nrun",
    "1 + 1",
    "project.outcomes('measure')['target', 'status', 'cause']",
)
TARGETS = 200


@pytest.fixture
def author(survey, require_service) -> Iterator[Author]:
    require_service("Chromium", browser.chromium() and find_spec("playwright"), "no chromium, or no playwright")
    require_service("JupyterLab", find_spec("jupyterlab"), "no package jupyterlab")
    from playwright.sync_api import sync_playwright

    for number in range(TARGETS - 3):
        Path(survey.top, f"data/t{number:03d}").mkdir()
    survey.edit("measure.sh", "echo", "sleep 0.05; echo '$x^2$ <b>'; echo")
    survey.ok("target", "add", "data", "t*")
    survey.does("c", "echo 'Error: <script>alert(1)</script>' >&2; exit 1")
    write_notebook(survey.top / "story.ipynb", CELLS)
    with lab(survey.top) as address, sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield Author(chrome.new_page(viewport={"width": 1200, "height": 1000}), address, "story.ipynb")
        chrome.close()


def test_a_run_is_stopped_by_its_button_and_continued(survey, author):
    author.run(0).see(0, f"{TARGETS} targets")
    author.run(1).see(1, re.compile(r"[1-9]\d* of 200 jobs"))
    author.run(2).see(2, "2")
    author.press(1, "Stop").see(1, "run the cell again to continue")
    stopped = survey.outcomes()
    assert 0 < len(stopped) < TARGETS
    author.run(1).see(1, re.compile(r"\d+ of \d+ jobs: \d+ ✓ ok.*"))
    author.cell(1).locator("button:disabled").first.wait_for()
    again = survey.outcomes()
    assert len(stopped) + len(again) == TARGETS
    assert not stopped.keys() & again.keys()
    author.run(3).see(3, "✗ failed").see(3, "Error: <script>alert(1)</script>")
    assert author.page.locator(".jp-OutputArea script").count() == 0
