"""A page in a real Chromium and a real TOPCAT, through the browser and a bridge: there and back, and into git."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec

import browser
import pytest
import topcat
from joined import join

from stoa.ui import libraries

pytestmark = [pytest.mark.service, pytest.mark.slow]

ALLOW = (263, 307)
"""The button Yes of the window in which TOPCAT asks whether a page may connect."""

SUBSETS, SUBSET_OF_OURS, BROADCAST = (269, 40), (219, 145), (399, 39)
"""The button of the window of row subsets; in it the third row, after All and one more; and the antenna."""

ACTIONS, SEND_ROW, BROWSER, FIRST_ROW, SECOND_ROW = (341, 40), (42, 303), (161, 40), (110, 114), (110, 130)
"""The buttons of the windows of actions and of rows; in these the box of \"Send row index\", and the first row."""


@pytest.fixture
def screen(tmp_path, monkeypatch, require_service) -> Iterator[topcat.Screen]:
    """A new TOPCAT, as windows of tables before would hide those of this one."""
    absent = topcat.missing()
    require_service("TOPCAT", not absent, f"no {absent} (Debian: topcat, xvfb, xdotool)")
    home = tmp_path / "desktop"
    with topcat.running_topcat(home) as screen:
        monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(home / '.samp').as_uri()}")
        yield screen


@pytest.fixture
def visitor(judged, screen, require_service) -> Iterator[browser.Visitor]:
    require_service("Chromium", browser.chromium() and find_spec("playwright"), "no chromium, or no playwright")
    require_service("sampjs", libraries.is_there("sampjs"), "this build has no sampjs")
    from playwright.sync_api import sync_playwright

    with browser.served(judged.top) as address, sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield browser.Visitor(chrome.new_page(), address)
        chrome.close()


def connect(visitor: browser.Visitor, screen: topcat.Screen) -> None:
    """Let TOPCAT allow the page, as its user would."""
    visitor.click("Connect to TOPCAT")

    def allowed() -> bool:
        if window := screen.window("SAMP Hub Security"):
            screen.click(window, *ALLOW)
        return bool(visitor.page.get_by_text("Connected with your desktop.").count())

    topcat.until(allowed, "the connection", pause=1)
    visitor.ready()


@pytest.fixture(params=["browser", "bridge"])
def joined(request, visitor, screen) -> Iterator[browser.Visitor]:
    """A page that is connected with TOPCAT."""
    visitor.open("targets")
    if request.param == "browser":
        connect(visitor, screen)
        yield visitor
        return
    bridge = join(visitor)
    yield visitor
    bridge.end()


def test_a_table_goes_to_topcat_and_what_is_broadcast_there_becomes_flags(joined, screen, judged):
    visitor = joined
    before = judged.head()
    visitor.select(0, 1).see("1 target selected")
    visitor.click("Export", exact=False)
    visitor.page.get_by_role("button", name="Select in TOPCAT (1)").click()  # and the table before it
    visitor.see(re.compile("(Sent: a selection, to topcat)|(1 rows: topcat)|(a row: topcat)"))

    def broadcast() -> bool:
        if not (window := screen.window("TOPCAT.*Row Subsets")):
            screen.click(screen.window("^TOPCAT$"), *SUBSETS)
            return False
        screen.click(window, *SUBSET_OF_OURS)
        screen.click(window, *BROADCAST)
        return bool(visitor.page.get_by_text("topcat: 1 row of targets: 1 target: b").count())

    topcat.until(broadcast, "the subset in the page", pause=2)
    visitor.ready().click("Flag …")
    visitor.confirm("Flag")
    assert judged.subjects(before) == ["flag b (artefacts)"]


def test_a_click_in_topcat_opens_the_job(joined, screen):
    visitor = joined
    visitor.click("Export", exact=False)
    visitor.page.get_by_role("button", name="Send to TOPCAT").click()
    visitor.see(re.compile("(Sent: targets, to topcat)|(sent targets: topcat)"))

    def clicked() -> bool:
        actions = screen.window("TOPCAT.*Activation")
        rows = screen.window("TOPCAT.*Table Browser")
        if not actions:
            screen.click(screen.window("^TOPCAT$"), *ACTIONS)
            return False
        if not rows:
            screen.click(actions, *SEND_ROW)
            screen.click(screen.window("^TOPCAT$"), *BROWSER)
            return False
        screen.click(rows, *SECOND_ROW)  # a row that is selected already is no new one
        screen.click(rows, *FIRST_ROW)
        return bool(visitor.page.get_by_text("topcat: row 1 of targets: 1 target: a").count())

    topcat.until(clicked, "the row in the page", pause=2)
    visitor.ready().click("Review picked", exact=False).see("1 of 1")
    assert "at=a" in visitor.page.url
