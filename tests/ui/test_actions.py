"""Actions of the dashboard: names in, one commit out, and the way back."""

from __future__ import annotations

import pytest

from stoa.errors import StoaError
from stoa.ui import actions


def flags(survey):
    return {(row["target"], row["reason"]) for row in survey.json("reviews", "--flags")}


def test_a_flag_is_one_commit_and_can_be_taken_back(judged):
    before = judged.head()
    done = actions.flag(["a", "b"], "check", "stripes")
    assert len(judged.subjects(before)) == 1
    assert flags(judged) == {("a", "check"), ("b", "check")}
    actions.take_back(done)
    assert flags(judged) == set()


def test_taking_back_leaves_the_flags_of_others(judged):
    judged.ok("flag", "a", "--reason", "check", "-m", "by someone else")
    actions.take_back(actions.flag(["a", "b"], "check"))
    assert flags(judged) == {("a", "check")}


def test_clearing_is_taken_back_with_the_same_reasons(judged):
    judged.ok("flag", "a", "--reason", "check")
    judged.ok("flag", "a", "--reason", "artefacts")
    done = actions.clear(["a"])
    assert flags(judged) == set()
    actions.take_back(done)
    assert flags(judged) == {("a", "check"), ("a", "artefacts")}


def test_a_name_that_is_gone_stops_the_whole_action(judged):
    before = judged.head()
    with pytest.raises(StoaError, match="gone is no target any more"):
        actions.flag(["a", "gone"], "check")
    assert judged.head() == before


@pytest.mark.parametrize("pattern", ["*", "[ab]", "?"])
def test_a_name_is_never_a_pattern(judged, pattern):
    with pytest.raises(StoaError, match="no target"):
        actions.flag([pattern], "check")


def test_a_comment_cannot_be_taken_back(judged):
    done = actions.comment(["a"], "looks odd")
    assert done.undo is None
    with pytest.raises(StoaError, match="cannot be taken back"):
        actions.take_back(done)


def test_a_reader_changes_nothing(judged, monkeypatch):
    monkeypatch.setenv("STOA_UI_READ_ONLY", "1")
    before = judged.head()
    for act in (lambda: actions.flag(["a"], "check"), lambda: actions.stop_run("last"), actions.sync):
        with pytest.raises(StoaError, match="read-only"):
            act()
    assert judged.head() == before


def test_a_sync_says_what_came_in(judged, tmp_path, cli):
    judged.git("init", "--quiet", "--bare", str(tmp_path / "hub.git"))
    judged.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    judged.ok("sync")
    cli.ok("clone", str(tmp_path / "hub.git"), str(tmp_path / "other"))
    cli.ok("-C", str(tmp_path / "other"), "flag", "a", "b", "--reason", "check")
    cli.ok("-C", str(tmp_path / "other"), "sync")
    assert "flagged 2 targets (check)" in actions.sync().words


def steps_declared(survey):
    survey.edit(".stoa/config.yaml", "schema: 1", "schema: 1\nsteps: {weblog: ''}")
    survey.git("commit", "-qam", "steps")


def test_a_step_that_is_taken_back_is_what_it_was(judged):
    steps_declared(judged)
    judged.ok("step", "a", "weblog", "not-needed")
    actions.take_back(actions.record_step(["a", "b"], "weblog", "done"))
    todo = judged.json("todo", "--all")["items"]
    assert [each["target"] for each in todo] == ["b", "c"]


def test_an_assignment_that_is_taken_back_is_what_it_was(judged):
    steps_declared(judged)
    judged.ok("assign", "a", "Ada")
    done = actions.assign(["a", "b"], "Ben")
    assert "to Ben" in done.words
    actions.take_back(done)
    assert [each["target"] for each in judged.json("todo", "Ada")["items"]] == ["a"]
    assert judged.json("todo", "Ben")["items"] == []


def test_an_assignment_to_nobody_is_taken_back(judged):
    steps_declared(judged)
    judged.ok("assign", "a", "Ada")
    done = actions.assign(["a"], "nobody")
    assert judged.json("todo", "Ada")["items"] == []
    actions.take_back(done)
    assert [each["target"] for each in judged.json("todo", "Ada")["items"]] == ["a"]


def test_what_others_recorded_since_is_not_taken_back(judged):
    steps_declared(judged)
    done = actions.assign(["a"], "Ben")
    judged.ok("assign", "a", "Ada")
    with pytest.raises(StoaError, match="something else has been recorded since"):
        actions.take_back(done)
    assert [each["target"] for each in judged.json("todo", "Ada")["items"]] == ["a"]


def test_what_changed_nothing_cannot_be_taken_back(judged):
    steps_declared(judged)
    judged.ok("assign", "a", "Ada")
    assert actions.assign(["a"], "Ada").undo is None


def test_a_tag_is_taken_back_from_those_that_got_it(judged):
    judged.ok("tag", "a", "paper I")
    actions.take_back(actions.tag(["a", "b"], "paper I"))
    assert judged.json("tag")["tags"] == {"paper I": ["a"]}
    actions.take_back(actions.tag(["a"], "paper I", remove=True))
    assert judged.json("tag")["tags"] == {"paper I": ["a"]}


def test_a_selection_within_a_selection_becomes_part_of_it(judged):
    judged.ok("select", "bad", "--failed")
    actions.save_selection("bad and flagged", "flagged", [], ["bad"])
    judged.ok("flag", "a", "b", "--reason", "check")
    assert judged.ok("select", "bad and flagged").split() == ["b"]
