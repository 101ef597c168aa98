"""stoa assign: who is to look at what."""

from __future__ import annotations

import pytest
from stepped import with_steps
from survey import Survey


@pytest.fixture
def stepped(survey: Survey) -> Survey:
    return with_steps(survey)


def todo(survey: Survey, *words: str) -> list[tuple[str, str, str]]:
    return [(each["target"], each["step"], each["person"]) for each in survey.json("todo", *words)["items"]]


def test_work_is_assigned_as_a_whole_or_step_by_step(stepped):
    assert stepped.ok("assign", "a", "b", "ada@example.org").startswith("assigned 2 targets (commit ")
    stepped.ok("assign", "a", "Ben Cook", "--step", "accepted")
    ada, ben = "ada@example.org", "Ben Cook"
    assert todo(stepped, ada) == [("a", "weblog", ada), ("b", "weblog", ada), ("b", "accepted", ada)]
    assert todo(stepped, "ben cook") == [("a", "accepted", ben)]
    assert todo(stepped, "--unassigned") == [("c", "weblog", ""), ("c", "accepted", "")]
    assert stepped.subjects()[0] == "assign a (accepted to Ben Cook)"


def test_the_last_that_is_said_counts_and_can_be_taken_back(stepped):
    stepped.ok("assign", "a", "Ben Cook")
    stepped.ok("assign", "a", "me")
    mine = stepped.git("config", "user.name").strip()
    assert todo(stepped) == [("a", "weblog", mine), ("a", "accepted", mine)]
    assert todo(stepped, "Ben Cook") == []
    stepped.ok("assign", "a", "nobody")
    assert todo(stepped) == []
    assert "assign to nobody by" in stepped.ok("show", "a")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", ""), "a name has 1 to 80 printable characters"),
        (("a", "x\ny"), "a name has 1 to 80 printable characters"),
        (("a", "me", "--step", "final"), "no step named 'final'"),
        (("me",), "which targets?"),
    ],
)
def test_what_is_not_understood_is_named(stepped, words, said):
    assert said in stepped.error("assign", *words)[0]
