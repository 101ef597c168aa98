"""A clock that is set while a run continues, as by a time server after a sleep: durations, timeouts, order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from survey import Survey, wait_for

pytestmark = pytest.mark.service

SLOW = """\
echo $$ > "$1/started"
while [ ! -e "$1/go" ]; do sleep 0.02; done
"""


@pytest.fixture
def set_clock(tmp_path, monkeypatch, require_service) -> Callable[[str], None]:
    """Set the clock of the processes that are started later, while they run, by an offset."""
    (library,) = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None][:1]
    require_service("faketime", library, "no libfaketime (Debian: faketime)")
    file = tmp_path / "clock"

    def set_to(offset: str) -> None:
        file.write_text(offset)

    set_to("+0d")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(file))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return set_to


@pytest.mark.parametrize("offset", ["-1d", "+3650d"])
def test_a_clock_that_jumps_during_a_run_changes_no_outcome_and_no_order(survey: Survey, set_clock, offset):
    process = survey.top / ".stoa/processes/measure.yaml"
    process.write_text(process.read_text() + "timeout: 60s\n")
    survey.does("a", SLOW)
    started = survey.start("run", "measure")
    wait_for((survey.top / "data/a/started").exists, "the job of a", 60)
    set_clock(offset)
    (survey.top / "data/a/go").touch()
    started.communicate(timeout=60)
    found = survey.outcomes()
    assert {name: outcome["status"] for name, outcome in found.items()} == {"a": "ok", "b": "ok", "c": "ok"}
    assert all(0 <= outcome["duration_s"] < 60 for outcome in found.values())
    assert not [job for job in survey.json("plan", "measure")["jobs"] if job["runs"]]
    # By the clock as it is now, and put right again: what counts is what ran last.
    for now, does, counts in ((offset, "exit 3", {"ok": 2, "failed": 1}), ("+0d", "true", {"ok": 3})):
        set_clock(now)
        (survey.top / "data/a/job.sh").write_text(does)
        survey.start("run", "measure", "--force", "--target", "a").communicate(timeout=60)
        assert survey.json("status")["pairs"][0]["counts"] == counts, now
