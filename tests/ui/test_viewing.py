"""The image viewer, Review and Wall in a real browser."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import browser
import pytest
from alma_archive import make_archive
from terminal import Terminal

from stoa.ui import libraries

pytestmark = [pytest.mark.service, pytest.mark.slow]

SHOWN = "() => document.querySelector('iframe')?.contentDocument?.body?.dataset?.shown ?? ''"
SOURCES = "() => document.querySelector('iframe').contentWindow.JS9.GetShapes('sources').length"
PIXEL = """() => { const im = document.querySelector('iframe').contentWindow.JS9.images[0];
  return [im.raw.width, im.raw.height, im.raw.data[im.raw.width * 3 + 5]]; }"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, require_service) -> Path:
    """Three targets with an image each, found and searched by the shipped finder."""
    require_service("Chromium", browser.chromium() and find_spec("playwright"), "no chromium, or no playwright")
    require_service("the image viewer", libraries.has_viewer(), "this build was made without a network")
    from stoa.cli.main import app

    top = tmp_path_factory.mktemp("viewing")
    cli = Terminal(app)
    archive = make_archive(top / "archive", 3)
    repository = top / "quasars"
    subprocess.run(["git", "init", "--quiet", repository], check=True)
    cli.ok("init", cwd=repository)
    cli.ok("root", "add", "alma", str(archive.top), cwd=repository)
    cli.ok("target", "add", "alma", "**/product*", cwd=repository)
    cli.ok("meta", "build", cwd=repository)
    cli.ok("process", "add", "sep", cwd=repository)
    cli("run", "sep", cwd=repository)
    return repository


@pytest.fixture(scope="module")
def address(project) -> Iterator[str]:
    with browser.served(project) as found:
        yield found


@pytest.fixture
def visitor(address) -> Iterator[browser.Visitor]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield browser.Visitor(started.new_context(viewport={"width": 1280, "height": 1000}).new_page(), address)
        started.close()


def shown(visitor: browser.Visitor, other_than: str = "") -> str:
    """The image on the screen, as soon as it is another one."""
    until = f"(old) => {{ const now = ({SHOWN})(); return now && now !== old ? now : false; }}"
    return str(visitor.page.wait_for_function(until, arg=other_than, timeout=browser.PATIENCE_MS).json_value())


def commits(project: Path) -> list[str]:
    words = ["git", "-C", project, "log", "--format=%s"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def test_an_image_is_drawn_with_its_sources_and_values_and_j_shows_the_next(visitor):
    visitor.open("review").see("1 of 3")
    first = shown(visitor)
    visitor.page.wait_for_function(f"() => ({SOURCES})() > 0", timeout=browser.PATIENCE_MS)
    width, height, value = visitor.page.evaluate(PIXEL)
    assert (width > 50, height > 50, isinstance(value, float)) == (True, True, True)
    visitor.ready().page.keyboard.press("j")
    visitor.see("2 of 3")
    assert shown(visitor, first) != first
    assert visitor.outside == []


def test_keys_work_where_the_focus_is_in_the_image(visitor):
    visitor.open("review").see("1 of 3")
    shown(visitor)
    visitor.ready().page.frame_locator("iframe").locator("#words").click()
    visitor.page.keyboard.press("j")
    visitor.see("2 of 3").ready()
    visitor.page.frame_locator("iframe").locator("#words").click()
    visitor.page.keyboard.press("k")
    visitor.see("1 of 3")


def test_who_writes_while_the_viewer_loads_goes_on_writing(visitor, project):
    before = commits(project)
    visitor.page.goto(f"{visitor.address}/review")
    field = visitor.page.get_by_placeholder("Comment on").first
    field.click()
    visitor.page.keyboard.type("a 1 b 2", delay=150)
    shown(visitor)
    visitor.page.keyboard.type(" j 3", delay=50)
    assert field.input_value() == "a 1 b 2 j 3"
    assert commits(project) == before


def test_a_key_that_comes_before_the_viewer_is_not_lost(visitor):
    visitor.page.goto(f"{visitor.address}/review")
    visitor.page.locator("iframe").wait_for(state="attached", timeout=browser.PATIENCE_MS)
    visitor.page.keyboard.press("s")  # sources and beam off
    shown(visitor)
    marks = visitor.page.frame_locator("iframe").locator("#marks")
    visitor.page.wait_for_function(f"() => ({SOURCES})() === 0", timeout=browser.PATIENCE_MS)
    assert marks.get_attribute("aria-pressed") == "false"


def test_a_circle_measures_the_pixels_below_it(visitor):
    visitor.open("review")
    shown(visitor)
    frame = visitor.page.frame_locator("iframe")
    frame.get_by_role("button", name="Measure").click()
    frame.get_by_text("pixels: mean").wait_for(timeout=browser.PATIENCE_MS)
    said = frame.locator("#said").inner_text()
    assert "rms" in said
    assert "Jy" in said


def test_a_key_is_a_verdict_in_git_and_another_one_takes_it_back(visitor, project):
    visitor.open("review").see("1 of 3")
    shown(visitor)
    visitor.ready().page.keyboard.press("1")
    visitor.see("2 of 3").ready()
    assert commits(project)[0].startswith("flag ")
    visitor.page.keyboard.press("u")
    visitor.see("1 of 3").ready()
    assert commits(project)[0].startswith("unflag ")


def test_tiles_of_the_wall_are_selected_by_name_and_judged_together(visitor, project):
    visitor.open("wall")
    tiles = visitor.page.locator(".stoa-wall button")
    tiles.nth(2).wait_for(timeout=browser.PATIENCE_MS)
    names = [tiles.nth(number).get_attribute("data-name").split(" ")[0] for number in (0, 2)]
    for number in (0, 2):
        visitor.ready()
        tiles.nth(number).click(modifiers=["Control"])
    visitor.see("2 targets selected").click("Flag …")
    dialog = visitor.page.get_by_role("dialog")
    for name in names:
        dialog.get_by_text(name).first.wait_for(timeout=browser.PATIENCE_MS)
    visitor.confirm("Flag")
    visitor.see("flag")
    assert "flag 2 targets" in commits(project)[0]


def test_a_tile_of_the_wall_opens_its_job_in_review(visitor):
    visitor.open("wall")
    tile = visitor.page.locator(".stoa-wall button").nth(1)
    tile.wait_for(timeout=browser.PATIENCE_MS)
    name = tile.get_attribute("data-name").split(" ")[0]
    visitor.ready()
    tile.click()
    visitor.see("2 of 3").see(name)
    shown(visitor)
