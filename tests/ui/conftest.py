"""Pages of the dashboard over small projects, without a browser and in one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import browser
import numpy as np
import pytest
from astropy.io import fits
from streamlit.testing.v1 import AppTest
from survey import Survey
from terminal import Terminal

from stoa.commands import demo
from stoa.ui.serve import PROJECT

_SCRIPT = "from stoa.ui.pages import {name}\nfrom stoa.ui.frame import around\naround({name}.page)\n"


@pytest.fixture
def judged(survey: Survey, monkeypatch: pytest.MonkeyPatch) -> Survey:
    """A project whose run of three targets left one failure, and that the pages show."""
    monkeypatch.setenv(PROJECT, str(survey.top))
    survey.does("b", "echo 'Error: no beam in header' >&2; exit 1")
    survey("run", "measure")
    return survey


@pytest.fixture
def drawn(judged: Survey, tmp_path: Path) -> Survey:
    """A run with an image and its thumbnail for each target; the images are in the store of the project, too."""
    process = "name: draw\nscript: draw.sh\ncommand: [sh, '{script}', '{target}']\n"
    process += "outputs: {map: {path: map.fits, kind: image, thumbnail: true, share: remote}}\n"
    (judged.top / ".stoa/processes/draw.yaml").write_text(process, encoding="utf-8")
    (judged.top / "draw.sh").write_text('cp "$1/map.fits" map.fits\n', encoding="utf-8")
    for seed, name in enumerate("abc"):
        pixels_of = np.random.default_rng(seed).normal(size=(40, 40))
        fits.PrimaryHDU(pixels_of).writeto(judged.top / f"data/{name}/map.fits")
    judged.edit(".stoa/config.yaml", "schema: 1", f"schema: 1\nstore: {tmp_path / 'store'}")
    judged.git("add", ".")
    judged.git("commit", "-qm", "a store, and maps")
    judged.ok("run", "draw")
    judged.ok("push")
    return judged


@pytest.fixture
def page(judged: Survey) -> Iterator[Callable[..., AppTest]]:
    """A page that has been drawn once: `page("failures")`."""

    def open_page(name: str, **state: object) -> AppTest:
        test = AppTest.from_string(_SCRIPT.format(name=name), default_timeout=60)
        for key, value in state.items():
            test.session_state[key] = value
        test.run()
        assert not test.exception, test.exception[0].stack_trace
        return test

    return open_page


@pytest.fixture(scope="module")
def chrome(require_service) -> Iterator[object]:
    require_service("Chromium", browser.chromium() and find_spec("playwright"), "no chromium, or no playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """The project of `stoa demo`, played inside this process."""
    from stoa.cli.main import app

    place = demo.prepare(tmp_path_factory.mktemp("demonstration") / "quasars")
    project = Survey(place, Terminal(app))
    for step in demo.steps():
        tool, *words = step.command
        if tool == "stoa":
            assert project(*words).exit_code in ((0, 1, 3) if step.may_fail else (0,)), step.command
        else:
            subprocess.run(step.command, cwd=place, check=True, capture_output=True)
    return project
