"""What the dashboard reads of the records: current outcomes, who did what, the state over time, what a run rests on."""

from __future__ import annotations

import pytest

from stoa.commands.unflag import unflag
from stoa.provenance.git import commits
from stoa.show.events import event_in_words
from stoa.show.graph import provenance_graph
from stoa.workspace.board import CURRENT, current_outcomes, events, flags_in_words, settled_state
from stoa.workspace.history import commits_of, history
from stoa.workspace.lineage import lineage
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged


@pytest.fixture
def ran(survey):
    survey.does("b", 'echo "Error: no beam in /data/$(basename $1)/x.fits" >&2; exit 1')
    survey.does("c", 'echo "Error: no beam in /data/$(basename $1)/x.fits" >&2; exit 1')
    survey("run", "measure")
    return survey


@pytest.fixture
def ws(ran):
    opened = Workspace(ran.top)
    yield opened
    opened.close()


def rows(ws):
    return [dict(zip(CURRENT, row, strict=True)) for row in current_outcomes(ws)]


def test_equal_faults_of_different_targets_are_alike(ws):
    likes = {row["target"]: row["like"] for row in rows(ws)}
    assert likes["a"] == ""
    assert likes["b"] == likes["c"] == "Error: no beam in <path>.fits"


def test_a_pair_is_written_as_it_is_typed(ws):
    assert {row["pair"] for row in rows(ws)} == {"measure@default"}


def test_the_flags_of_a_target_are_its_reasons_in_their_order(ran, ws):
    ran.ok("flag", "b", "--reason", "check")
    ran.ok("flag", "b", "--reason", "artefacts")
    assert flags_in_words(ws) == {"b": "check artefacts"}


def test_verdicts_leave_what_is_settled_and_runs_and_targets_do_not(ran, ws):
    def now():
        return settled_state(ws, ws.repository.head())

    before = now()
    ran.ok("flag", "b", "--reason", "check")
    ran.ok("comment", "a", "-m", "fine")
    assert now() == before
    ran.ok("target", "remove", "c")
    without = now()
    assert without != before
    ran("run", "measure", "--force")
    assert now() not in (before, without)


def test_a_target_that_is_in_no_list_any_more_is_left_out(ran, ws):
    ran.ok("target", "remove", "b")
    ws.reread()
    assert [row["target"] for row in rows(ws)] == ["a", "c"]


def test_events_name_each_action_once_the_newest_first(ran, ws):
    ran.ok("flag", "a", "b", "--reason", "check", "-m", "stripes\nand more")
    newest, run = events(ws, 2)
    assert (newest.kind, newest.count, run.kind, run.count) == ("flag", 2, "run", 3)
    assert event_in_words(newest) == "Test Astronomer flagged 2 targets (check): stripes and more"
    assert event_in_words(run) == "Test Astronomer ran measure@default (3 jobs)"


def test_the_history_counts_what_was_current_then(ran, ws):
    ran.ok("flag", "a", "--reason", "check")
    ran.does("b", "true")
    ran("rerun", "--failed")
    ran.ok("unflag", "a")
    found = [(moment.counts, moment.flagged) for moment in history(ws)]
    assert found == [
        ({"ok": 1, "failed": 2}, 0), ({"ok": 1, "failed": 2}, 1), ({"ok": 2, "failed": 1}, 1),
        ({"ok": 2, "failed": 1}, 0),
    ]  # fmt: skip


def test_the_history_of_one_pair_leaves_out_the_others(ran, ws):
    ran.ok("params", "new", "deep", "--process", "measure", "--set", "snr=7")
    ran("run", "measure@deep")
    assert [sum(moment.counts.values()) for moment in history(ws, "measure", "deep")] == [3]
    assert [sum(moment.counts.values()) for moment in history(ws)] == [3, 6]


def test_the_commits_of_a_run_are_found_by_its_trailer(ran, ws):
    ran("run", "measure", "--force")
    (first, _) = ran.runs()
    assert [commit.subject for commit in commits_of(ws, first)] == ["measure @ default: 1 ok, 2 failed of 3"]
    assert [commit.subject for commit in commits(ws.repository)] == ran.subjects()


def test_a_run_takes_and_makes_what_its_outcomes_say(ran, ws):
    found = lineage(ws, ran.runs()[0])
    assert (found.jobs, found.outputs, found.results) == (3, {"table": 1}, ("snr",))
    assert found.script == "measure.sh"


def test_a_graph_has_no_text_that_is_obeyed(ran, ws):
    ran.git("config", "user.name", 'Eve"] --> x; click run "javascript:alert(1)" <img src=x>')
    ran("run", "measure", "--force")
    drawn = provenance_graph(lineage(ws, ran.runs()[-1]))
    assert "<img" not in drawn
    assert "click run" in drawn  # as letters of a label
    assert not [line for line in drawn.splitlines() if line.strip().startswith("click")]
    assert drawn.count('"') % 2 == 0
    assert "#34;" in drawn


def test_one_s_own_flag_is_cleared_by_its_id(ran, ws):
    mine = ran.json("flag", "a", "--reason", "check")["id"]
    ran.ok("flag", "a", "--reason", "artefacts")
    unflag(ws, ["a"], event=mine)
    assert flagged(ws) == {"a": ["artefacts"]}
