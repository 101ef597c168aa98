"""The cone search of the dashboard, asked by pyvo and by hand as its clients do."""

from __future__ import annotations

import gc
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import pyvo
import requests
import uvicorn
from asgi_client import AsgiClient
from astropy.io import votable
from astropy.table import Table
from found_sources import find_sources
from itsdangerous import URLSafeTimedSerializer
from lxml import etree
from starlette.applications import Starlette
from starlette.middleware import Middleware
from survey import Survey, wait_for

from stoa.ui import links, services
from stoa.ui.guard import Guard


@pytest.fixture
def found(survey: Survey) -> Survey:
    find_sources(survey)
    return survey


@pytest.fixture
def app(found) -> Starlette:
    guard = Middleware(Guard, names=["localhost", "127.0.0.1"])
    return Starlette(routes=[services.route(found.top)], middleware=[guard])


@pytest.fixture
def client(app) -> AsgiClient:
    return AsgiClient(app)


@pytest.fixture
def server(app) -> Iterator[str]:
    made = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=made.run)
    thread.start()
    wait_for(lambda: made.started, "the server")
    yield f"http://127.0.0.1:{made.servers[0].sockets[0].getsockname()[1]}"
    made.should_exit = True
    thread.join()


def table_of(content: bytes) -> Table:
    return votable.parse_single_table(io.BytesIO(content)).to_table()


def test_pyvo_finds_the_sources_around_a_place(server):
    base = f"{server}{services.address('find@default', (), quality=False)}"
    search = pyvo.dal.SCSService(f"{base}/cone?")
    assert [str(row["target"]) for row in search.search((10.0, -30.0), 0.001)] == ["a"]
    assert len(search.search((10.0, -30.0), 180)) == 3
    everything = requests.get(f"{base}/table.fits", timeout=60).content
    assert list(Table.read(io.BytesIO(everything), format="fits")["snr"]) == [20.0, 6.0, 9.0]
    assert list(table_of(requests.get(f"{base}/table.vot", timeout=60).content)["snr"]) == [20.0, 6.0, 9.0]
    posted = requests.post(f"{base}/cone", data={"RA": "11", "DEC": "-31", "SR": "0.1"}, timeout=60)
    assert [str(name) for name in table_of(posted.content)["target"]] == ["b"]


def test_the_service_says_where_it_is_and_that_it_is_there(client):
    base = services.address("find@default", (), quality=False)
    said = etree.fromstring(client.get(f"{base}/capabilities").content)
    urls = [str(each.text).strip() for each in said.iter("accessURL")]
    assert urls[0] == f"{client.address}{base}/cone?"
    assert b"<vosi:available>true<" in client.get(f"{base}/availability").content
    assert client.get(f"{base}/nothing").status_code == 404


def test_cuts_belong_to_the_address(client):
    base = services.address("find@default", ("snr >= 8",), quality=False)
    assert list(table_of(client.get(f"{base}/table.vot").content)["snr"]) == [20.0, 9.0]


def test_errors_are_those_of_the_standard(client):
    answer = client.get(f"{services.address('find@default', (), quality=False)}/cone?RA=1&DEC=91&SR=1")
    assert answer.status_code == 400
    assert b'value="ERROR"' in answer.content


def test_a_service_follows_the_project(found, client, monkeypatch):
    monkeypatch.setattr(services, "KNOWN_S", 1e-9)
    base = services.address("find@default", (), quality=False)
    assert len(table_of(client.get(f"{base}/table.vot").content)) == 3
    (found.top / "data/c/table").write_text((found.top / "data/b/table").read_text(), encoding="utf-8")
    found.ok("rerun", "find@default", "--failed")
    assert len(table_of(client.get(f"{base}/table.vot").content)) == 4


def test_only_addresses_of_this_dashboard_are_answered(client, monkeypatch):
    good = services.address("find@default", (), quality=False)
    forged = URLSafeTimedSerializer(b"x" * 32, salt="stoa vo").dumps(("/etc/passwd", ""))
    for bad in (f"/stoa/vo/{forged}", good[:-1], "/stoa/vo/find@default", f"/stoa/vo/{links.token('table', 'x', '')}"):
        assert client.get(f"{bad}/table.vot").status_code == 403
    assert client.get(f"{good}/table.vot", headers={"Host": "evil.example"}).status_code == 400
    assert client.get(f"{good}/table.vot", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.request("POST", f"{good}/cone", content=b"x" * 70_000).status_code == 413
    assert client.get(f"{good}/cone?{'&'.join(f'a{n}=1' for n in range(200))}").status_code == 400
    assert client.request("DELETE", f"{good}/cone").status_code == 405
    monkeypatch.setitem(links.VALID_S, "vo", -1)
    assert client.get(f"{good}/table.vot").status_code == 403


def test_a_pair_that_is_not_there_is_said(client):
    answer = client.get(f"{services.address('nothing@default', (), quality=False)}/table.vot")
    assert (answer.status_code, b"nothing" in answer.content) == (404, True)


def test_services_give_way_with_their_files(found):
    held = services.Services(found.top)
    held.find("find@default", (), quality=False)
    first = held._made[next(iter(held._made))].answer("/table.fits", {}, "").content
    assert isinstance(first, Path)
    for snr in range(services.KEPT):
        held.find("find@default", (f"snr >= {snr}",), quality=False)
    gc.collect()
    assert (len(held._made), first.exists()) == (services.KEPT, False)
