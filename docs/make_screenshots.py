"""Make the pictures of docs/dashboard.md: every page of the dashboard over the demonstration, light and dark.

Run it as `make screenshots`, or with the names of pages for these alone. It needs a Chromium and playwright (the
extra `dev`).
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = REPOSITORY / "docs" / "pictures" / "ui"

sys.path.insert(0, str(REPOSITORY / "tests" / "support"))

import browser  # noqa: E402 - a helper of the tests, beside them
import jupyter  # noqa: E402 - as browser

PAGES = {
    "overview": "",
    "failures": "failures?pair=sep%40default",
    "review": "review?pair=sep%40deep",
    "wall": "wall?pair=sep%40deep",
    "sky": "sky?pair=sep%40deep&catalogue=quasars.csv&sources=true",
    "targets": "targets?target=A001_X2ca9_Xf03",
    "compare": "compare?a=sep%40default&b=sep%40deep&sky=true&job=A001_X281c_Xe4+HZ20_cont",
    "catalogue": "catalogue?pair=sep%40deep&plot=flux+against+signal+to+noise",
    "run": "run?process=sep&set=deep&only=failed",
    "runs": "runs?run=last",
}
"""Name of a picture -> address of its page."""

WIDTH, TALLEST = 1280, 1700
COLOURS = 200
"""Colours of a picture: enough for a page, and half of the bytes."""

STEPS = {"run": ("Show the plan",)}
"""Buttons that are pressed before a picture is taken."""


def main() -> None:
    """Play the demonstration, serve it, and take the pictures."""
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stoa-screenshots-") as place:
        os.environ |= {"HOME": place, "XDG_CONFIG_HOME": place, "GIT_CONFIG_GLOBAL": os.devnull}
        demo = Path(place, "quasars")
        subprocess.run([sys.executable, "-m", "stoa", "demo", demo], check=True, stdout=subprocess.DEVNULL)
        with browser.served(demo) as address, sync_playwright() as play:
            chrome = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
            names = sys.argv[1:] or [*PAGES, "notebook"]
            for scheme in ("light", "dark"):
                if "notebook" in names:
                    take_notebook(demo, chrome, scheme)
                context = chrome.new_context(viewport={"width": WIDTH, "height": 900}, color_scheme=scheme)
                visitor = browser.Visitor(context.new_page(), address)
                for name, path in [(name, PAGES[name]) for name in names if name in PAGES]:
                    file = PICTURES / f"{name}-{scheme}.png"
                    file.write_bytes(reduced(taken(visitor, name, path)))
                    print(f"{file.relative_to(REPOSITORY)}: {file.stat().st_size // 1000} kB")
                context.close()
            chrome.close()


NOTEBOOK = (
    "import stoa\nproject = stoa.open()\nproject",
    "run = project.start('sep@deep', force=True, jobs=1)\nrun",
    "project.image('A001_X281c_Xe4', 'sep@deep')",
)
NOTEBOOK_SIZE = {"width": 1100, "height": 1000}


def take_notebook(demo: Path, chrome: Any, scheme: str) -> None:
    """A picture of a notebook in JupyterLab during a run in it."""
    jupyter.write_notebook(demo / "story.ipynb", NOTEBOOK)
    with jupyter.lab(demo, dark=scheme == "dark") as address:
        page = chrome.new_page(viewport=NOTEBOOK_SIZE)
        author = jupyter.Author(page, address, "story.ipynb")
        page.keyboard.press("Control+b")  # without the list of files
        author.run(0).run(2).run(1).see(1, re.compile("to go"))
        author.cell(1).scroll_into_view_if_needed()
        file = PICTURES / f"notebook-{scheme}.png"
        file.write_bytes(reduced(page.screenshot()))
        author.press(1, "Stop at once").see(1, "run the cell again to continue")
        page.close()
        print(f"{file.relative_to(REPOSITORY)}: {file.stat().st_size // 1000} kB")


def taken(visitor: browser.Visitor, name: str, path: str) -> bytes:
    """A picture of a page as tall as the page is."""
    page: Any = visitor.page
    page.set_viewport_size({"width": WIDTH, "height": 900})
    visitor.open(path)
    for button in STEPS.get(name, ()):
        visitor.click(button)
    page.wait_for_timeout(3500)  # images and charts are drawn after all has come
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": max(700, min(height, TALLEST))})
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    page.wait_for_timeout(1500)
    return bytes(page.screenshot())


def reduced(png: bytes) -> bytes:
    """A picture with few colours."""
    from PIL import Image

    out = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
