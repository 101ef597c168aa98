"""Runs that are started from the dashboard: processes of their own, followed and stopped."""

from __future__ import annotations

import os

import pytest
from survey import wait_for

from stoa.ui import actions, live
from stoa.ui.reading import about
from stoa.workspace.watch import watch

WAITING = 'touch "$1/began"; while [ ! -e "$1/go" ]; do sleep 0.05; done'


@pytest.fixture
def slow(judged):
    """A project whose target `a` waits until a file tells it to go on."""
    judged.does("a", WAITING)
    yield judged
    (judged.top / "data/a/go").touch()
    wait_for(lambda: all(child.poll() is not None for child in live._children().values()), "the runs to end", 60)


def test_a_run_lives_in_a_session_of_its_own_and_is_followed(slow):
    before = slow.head()
    live.start(("stoa", "run", "measure", "--force", "--jobs", "1"))
    (run,) = wait_for(lambda: about(watch), "the run to begin", 60)
    child = list(live._children().values())[-1]
    assert os.getsid(child.pid) != os.getsid(0)
    assert (run.jobs, run.state, run.process) == (3, "running", "measure")
    (slow.top / "data/a/go").touch()
    wait_for(lambda: child.poll() is not None, "the run to end", 60)
    assert slow.subjects(before)[0].startswith("measure @ default: 2 ok, 1 failed")
    assert about(watch) == []


def test_a_live_run_is_stopped_from_the_page(slow):
    live.start(("stoa", "run", "measure", "--force", "--jobs", "1"))
    wait_for((slow.top / "data/a/began").exists, "the job to begin", 60)
    (run,) = about(watch)
    assert "starts no more jobs" in actions.stop_run(run.run).words
    (slow.top / "data/a/go").touch()
    wait_for(lambda: not about(watch), "the run to end", 60)
    assert slow.statuses() == {"a": "ok"}


def test_a_live_run_is_on_the_overview(slow, page):
    live.start(("stoa", "run", "measure", "--force", "--jobs", "1"))
    wait_for(lambda: about(watch), "the run to begin", 60)
    shown = page("overview")
    assert any("▶ running  measure@default" in text.value for text in shown.text)
    assert {"Stop", "Stop at once"} <= {button.label for button in shown.button}


def test_what_a_start_printed_is_kept(slow):
    (slow.top / "data/a/go").touch()
    live.start(("stoa", "run", "nothing"))
    child = list(live._children().values())[-1]
    assert wait_for(lambda: child.poll() is not None, "the command to end", 60)
    (log,) = (slow.top / ".stoa/cache/started").glob("run-*.log")
    assert "no process named 'nothing'" in log.read_text(encoding="utf-8")
