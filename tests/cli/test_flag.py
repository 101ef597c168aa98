"""stoa flag: judgements as records."""

from __future__ import annotations

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


def test_a_flag_without_a_target_is_no_record(survey):
    survey.ok("run", "measure")
    survey.ok("comment", "--run", "last", "-m", "x")
    (path,) = survey.changed("HEAD~1")
    survey.edit(path, "kind: comment", "kind: flag")
    survey.git("commit", "-q", "-a", "-m", "by another hand")
    assert f"cannot read reviews/{survey.runs()[0]}" in survey("status").stderr.replace(".stoa/", "")
    assert survey.json("reviews", "--flags") == []
