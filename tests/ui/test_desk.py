"""Tables on their way from a page to a desktop program, by the hub of the one who looks at it."""

from __future__ import annotations

import io
import queue
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest
from alone import alone
from astropy.io import fits
from astropy.table import Table
from joined import join
from pyvo import samp
from survey import Survey, wait_for
from web_profile import Yes

from stoa.ui import libraries
from stoa.vo.samp import HIGHLIGHT, LOAD_FITS, LOAD_IMAGE, POINT_AT, ROW_LIST

pytestmark = [pytest.mark.service, pytest.mark.slow]

WEB_PORT = 21012
ELSEWHERE = "stoa.example.org"
"""A name under which the browser finds the dashboard, as if it were on a server."""


class Program:
    """A program on the desktop that takes what a page sends, and speaks as TOPCAT does."""

    def __init__(self) -> None:
        self.client = samp.SAMPIntegratedClient(name="tables", addr="127.0.0.1")
        self.client.connect()
        self._got: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        for mtype in (LOAD_FITS, LOAD_IMAGE, ROW_LIST, HIGHLIGHT, POINT_AT):
            self.client.bind_receive_call(mtype, self._take)

    def _take(self, _key: str, _sender: str, message: str, mtype: str, params: dict[str, Any], _extra: object) -> None:
        self.client.reply(message, {"samp.status": "samp.ok", "samp.result": {}})
        self._got.put((mtype, params))

    def gets(self, mtype: str) -> dict[str, Any]:
        found, params = self._got.get(timeout=60)
        assert found == mtype
        return params

    def says(self, mtype: str, **params: Any) -> None:
        named = {key.replace("_", "-"): value for key, value in params.items()}
        self.client.call_all("tag", {"samp.mtype": mtype, "samp.params": named})


@pytest.fixture(autouse=True)
def only_hub() -> Iterator[None]:
    """The Web Profile has one port on each machine: no other test has a hub there meanwhile."""
    with alone("web-profile"):
        yield


@pytest.fixture
def desktop(tmp_path, monkeypatch, require_service) -> Iterator[Program]:
    """A hub with a Web Profile, and a program at it."""
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
    program = Program()
    yield program
    program.client.disconnect()
    dialog.over.set()
    answering.join()
    hub.stop()


@pytest.fixture
def placed(judged) -> Survey:
    """Target a has an image, which says where it is."""
    header = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 10.5, "CRVAL2": -30.25, "OBJECT": "J0001"}
    more = {"CRPIX1": 8.5, "CRPIX2": 8.5, "CDELT1": -1e-4, "CDELT2": 1e-4, "CUNIT1": "deg", "CUNIT2": "deg"}
    hdu = fits.PrimaryHDU(np.ones((16, 16), dtype=np.float32), fits.Header({**header, **more}))
    hdu.writeto(judged.top / "data/a/image.fits")
    judged.ok("meta", "build")
    return judged


@pytest.fixture
def pictured(repo, archive, cli) -> Path:
    """A target whose outcome has an image."""
    sky = archive(1)
    for words in (["init"], ["root", "add", "alma", str(sky.top)], ["target", "add", "alma", "**/product"]):
        cli.ok(*words, cwd=repo)
    for words in (["meta", "build"], ["process", "add", "sep"], ["run", "sep"]):
        cli(*words, cwd=repo)
    return repo


@pytest.fixture
def visitor(request, require_service) -> Iterator[browser.Visitor]:
    require_service("Chromium", browser.chromium() and find_spec("playwright"), "no chromium, or no playwright")
    require_service("sampjs", libraries.is_there("sampjs"), "this build has no sampjs")
    from playwright.sync_api import sync_playwright

    project = request.getfixturevalue(getattr(request, "param", "judged"))
    words = ["--no-sandbox", f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"]
    with browser.served(getattr(project, "top", project), "--public", ELSEWHERE) as address, sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser.chromium(), args=words)
        yield browser.Visitor(chrome.new_page(), address)
        chrome.close()


def sends(visitor: browser.Visitor, button: str = "Send to TOPCAT") -> browser.Visitor:
    """Open the menu below the first table, and click."""
    visitor.click("Export", exact=False)
    visitor.page.get_by_role("button", name=button, exact=False).click()
    return visitor


def test_a_table_is_fetched_by_its_link_as_it_is_on_the_page(visitor, desktop):
    sends(visitor.open("failures"))
    params = desktop.gets(LOAD_FITS)
    visitor.see(re.compile(r"Sent: failures, to tables \("))
    assert params["url"].startswith(f"{visitor.address}/stoa/table/")
    with urllib.request.urlopen(params["url"], timeout=60) as answer:
        table = Table.read(io.BytesIO(answer.read()), format="fits")
    assert [str(name) for name in table["target"]] == ["b"]


