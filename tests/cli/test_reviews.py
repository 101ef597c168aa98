"""stoa reviews: the list of flags and comments."""

from __future__ import annotations

import re

import yaml


def test_reviews_are_listed_in_order(survey):
    survey.ok("flag", "b", "-m", "one")
    survey.ok("comment", "a", "-m", "two\nlines")
    lines = survey.ok("reviews").splitlines()
    assert lines[0].split() == ["when", "what", "target", "reason", "by", "id", "text"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", lines[1].split()[0])  # UTC, and said to be
    assert [line.split()[1:3] for line in lines[1:]] == [["flag", "b"], ["comment", "a"]]
    assert lines[2].endswith("two lines")


def test_nothing_said_is_said_so(survey):
    assert survey("reviews").stderr == ("no flags or comments yet: `stoa flag TARGET`, `stoa comment TARGET -m TEXT`\n")
    assert survey("reviews", "--flags").stderr == "no flag is open\n"
    assert survey.json("reviews") == []


def test_terminal_escapes_in_a_comment_are_shown_and_stored_as_they_were(survey):
    evil = "\x1b]0;title\x07\x1b[2Jgone\u202e"
    survey.ok("comment", "a", "-m", evil)
    (path,) = survey.changed("HEAD~1")
    assert yaml.safe_load(survey.committed(path))["text"] == evil
    for words in (("reviews",), ("show", "a")):
        printed = survey.ok(*words)
        assert "\\x1b]0;title\\x07\\x1b[2Jgone" in printed
        assert not set(printed) & set("\x1b\x07\u202e")
    assert not set(survey.subjects()[0]) & set("\x1b\x07\u202e")
