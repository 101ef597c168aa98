"""stoa comment: on targets, outcomes and runs."""

from __future__ import annotations

import pytest
import yaml


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


def test_a_comment_on_what_did_not_run_is_refused(survey):
    assert survey.error("comment", "--run", "last", "-m", "x")[0] == "error: nothing has run yet"
    survey.ok("run", "measure")
    before = survey.head()
    assert survey.error("comment", "--run", "measure@default", "-m", "x")[0] == (
        "error: 'measure@default' stands for the outcomes of several runs"
    )
    assert survey.error("comment", "-m", "x")[0] == "error: which targets?"
    assert survey.head() == before
