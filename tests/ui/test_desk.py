"""Tables on their way from a page to a desktop program, by the hub of the one who looks at it."""

from __future__ import annotations

import io
import re
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import browser
import pytest
from astropy.table import Table
from pyvo import samp

from stoa.ui import libraries

pytestmark = [pytest.mark.service, pytest.mark.slow]

WEB_PORT = 21012


class Yes(samp.WebProfileDialog):
    """Lets every page in, as the reader would by a click."""

    def __init__(self) -> None:
        self.over = threading.Event()
        super().__init__()

    def show_dialog(self, *_request: object) -> None:
        self.consent()

    def answer(self) -> None:
        while not self.over.wait(0.05):
            self.handle_queue()


@pytest.fixture
def desktop(tmp_path, monkeypatch, require_service) -> Iterator[Callable[[], dict[str, str]]]:
    """A hub with a Web Profile, and a program that takes tables; gives what it was sent."""
    samp.conf.use_internet = False
    with socket.socket() as probe:
        probe.settimeout(1)
        require_service("SAMP", probe.connect_ex(("127.0.0.1", WEB_PORT)), "another hub holds port 21012")
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    dialog = Yes()
    hub = samp.SAMPHubServer(addr="127.0.0.1", web_profile=True, web_profile_dialog=dialog)
    hub.start()
    answering = threading.Thread(target=dialog.answer)
    answering.start()
    client = samp.SAMPIntegratedClient(name="tables", addr="127.0.0.1")
    client.connect()
    got: list[dict[str, str]] = []
    came = threading.Event()

    def take(_key: str, _sender: str, _mtype: str, params: dict[str, str], _extra: object) -> None:
        got.append(params)
        came.set()

    client.bind_receive_notification("table.load.fits", take)

    def sent() -> dict[str, str]:
        assert came.wait(60), "no table came"
        return got[-1]

    yield sent
    client.disconnect()
    dialog.over.set()
    answering.join()
    hub.stop()


@pytest.fixture
def visitor(judged, require_service) -> Iterator[browser.Visitor]:
    require_service("Chromium", browser.chromium() and find_spec("playwright"), "no chromium, or no playwright")
    require_service("sampjs", libraries.is_there("sampjs"), "this build has no sampjs")
    from playwright.sync_api import sync_playwright

    with browser.served(judged.top) as address, sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield browser.Visitor(chrome.new_page(), address)
        chrome.close()


def test_a_table_is_fetched_by_its_link_as_it_is_on_the_page(visitor, desktop):
    visitor.open("failures").click("Export", exact=False)
    visitor.page.get_by_role("button", name="Send to TOPCAT").click()
    visitor.see("Sent: failures")
    params = desktop()
    assert params["url"].startswith(f"{visitor.address}/stoa/table/")
    with urllib.request.urlopen(params["url"], timeout=60) as answer:
        table = Table.read(io.BytesIO(answer.read()), format="fits")
    assert [str(name) for name in table["target"]] == ["b"]


def test_without_a_hub_the_page_says_what_to_do(visitor):
    visitor.open("failures").click("Export", exact=False)
    visitor.page.get_by_role("button", name="Send to TOPCAT").click()
    visitor.see("Start TOPCAT on your machine and send again.")
    visitor.page.keyboard.press("?")
    visitor.see(re.compile("copy it to share a view"))
