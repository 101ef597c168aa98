from __future__ import annotations

import pytest

from stoa.project import UiSettings
from stoa.ui.identity import RIGHTS, Person, _logged_in, audit, role_of
from stoa.ui.serve import PROJECT, READ_ONLY

SETTINGS = UiSettings(roles={"*@example.org": "review", "ada@example.org": "run", "*": "read"})


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("ada@example.org", "run"),
        ("ADA@Example.org", "run"),
        ("ben@example.org", "review"),
        ("ben@example.org.evil.net", "read"),
        ("x@y", "read"),
    ],
)
def test_an_address_counts_before_patterns(email, role):
    assert role_of(email, SETTINGS) == role


def test_who_has_no_role_may_look():
    assert role_of("ada@example.org", UiSettings()) == "read"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"email": "ada@example.org"},
        {"email": "ada@example.org", "email_verified": "true"},
        {"email": "ada@example.org", "email_verified": False},
        {"email": "ada@example.org>\n", "email_verified": True},
        {"email": "ada", "email_verified": True},
    ],
)
def test_without_a_verified_address_nobody_writes(survey, monkeypatch, facts):
    monkeypatch.setenv(PROJECT, str(survey.top))
    assert _logged_in("oidc", {"name": "Ada", **facts}).may == RIGHTS["read"]


def test_a_name_is_one_that_git_can_hold(survey, monkeypatch):
    monkeypatch.setenv(PROJECT, str(survey.top))
    facts = {"name": "Ada <a@b>\x1b[31m\n", "email": "ada@example.org", "email_verified": True}
    assert _logged_in("oidc", facts).name == "Ada a@b[31m"


def test_read_only_counts_for_those_who_have_logged_in_too(survey, monkeypatch):
    monkeypatch.setenv(PROJECT, str(survey.top))
    monkeypatch.setenv(READ_ONLY, "1")
    person = _logged_in("proxy", {"user": "Ada", "email": "ada@example.org"})
    assert (person.may, person.why_not) == (RIGHTS["read"], "this dashboard is read-only")


def test_a_line_of_the_audit_is_one_line_whatever_it_names(survey, monkeypatch):
    monkeypatch.setenv(PROJECT, str(survey.top))
    audit(Person(name="A\nda", email="a@b", may=RIGHTS["run"]), "flag\n", ["a"], "done")
    assert len((survey.top / ".git/stoa/audit.jsonl").read_text().splitlines()) == 1
