"""Who people are, with a real provider, a proxy's headers, and git asked afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import browser
import pytest
from ports import free_port

pytestmark = [pytest.mark.service, pytest.mark.slow]

ROLES = "  roles: {ada@example.org: run, '*@example.org': review}\n"


PROVIDER = """
import sys, time
import oidc_provider_mock as mock
people = {"ada": True, "cyd": True, "eve": False}
users = [
    mock.User(sub=name, claims={
        "name": f"{name.title()} <Example>", "email": f"{name}@example.org", "email_verified": verified})
    for name, verified in people.items()
]
with mock.run_server_in_thread(port=int(sys.argv[1]), user_claims=users):
    print("ready", flush=True)
    sys.stdin.read()
"""
"""A provider that knows three people, one of whom has not proved the address."""


@pytest.fixture
def provider(require_service) -> Iterator[str]:
    require_service("OpenID Connect", find_spec("oidc_provider_mock"), "no package oidc-provider-mock (PyPI)")
    port, pipe = free_port(), subprocess.PIPE
    command = [sys.executable, "-c", PROVIDER, str(port)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        process.kill()


@contextmanager
def someone(address: str, **words: object) -> Iterator[browser.Visitor]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        context = started.new_context(viewport={"width": 1280, "height": 1000}, **words)
        yield browser.Visitor(context.new_page(), address)
        started.close()


@pytest.fixture(autouse=True)
def chromium(require_service) -> None:
    require_service("Chromium", browser.chromium() and find_spec("playwright"), "no chromium, or no playwright")


@pytest.fixture
def ran(survey):
    survey("run", "measure")
    return survey


def settings(survey, lines: str) -> None:
    local = survey.top / ".stoa/local.yaml"
    local.write_text(f"{local.read_text()}ui:\n{ROLES}{lines}")


def logged_in(visitor: browser.Visitor, provider: str, name: str) -> browser.Visitor:
    visitor.open().click("Log in")
    visitor.page.wait_for_url(f"{provider}/**", timeout=browser.PATIENCE_MS)
    visitor.page.get_by_role("button", name=name).click()
    visitor.page.wait_for_url(f"{visitor.address}/**", timeout=browser.PATIENCE_MS)
    return visitor.see(f"{name}@example.org").ready()


def judged(survey, git) -> str:
    return git(survey.top, "log", "-1", "--format=%an|%ae|%ce|%s").strip()


def audited(survey) -> list[tuple[str, str, list[str], str]]:
    lines = (survey.top / ".git/stoa/audit.jsonl").read_text().splitlines()
    return [(each["email"], each["action"], each["targets"], each["end"]) for each in map(json.loads, lines)]


def test_who_logs_in_is_the_author_and_the_service_the_committer(ran, provider, git):
    port = free_port()
    settings(
        ran,
        f"  oidc: {{server: '{provider}/.well-known/openid-configuration', client_id: stoa, client_secret: x,"
        f" redirect: 'http://localhost:{port}/oauth2callback'}}\n",
    )
    service = git(ran.top, "config", "user.email").strip()
    with browser.served(ran.top, "--port", str(port)):
        with someone(f"http://localhost:{port}") as visitor:
            visitor.open("review").see("shows its project to people who have logged in")
            assert "measure" not in visitor.page.inner_text("body")
            logged_in(visitor, provider, "ada")
            visitor.page.get_by_role("link", name="Review").click()
            visitor.see("1 of 3").ready().press("1", "2 of 3")
            assert judged(ran, git).startswith(f"Ada Example|ada@example.org|{service}|flag a")
            assert audited(ran)[-1][0] == "ada@example.org"
            assert audited(ran)[-1][2:] == (["a"], "done")
        with someone(f"http://localhost:{port}") as visitor:
            before = git(ran.top, "rev-parse", "HEAD")
            logged_in(visitor, provider, "eve")
            visitor.page.get_by_role("link", name="Review").click()
            visitor.see("1 of 3").ready().page.keyboard.press("1")
            visitor.press("j", "2 of 3")
            assert git(ran.top, "rev-parse", "HEAD") == before


def test_a_proxy_on_this_machine_names_people(ran, git):
    settings(ran, "  proxy: {name: X-Forwarded-User, email: X-Forwarded-Email}\n")
    headers = {"X-Forwarded-User": "Cyd", "X-Forwarded-Email": "cyd@example.org"}
    with browser.served(ran.top) as address, someone(address, extra_http_headers=headers) as visitor:
        visitor.open("review").see("1 of 3").see("cyd@example.org").ready().press("1", "2 of 3")
        assert judged(ran, git).startswith("Cyd|cyd@example.org|")


def test_without_a_name_from_the_proxy_nothing_is_written(ran, git):
    settings(ran, "  proxy: {name: X-Forwarded-User, email: X-Forwarded-Email}\n")
    before = git(ran.top, "rev-parse", "HEAD")
    with browser.served(ran.top) as address, someone(address) as visitor:
        visitor.open("review").see("1 of 3").ready().page.keyboard.press("1")
        visitor.press("j", "2 of 3")
    assert git(ran.top, "rev-parse", "HEAD") == before


def test_read_only_lets_everyone_look_and_nobody_write(ran, git):
    before = git(ran.top, "rev-parse", "HEAD")
    with browser.served(ran.top, "--read-only") as address, someone(address) as visitor:
        visitor.open("review").see("1 of 3").ready().page.keyboard.press("1")
        visitor.press("j", "2 of 3")
    assert git(ran.top, "rev-parse", "HEAD") == before
