"""stoa todo: what is open, and where people see it differently."""

from __future__ import annotations

import subprocess

import pytest
from stepped import with_steps
from survey import Survey

import stoa


@pytest.fixture
def stepped(survey: Survey) -> Survey:
    return with_steps(survey)


def test_what_is_done_or_not_needed_is_not_to_be_done(stepped):
    stepped.ok("assign", "a", "b", "me")
    stepped.ok("step", "a", "weblog", "done")
    stepped.ok("step", "b", "weblog", "not-needed")
    lines = stepped.ok("todo").splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["a", "accepted"], ["b", "accepted"]]
    assert lines[-2].startswith("  weblog: 1 of 3 done (")
    stepped.ok("step", "a", "weblog", "undone")
    assert stepped.json("todo", "--step", "weblog")["items"][0]["target"] == "a"
    assert len(stepped.json("todo", "--all")["items"]) == 5


def test_nothing_to_do_says_where_to_find_work(stepped):
    assert "nothing to do; `stoa todo --unassigned`" in stepped("todo").stderr


def test_two_clones_see_a_step_differently_and_say_so(stepped, tmp_path):
    """Both said it at the same time: nothing conflicts, the later one counts, and it is named."""
    hub, place = tmp_path / "hub.git", tmp_path / "other"
    stepped.git("init", "--quiet", "--bare", str(hub))
    stepped.git("remote", "add", "origin", str(hub))
    stepped.ok("sync")
    subprocess.run(["git", "clone", "--quiet", hub, place], check=True)
    other = Survey(place, stepped.terminal)
    for key, value in (("user.name", "Ben Cook"), ("user.email", "ben@example.org")):
        other.git("config", key, value)
    stepped.ok("step", "a", "accepted", "done")
    other.ok("step", "a", "accepted", "undone")
    other.ok("step", "a", "weblog", "done")
    for each in (stepped, other, stepped):
        each.ok("sync")
    mine = stepped.git("config", "user.name").strip()
    for each in (stepped, other):
        (found,) = each.json("todo", "--disputed")["items"]
        assert (found["target"], found["step"]) == ("a", "accepted")
        assert found["states"] == {mine: "done", "Ben Cook": "undone"}
        assert "undone by Ben Cook" in each.ok("todo", "--disputed")
    stepped.ok("step", "a", "accepted", "undone")
    assert stepped.json("todo", "--disputed")["items"] == []
    assert "no steps and no verdicts are disputed" in stepped("todo", "--disputed").stderr


def test_only_one_kind_is_asked_for(stepped):
    assert "ask for one" in stepped.error("todo", "ada", "--unassigned")[0]


def test_a_project_without_steps_says_so(survey):
    assert "this project has no steps of a review" in survey.error("todo")[0]


def test_what_was_to_be_done_then(stepped):
    before = stepped.head()
    stepped.ok("step", "a", "b", "c", "weblog", "done")
    assert len(stepped.json("todo", "--all")["items"]) == 3
    assert len(stepped.json("todo", "--all", "--at", before)["items"]) == 6


def test_from_python(stepped):
    with stoa.open(stepped.top) as project:
        project.assign("a", "b", person="ada@example.org")
        project.step("a", step="weblog", text="read")
        found = project.todo("ada@example.org")
        assert [(each.target, each.step) for each in found.items] == [
            ("a", "accepted"),
            ("b", "weblog"),
            ("b", "accepted"),
        ]
        assert found.steps[0].done == 1


def test_a_dispute_about_a_target_of_a_blind_sample_is_hidden_until_one_has_judged(stepped):
    stepped.ok("step", "a", "weblog", "done")
    stepped.git("config", "user.name", "Ben Cook")
    stepped.git("config", "user.email", "ben@example.org")
    stepped.ok("step", "a", "weblog", "undone")
    stepped.git("config", "user.name", "Cy Dee")
    stepped.git("config", "user.email", "cy@example.org")
    stepped.ok("review", "draw", "1", "--to", "me", "--blind", "--target", "a")
    assert stepped.json("todo", "--disputed")["items"] == []
    stepped.ok("review", "pass", "a")
    assert [each["target"] for each in stepped.json("todo", "--disputed")["items"]] == ["a"]
