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