def test_rows_that_are_picked_become_the_selection_and_one_commit(visitor, desktop, judged):
    sends(visitor.open("targets"))
    table = desktop.gets(LOAD_FITS)["table-id"]
    visitor.see("Sent: targets")
    before = judged.head()
    desktop.says(ROW_LIST, table_id="stoa-of-someone-else", row_list=["0"])
    visitor.see(re.compile("Picked on your desktop: tables: .*has not sent"))
    desktop.says(ROW_LIST, table_id=table, row_list=["0", "2"])
    visitor.see("Picked on your desktop: tables: 2 rows of targets: 2 targets: a c")
    visitor.ready()
    visitor.page.get_by_text("2 targets selected").nth(1).wait_for()  # in the table, too
    visitor.click("Flag …")
    visitor.confirm("Flag")
    assert judged.subjects(before) == ["flag 2 targets (artefacts)"]


def test_a_click_on_the_desktop_opens_the_job_in_review(visitor, desktop):
    sends(visitor.open("targets"))
    table = desktop.gets(LOAD_FITS)["table-id"]
    visitor.see("Sent: targets")
    desktop.says(HIGHLIGHT, table_id=table, row="2")
    visitor.see("row 3 of targets: 1 target: c").click("Review picked", exact=False)
    visitor.see("1 of 1")
    assert "at=c" in visitor.page.url


def test_the_selection_of_a_page_goes_to_the_desktop(visitor, desktop):
    visitor.open("targets").select(0, 1)
    visitor.see("1 target selected")
    sends(visitor, "Select in TOPCAT (1)")
    table = desktop.gets(LOAD_FITS)["table-id"]  # which had not been sent
    assert desktop.gets(ROW_LIST) == {"table-id": table, "row-list": ["1"]}
    assert desktop.gets(HIGHLIGHT) == {"table-id": table, "row": "1"}


def test_positions_go_both_ways(visitor, desktop, placed):
    visitor.open("sky").click("Connect to TOPCAT")
    visitor.see("Connected with your desktop.")
    visitor.select(0, 0).see("1 target selected")
    visitor.click("Point there")
    assert desktop.gets(POINT_AT) == {"ra": "10.5", "dec": "-30.25"}
    desktop.says(POINT_AT, ra="10.5", dec="-30.0")
    visitor.see("tables points at 10.50000 -30.00000; nearest: a, 15.0′ away")


def test_through_a_bridge_it_is_the_same(visitor, desktop, judged):
    bridge = join(visitor.open("targets"))
    try:
        visitor.select(0, 1).see("1 target selected")
        sends(visitor, "Select in TOPCAT (1)")
        table = desktop.gets(LOAD_FITS)["table-id"]
        assert desktop.gets(ROW_LIST) == {"table-id": table, "url": "", "row-list": ["1"]}
        assert desktop.gets(HIGHLIGHT)["row"] == "1"
        visitor.see(re.compile("a row: tables"))
        desktop.says(ROW_LIST, table_id=table, row_list=["0", "2"])
        visitor.see("Picked on your desktop: tables: 2 rows of targets: 2 targets: a c")
        visitor.ready().click("Bridge: joined")
        visitor.page.get_by_role("button", name="Refuse all earlier tokens").click()
        wait_for(lambda: bridge.process.poll() is not None, "its end", 60)
        assert "does not let this bridge in" in " ".join(bridge.lines)
    finally:
        bridge.end()


@pytest.mark.parametrize("visitor", ["pictured"], indirect=True)
def test_an_image_goes_as_the_file_that_it_is(visitor, desktop):
    visitor.open("review").click("Send to DS9")
    params = desktop.gets(LOAD_IMAGE)
    with urllib.request.urlopen(params["url"], timeout=60) as answer:
        header = fits.getheader(io.BytesIO(answer.read()))
    assert (header["OBJECT"], params["name"].endswith(".fits")) == ("J0000", True)


def test_over_plain_http_from_a_server_the_page_says_what_works(visitor):
    visitor.address = visitor.address.replace("127.0.0.1", ELSEWHERE)
    visitor.open("failures").click("Connect to TOPCAT")
    visitor.see(re.compile(f"over plain http from {ELSEWHERE}, browsers do not let .* SSH tunnel .*stoa samp bridge"))


def test_without_a_hub_the_page_says_what_to_do(visitor):
    visitor.open("failures").click("Export", exact=False)
    visitor.page.get_by_role("button", name="Send to TOPCAT").click()
    visitor.see("Start TOPCAT on your machine and try again.")
    visitor.page.keyboard.press("?")
    visitor.see(re.compile("copy it to share a view"))
