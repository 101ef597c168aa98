"""Stopping: `stoa stop`, Ctrl-C once and twice, SIGTERM, and SIGKILL, of real processes."""

from __future__ import annotations

import signal

import pytest
from slow_jobs import end, go, interrupt, killed, wait_until_running
from survey import Survey, wait_for


def test_ctrl_c_once_lets_what_runs_end_and_commits_it(waiting, begin):
    process = begin("run", "measure", "-j", "1")
    said = interrupt(process)
    go(waiting, "a", "b", "c")
    code, _, err = end(process)
    assert code == 130
    assert "no further job starts" in said
    assert "`stoa run` with the same options continues, and with --force begins again" in err
    statuses = waiting.statuses()
    assert statuses.pop("a") == "ok"
    assert set(statuses.values()) <= {"interrupted"}
    assert len(waiting.runs()) == 1


def test_a_stopped_run_goes_on_where_it_was(waiting, begin):
    process = begin("run", "measure", "-j", "1")
    interrupt(process)
    go(waiting, "a", "b", "c")
    end(process)
    assert {job["target"] for job in waiting.json("plan", "measure")["jobs"] if job["runs"]} == {"b", "c"}
    waiting.ok("run", "measure")
    assert waiting.json("status")["pairs"][0]["counts"] == {"ok": 3}


def test_ctrl_c_twice_stops_what_runs_and_commits_all_the_same(waiting, begin):
    process = begin("run", "measure", "-j", "1")
    interrupt(process)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert code == 130
    assert "stopping the running jobs" in err
    assert waiting.statuses()["a"] == "interrupted"
    assert waiting.outcomes()["a"]["cause"] == "stopped by the user"


def test_sigterm_stops_at_once(waiting, begin):
    process = begin("run", "measure", "-j", "1", "--json")
    process.terminate()
    assert end(process)[0] == 130
    assert waiting.statuses()["a"] == "interrupted"


def test_a_run_under_nohup_outlives_its_terminal_and_its_jobs_have_the_usual_signals(waiting, begin):
    waiting.does("b", "kill -HUP $$")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does
    try:
        process = begin("run", "measure", "-j", "1")
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    go(waiting, "a", "c")
    assert end(process)[0] == 3
    assert waiting.statuses() == {"a": "ok", "b": "killed", "c": "ok"}


@pytest.mark.parametrize(("words", "status"), [((), "ok"), (("--now",), "interrupted")])
def test_a_run_in_the_background_of_a_script_is_reached_by_stop(waiting, begin, words, status):
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)
    }  # what & does
    try:
        process = begin("run", "measure", "-j", "1")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    process.send_signal(signal.SIGINT)  # Ctrl-C at the terminal is about something else
    waiting.ok("stop", *words)
    go(waiting, "a", "b", "c")
    assert end(process)[0] == 130
    statuses = waiting.statuses()
    assert statuses.pop("a") == status
    assert "ok" not in statuses.values()


def test_without_nohup_a_run_is_stopped_when_its_terminal_closes(waiting, begin):
    process = begin("run", "measure", "-j", "1")
    process.send_signal(signal.SIGHUP)
    assert end(process)[0] == 130
    assert waiting.statuses()["a"] == "interrupted"


def test_ctrl_c_ends_a_sweep_too(waiting, begin):
    process = begin("run", "measure", "-j", "1", "--set", "snr=3,4", "--target", "a")
    interrupt(process)
    go(waiting, "a")
    assert end(process)[0] == 130
    assert waiting.subjects()[0] == "measure @ default+snr=3: 1 ok of 1"


def test_a_live_run_is_seen_by_the_others(waiting, begin):
    process = begin("run", "measure", "-j", "1")
    run = waiting.json("runs")[0]["run"]
    assert waiting.json("runs")[0]["state"] == "running"
    assert waiting.ok("status").splitlines()[1] == f"running: {run} measure @ default: nothing of 3"
    assert waiting.ok("why", "measure", "b") == f"b: does not run, is running in {run}\n"
    assert waiting.ok("run", "measure").splitlines()[1] == f"not run: 3 are running in {run}"
    go(waiting, "a", "b", "c")
    assert end(process)[0] == 0


def test_other_targets_run_beside_a_live_run(waiting, begin):
    process = begin("run", "measure", "-j", "1", "--target", "a")
    go(waiting, "b", "c")
    assert waiting.json("run", "measure")["counts"] == {"ok": 2}
    go(waiting, "a")
    assert end(process)[0] == 0
    assert waiting.json("status")["pairs"][0]["counts"] == {"ok": 3}


@pytest.fixture
def cut_off(waiting, begin) -> Survey:
    """a has ended, b was running, c had not begun when STOA was killed."""
    go(waiting, "a")
    process = begin("run", "measure", "-j", "1")
    wait_until_running(waiting, "b")
    wait_for(lambda: waiting.json("runs")[0]["counts"] == {"ok": 1}, "the outcome of a", 60)
    killed(waiting, process)
    assert waiting.runs() == []
    return waiting


@pytest.mark.parametrize("words", [("status",), ("flag", "c"), ("run", "measure", "--target", "c", "--dry-run")])
def test_a_killed_run_is_put_into_git_by_the_next_command_of_anyone(cut_off, words):
    cut_off.ok(*words)
    assert len(cut_off.runs()) == 1
    assert cut_off.statuses()["a"] == "ok"
    assert cut_off.statuses()["b"] == "interrupted"
    assert cut_off.outcomes()["b"]["cause"] == "STOA or the machine stopped while it ran"
    assert not list((cut_off.top / ".git/stoa/spool").glob("2*"))


def test_nothing_of_a_killed_run_is_there_twice(cut_off):
    for _ in range(3):
        cut_off.ok("status")
    assert sum("(cut off)" in subject for subject in cut_off.subjects()) == 1
    go(cut_off, "b", "c")
    cut_off.ok("run", "measure")
    assert cut_off.json("status")["pairs"][0]["counts"] == {"ok": 3}
    done = [run for run in cut_off.runs() if cut_off.statuses(run).get("a")]
    assert len(done) == 1


def test_what_a_killed_run_was_is_in_git_with_its_definitions(cut_off):
    cut_off.ok("status")
    (run,) = cut_off.runs()
    names = cut_off.git("ls-tree", "-r", "--name-only", "HEAD", f".stoa/runs/{run}").splitlines()
    assert [name.removeprefix(f".stoa/runs/{run}/") for name in names] == [
        "frozen/environment.yaml", "frozen/environments/host/packages.txt", "frozen/params.yaml",
        "frozen/process.yaml", "frozen/script/measure.sh", "outcomes-0000.yaml", "run.yaml", "summary.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [("run", "measure"), ("run", "measure", "--json")])
def test_a_reader_that_goes_away_costs_no_outcome(waiting, begin, words):
    process = begin(*words)
    for stream in (process.stdout, process.stderr):
        stream.close()
    go(waiting, "a", "b", "c")
    process.wait(timeout=60)
    assert waiting.statuses() == {"a": "ok", "b": "ok", "c": "ok"}
    assert waiting.json("runs")[0]["state"] == "done"
