"""stoa runs: the list."""

from __future__ import annotations


def test_runs_are_listed_the_latest_last(looked):
    looked.ok("run", "measure", "--set", "snr=6", "--target", "a")
    rows = looked.json("runs")
    assert [(row["params"], row["state"], row["jobs"]) for row in rows] == [
        ("default", "done", 3),
        ("default+snr=6", "done", 1),
    ]
    assert [row["run"] for row in looked.json("runs", "--last", "1")] == [rows[1]["run"]]
    cells = looked.ok("runs").splitlines()[1].split()
    assert cells[:13] == [
        rows[0]["run"], "measure", "default", "done", "3", "1", "ok,", "1", "failed,", "1", "skipped", cells[11], "s",
    ]  # fmt: skip


def test_no_run_is_said_so(survey):
    assert survey("runs").stderr == "no run yet: `stoa run PROCESS`\n"
    assert survey.json("runs") == []
