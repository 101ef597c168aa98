"""What the dashboard's port answers to somebody who is not its page."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from asgi_client import AsgiClient
from astropy.io import fits
from starlette.applications import Starlette
from starlette.middleware import Middleware

from stoa.ui import libraries, links
from stoa.ui.guard import Guard
from stoa.ui.routes import routes

PATHS = (
    "/stoa/viewer",
    "/stoa/lib/x",
    "/stoa/web/viewer.js",
    "/stoa/image/t",
    "/stoa/thumb/t",
    "/stoa/product/t/n",
    "/stoa/table/t/n",
)


@pytest.fixture
def client(survey) -> AsgiClient:
    """The routes over a project with an image and a text in its root `data`, behind the guard."""
    data = survey.top / "data/a"
    fits.PrimaryHDU(np.ones((8, 8), dtype=np.float32)).writeto(data / "image.fits")
    (data / "page.html").write_text("<script>alert(1)</script>")
    guard = Middleware(Guard, names=["localhost", "127.0.0.1", "stoa.example.org"], public=["stoa.example.org"])
    return AsgiClient(Starlette(routes=routes(survey.top), middleware=[guard]))


def test_an_image_a_thumb_and_a_file_are_there_for_those_with_the_link(client):
    image = client.get(links.sign("image", "data:a/image.fits", "12"))
    assert (image.status_code, image.headers["content-type"], image.content[:6]) == (200, "application/fits", b"SIMPLE")
    assert client.get(links.sign("thumb", "data:a/image.fits", "12", "small")).content.startswith(b"\x89PNG")
    assert client.get(links.sign("product", "data:a/image.fits")).content[:6] == b"SIMPLE"
    table = client.get(links.offer("table of ä.fits", "application/fits", b"content"))
    assert (table.status_code, table.content) == (200, b"content")


def test_a_page_that_a_script_wrote_is_a_download_and_no_page(client):
    answer = client.get(links.sign("product", "data:a/page.html"))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example.org", "localhost.evil.example.org", "", "127.0.0.2", "[::2]:80", "a b"])
def test_other_host_names_are_refused_everywhere(client, path, host):
    assert client.get(path, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin", ["http://evil.example.org", "null", "http://localhost:9999", "https://localhost.evil.org"]
)
def test_pages_of_others_are_refused_everywhere(client, path, origin):
    assert client.get(path, headers={"origin": origin}).status_code == 403


def test_a_page_of_others_is_refused_though_it_sends_no_origin(client):
    assert (
        client.get(links.sign("image", "data:a/image.fits", ""), headers={"sec-fetch-site": "cross-site"}).status_code
        == 403
    )


def test_our_own_page_is_served_through_a_proxy_and_through_a_tunnel(client):
    image = links.sign("image", "data:a/image.fits", "")
    proxied = {"host": "stoa.example.org", "origin": "https://stoa.example.org"}
    tunnelled = {"host": "localhost:9000", "origin": "http://localhost:9000"}
    assert [client.get(image, headers=each).status_code for each in (proxied, tunnelled)] == [200, 200]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_but_reading_is_answered(client, path, method):
    assert client.request(method, path).status_code == 405


@pytest.mark.parametrize("kind", ["image", "thumb", "product", "table"])
def test_without_a_link_of_ours_nothing_is_told(client, kind):
    tail = "/n" if kind in ("product", "table") else ""
    other = links.sign("table" if kind != "table" else "image", "data:a/image.fits", "").split("/")[3]
    for token in ("data:a/image.fits", "..", other, "a" * 5000):
        answer = client.get(f"/stoa/{kind}/{token}{tail}")
        assert answer.status_code in (403, 404)
        assert "data" not in answer.text


@pytest.mark.parametrize(
    "ref", ["data:../../etc/passwd", "data:/etc/passwd", "data:a/../../x", "passwd", "nowhere:a", "data:"]
)
def test_a_link_leads_to_files_below_roots_alone(client, ref):
    for link in (links.sign("image", ref, ""), links.sign("thumb", ref, "", "small"), links.sign("product", ref)):
        answer = client.get(link)
        assert answer.status_code == 404
        assert "root:" not in answer.text


def test_a_symbolic_link_leads_nobody_out_of_the_roots(client, survey):
    outside = survey.top.parent / "secret.fits"
    fits.PrimaryHDU(np.ones((8, 8))).writeto(outside)
    (survey.top / "data/a/link.fits").symlink_to(outside)
    (survey.top / "data/a/folder").symlink_to(outside.parent)
    (survey.top / "data/a/config").symlink_to(survey.top / ".git/config")
    (survey.top / "data/a/local").symlink_to(survey.top / ".stoa/local.yaml")
    for name in ("link.fits", "folder/secret.fits", "config", "local"):
        answer = client.get(links.sign("product", f"data:a/{name}"))
        assert (name, answer.status_code) == (name, 404)
        assert str(survey.top.parent) not in answer.text


def test_a_pipe_or_a_folder_is_no_file(client, survey):
    os.mkfifo(survey.top / "data/a/pipe")
    for name in ("pipe", ""):
        assert client.get(links.sign("product", f"data:a/{name}")).status_code == 404


@pytest.mark.parametrize(
    "path", ["../app.py", "%2e%2e/app.py", "/etc/passwd", "..%2fapp.py", "js9-3.9.0/../../app.py", ""]
)
def test_libraries_are_no_way_to_other_files(client, path):
    assert client.get(f"/stoa/lib/{path}").status_code in (400, 404)


@pytest.mark.parametrize("name", ["viewer.html", "../app.py", "%2e%2e%2fapp.py", "viewer.py"])
def test_own_files_are_those_of_one_folder(client, name):
    assert client.get(f"/stoa/web/{name}").status_code == 404


@pytest.mark.parametrize("channel", ["-1", "0", "2", "x", "1e3", "9" * 30, "\u0661"])
def test_a_channel_that_is_not_there_is_told_in_words(client, channel):
    answer = client.get(links.sign("image", "data:a/image.fits", ""), params={"channel": channel})
    assert answer.status_code == 404
    assert "channel" in answer.text


def test_the_viewers_page_may_ask_this_server_alone(client, require_service):
    require_service("the image viewer", libraries.has_viewer(), "this build was made without a network")
    answer = client.get("/stoa/viewer")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self' data: blob:"
    assert policy["frame-ancestors"] == "'self'"
    assert "http" not in answer.headers["content-security-policy"]


def test_a_page_without_a_policy_of_its_own_gets_ours():
    async def page(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<p>"})

    answer = AsgiClient(Guard(page, ["localhost"]), "http://localhost").get("/")
    assert "connect-src 'self' ws://localhost http://localhost:21012" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


def test_thumbnails_are_in_the_cache_which_git_does_not_see(client, survey, git):
    client.get(links.sign("thumb", "data:a/image.fits", "12", "small"))
    assert list(Path(survey.top, ".stoa/cache/thumbnails").rglob("*.png"))
    assert ".stoa" not in git(survey.top, "status", "--porcelain")
