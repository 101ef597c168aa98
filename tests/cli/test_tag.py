"""stoa tag: targets under a word."""

from __future__ import annotations

import pytest

import stoa


def test_targets_are_tagged_listed_and_chosen_by_tag(survey):
    assert survey.ok("tag", "a", "b", "golden sample").startswith("tagged 2 targets (commit ")
    survey.ok("tag", "--where", "name = 'c'", "paper I")
    assert survey.json("tag") == {"tags": {"golden sample": ["a", "b"], "paper I": ["c"]}}
    assert [line.split()[-1] for line in survey.ok("tag").splitlines()[1:]] == ["b", "c"]
    chosen = "name IN (SELECT target FROM tags WHERE tag = 'golden sample')"
    assert len(survey.ok("target", "list", "--where", chosen).splitlines()) == 3
    survey.ok("run", "measure", "--where", chosen)
    assert survey.statuses() == {"a": "ok", "b": "ok"}


def test_a_tag_is_taken_away_and_given_again(survey):
    survey.ok("tag", "a", "x")
    survey.ok("tag", "a", "x", "--remove")
    assert survey.json("tag") == {"tags": {}}
    survey.ok("tag", "a", "x")
    assert survey.json("tag") == {"tags": {"x": ["a"]}}
    assert [row["kind"] for row in survey.json("reviews", "a")] == ["tag", "untag", "tag"]
    assert "tag x by" in survey.ok("show", "a")


def test_who_has_the_tag_is_left_as_it_is(survey):
    survey.ok("tag", "a", "x")
    survey.ok("tag", "a", "b", "x")
    assert len(survey.json("reviews", "a")) == 1
    assert "has the tag 'x' already" in survey.error("tag", "a", "b", "x")[0]
    assert "lacks the tag 'x' already" in survey.error("tag", "c", "x", "--remove")[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", ""), "a tag has 1 to 80 printable characters"),
        (("a", " x"), "a tag has 1 to 80 printable characters"),
        (("a", "x" * 81), "a tag has 1 to 80 printable characters"),
        (("a", "y", "--remove"), "no target has the tag 'y'"),
        (("x",), "which targets?"),
    ],
)
def test_what_is_no_tag_is_named(survey, words, said):
    assert said in survey.error("tag", *words)[0]


def test_a_target_that_is_renamed_keeps_its_tags(survey):
    survey.ok("tag", "a", "x")
    survey.ok("target", "rename", "a", "z")
    assert survey.json("tag") == {"tags": {"x": ["z"]}}


def test_from_python(survey):
    with stoa.open(survey.top) as project:
        project.tag("a", "b", tag="golden")
        project.tag("b", tag="golden", remove=True)
        assert project.tags() == {"golden": ["a"]}
