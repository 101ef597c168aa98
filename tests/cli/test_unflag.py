"""stoa unflag: flags that are cleared."""

from __future__ import annotations


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
