"""stoa stop: from another terminal, at once or when the jobs have ended; `test_slurm.py` has those on a cluster."""

from __future__ import annotations

from slow_jobs import end, go
from survey import wait_for


def test_stop_from_another_terminal_lets_what_runs_end(waiting, begin):
    process = begin("run", "measure", "-j", "1")
    (run,) = (row["run"] for row in waiting.json("runs"))
    assert waiting.ok("stop") == f"told run {run} to stop; the jobs that run end by themselves\n"
    wait_for(lambda: "stopped by" in process.stderr.readline(), "the message")
    go(waiting, "a", "b", "c")
    assert end(process)[0] == 130
    assert waiting.statuses()["a"] == "ok"


def test_stop_now_by_the_start_of_the_name(waiting, begin):
    process = begin("run", "measure", "-j", "1")
    run = waiting.json("runs")[0]["run"]
    said = waiting.json("stop", run[:-1], "--now")
    assert (said["run"], said["at_once"]) == (run, True)
    assert end(process)[0] == 130
    assert waiting.statuses()["a"] == "interrupted"


def test_there_is_nothing_to_stop(survey):
    assert survey.error("stop") == ["error: no live run", "hint: `stoa runs` lists the runs"]
    assert survey.error("stop", "2026")[0] == "error: no live run named '2026'"
