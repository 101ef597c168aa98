"""A colleague's clone has no pixels: thumbnails that came with the records, and images that a click fetches."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from survey import Survey

from stoa.ui import libraries

pytestmark = [pytest.mark.service, pytest.mark.slow]

DRAWN = "() => [...document.querySelectorAll('{of}')].filter((each) => each.naturalWidth > 0).length === {count}"
VIEWED = "() => document.querySelector('iframe')?.contentWindow.JS9?.images?.[0]?.raw?.width === 40"


@pytest.fixture
def clone(drawn: Survey, tmp_path: Path) -> Path:
    """The project of a colleague who has only pulled."""
    place = tmp_path / "colleague"
    subprocess.run(["git", "clone", "-q", str(drawn.top), str(place)], check=True)
    return place


@pytest.fixture
def visitor(clone: Path, chrome, require_service) -> Iterator[browser.Visitor]:
    require_service("the image viewer", libraries.has_viewer(), "this build was made without a network")
    with browser.served(clone) as address:
        context = chrome.new_context(viewport={"width": 1280, "height": 1400})
        yield browser.Visitor(context.new_page(), address)
        context.close()


def wait(visitor: browser.Visitor, condition: str) -> None:
    visitor.page.wait_for_function(condition, timeout=browser.PATIENCE_MS)


def test_the_wall_shows_thumbnails_of_images_that_are_elsewhere(visitor):
    visitor.open("wall?pair=draw%40default")
    wait(visitor, DRAWN.format(of=".stoa-wall img", count=3))
    assert visitor.faults() == 0


def test_a_click_fetches_the_image_into_the_viewer(visitor, clone, drawn):
    visitor.open("review?pair=draw%40default&at=a")
    wait(visitor, DRAWN.format(of="img.stoa-still", count=1))
    visitor.see("the thumbnail that came with the records").click("Fetch")
    wait(visitor, VIEWED)
    (fetched,) = (clone / ".stoa/cache/products").glob("??/*/map.fits")
    assert fetched.read_bytes() == (drawn.top / "data/a/map.fits").read_bytes()
    assert not list(clone.glob("products/*")), "it has a place of its own"
