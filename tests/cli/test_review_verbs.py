"""flag, unflag, comment, reviews: one commit an action, however many targets."""

from __future__ import annotations

import re

import pytest
import yaml


def test_a_flag_is_one_new_file_in_one_commit(survey):
    before = survey.head()
    assert survey.ok("flag", "a", "--reason", "artefacts", "-m", "stripes") == (
        f"flagged a (commit {survey.head()[:9]})\n"
    )
    assert survey.subjects(before) == ["flag a (artefacts): stripes"]
    (path,) = survey.changed(before)
    record = yaml.safe_load(survey.committed(path))
    assert path == f".stoa/reviews/a/{record['id']}.yaml"
    assert (record["kind"], record["reason"], record["text"]) == ("flag", "artefacts", "stripes")
    assert record["author"] == {"name": "Test Astronomer", "email": "test@example.org"}


def test_many_targets_are_one_commit(survey):
    before = survey.head()
    said = survey.json("flag", "[ab]", "c", "--reason", "check")
    assert said["targets"] == ["a", "b", "c"]
    assert survey.subjects(before) == ["flag 3 targets (check)"]
    assert len(survey.changed(before)) == 3


def test_targets_by_an_expression_over_how_they_ended(survey):
    survey.does("b", "exit 1")
    survey("run", "measure")
    assert survey.json("flag", "--where", "status = 'failed'")["targets"] == ["b"]
    assert survey.json("comment", "--where", "flagged", "-m", "look")["targets"] == ["b"]


def test_a_flag_is_open_until_it_is_cleared(survey):
    survey.ok("flag", "a", "b", "--reason", "artefacts")
    before = survey.head()
    assert survey.ok("unflag", "a", "-m", "fine after all").startswith("cleared the flags of a (commit ")
    assert survey.subjects(before) == ["unflag a: fine after all"]
    assert [flag["target"] for flag in survey.json("reviews", "--flags")] == ["b"]
    assert [row["kind"] for row in survey.json("reviews", "a")] == ["flag", "unflag"]
    assert survey.json("status")["flagged"] == 1


def test_only_flags_with_one_reason_are_cleared(survey):
    survey.ok("flag", "a", "--reason", "artefacts")
    survey.ok("flag", "a", "--reason", "calibration")
    survey.ok("unflag", "a", "--reason", "artefacts")
    assert [flag["reason"] for flag in survey.json("reviews", "--flags")] == ["calibration"]


def test_clearing_what_is_not_flagged_is_an_error(survey):
    assert survey.error("unflag", "a") == [
        "error: target 'a' has no open flag",
        "hint: `stoa reviews --flags` lists them",
    ]
    survey.ok("flag", "a", "b")
    assert survey.error("unflag", "[ab]", "--reason", "spurious")[0] == (
        "error: none of these 2 targets has an open flag with reason 'spurious'"
    )


def test_a_comment_on_an_outcome_names_its_run(survey):
    survey.ok("run", "measure")
    survey.ok("comment", "a", "--run", "last", "-m", "looks good")
    assert [row["run"] for row in survey.json("reviews", "a")] == survey.runs()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--run", "measure@default"), "'measure@default' stands for the outcomes of several runs"),
        (("--run", "last"), "target 'c' has no outcome of {run}"),
        (("--group", "sky"), "target 'a' has no outcome of image group sky"),
    ],
)
def test_an_outcome_that_is_commented_on_has_to_be_there(survey, words, message):
    survey.ok("run", "measure", "--target", "[ab]")
    before = survey.head()
    lines = survey.error("comment", "a", "c", "-m", "x", *words)
    assert lines[0] == "error: " + message.format(run=survey.runs()[0])
    assert survey.head() == before


def test_reviews_are_listed_in_order(survey):
    survey.ok("flag", "b", "-m", "one")
    survey.ok("comment", "a", "-m", "two\nlines")
    lines = survey.ok("reviews").splitlines()
    assert lines[0].split() == ["when", "what", "target", "reason", "by", "text"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", lines[1].split()[0])  # UTC, and said to be
    assert [line.split()[1:3] for line in lines[1:]] == [["flag", "b"], ["comment", "a"]]
    assert lines[2].endswith("two lines")


def test_nothing_said_is_said_so(survey):
    assert survey("reviews").stderr == (
        "nobody has flagged or commented yet: `stoa flag TARGET`, `stoa comment TARGET -m TEXT`\n"
    )
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


def test_a_comment_on_a_run_names_no_target(survey):
    survey.ok("run", "measure")
    run, before = survey.runs()[0], survey.head()
    assert survey.ok("comment", "--run", "last", "-m", "the seeing was bad\nthat night") == (
        f"commented on run {run} (commit {survey.head()[:9]})\n"
    )
    assert survey.subjects(before) == [f"comment run {run}: the seeing was bad"]
    (path,) = survey.changed(before)
    record = yaml.safe_load(survey.committed(path))
    assert path == f".stoa/reviews/{run}/{record['id']}.yaml"
    assert (record["kind"], record["target"], record["run"]) == ("comment", "", run)


def test_a_run_is_shown_with_what_was_said_about_it_and_its_outcomes(survey):
    survey.ok("run", "measure")
    survey.ok("comment", "--run", "last", "-m", "bad seeing")
    survey.ok("comment", "a", "--run", "last", "-m", "fine")
    survey.ok("comment", "a", "-m", "of the target")
    said = survey.ok("show", "last")
    assert re.search(r"\ncomment by Test Astronomer, .*\n  bad seeing\n", said)
    assert re.search(r"\ncomment on a by Test Astronomer, .*\n  fine\n", said)
    assert "of the target" not in said
    assert [row["text"] for row in survey.json("reviews", survey.runs()[0])] == ["bad seeing", "fine"]
    assert f"run {survey.runs()[0]}" in survey.ok("reviews").splitlines()[1]
    assert [row["text"] for row in survey.json("reviews", "a")] == ["fine", "of the target"]
    assert survey.ok("fsck").endswith("3 reviews, 0 metadata documents: 0 problems\n")


def test_a_comment_on_what_did_not_run_is_refused(survey):
    assert survey.error("comment", "--run", "last", "-m", "x")[0] == "error: nothing has run yet"
    survey.ok("run", "measure")
    before = survey.head()
    assert survey.error("comment", "--run", "measure@default", "-m", "x")[0] == (
        "error: 'measure@default' stands for the outcomes of several runs"
    )
    assert survey.error("comment", "-m", "x")[0] == "error: which targets?"
    assert survey.head() == before


def test_a_flag_without_a_target_is_no_record(survey):
    survey.ok("run", "measure")
    survey.ok("comment", "--run", "last", "-m", "x")
    (path,) = survey.changed("HEAD~1")
    survey.edit(path, "kind: comment", "kind: flag")
    survey.git("commit", "-q", "-a", "-m", "by another hand")
    assert f"cannot read reviews/{survey.runs()[0]}" in survey("status").stderr.replace(".stoa/", "")
    assert survey.json("reviews", "--flags") == []
