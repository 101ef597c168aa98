"""Jobs that ran out of memory and are tried again with more; disks that have no room for a run."""

from __future__ import annotations

import json
import os

import pytest

from stoa.runs import joblist as making

HUNGRY = """\
import sys, pathlib
if pathlib.Path(sys.argv[1], "hungry").exists():
    held = bytearray(int(pathlib.Path(sys.argv[1], "hungry").read_text()) * 1_000_000)
print("enough")
"""


@pytest.fixture
def hungry(survey):
    """A survey whose target `a` needs 150 MB and whose target `b` needs 900 MB."""
    (survey.top / "hungry.py").write_text(HUNGRY)
    (survey.top / "data/a/hungry").write_text("150")
    (survey.top / "data/b/hungry").write_text("900")
    (survey.top / ".stoa/processes/eats.yaml").write_text(
        "name: eats\nscript: hungry.py\ncommand: [python, '{script}', '{target}']\nmemory: 100MB\nmemory_most: 400MB\n"
    )
    return survey


def outcomes(survey, run: str) -> list[dict]:
    lines = survey.committed(f".stoa/runs/{run}/outcomes-0000.yaml").splitlines()
    return sorted((json.loads(line[2:]) for line in lines), key=lambda o: (o["target"], o.get("attempt", 1)))


def test_a_job_that_ran_out_of_memory_is_tried_again_with_twice_as_much_up_to_the_most(hungry):
    report = hungry.json("run", "eats", "-j", "2")
    assert report["counts"] == {"ok": 2, "killed": 1}, hungry.ok("status")
    found = [
        (o["target"], o.get("attempt", 1), o["status"], o.get("memory_limit_mb", 0))
        for o in outcomes(hungry, report["run"])
    ]
    assert found == [
        ("a", 1, "killed", 0), ("a", 2, "ok", 200),
        ("b", 1, "killed", 0), ("b", 2, "killed", 200), ("b", 3, "killed", 400),
        ("c", 1, "ok", 0),
    ]  # fmt: skip
    assert hungry.json("run", "eats")["run"] == "", "what failed with the most is left alone"
    assert hungry.ok("fsck")


def test_without_a_most_it_is_not_tried_again(hungry):
    hungry.edit(".stoa/processes/eats.yaml", "memory_most: 400MB\n", "")
    report = hungry.json("run", "eats")
    assert report["counts"] == {"ok": 1, "killed": 2}
    assert [o.get("attempt", 1) for o in outcomes(hungry, report["run"])] == [1, 1, 1]


def test_a_most_below_the_first_limit_is_refused(hungry):
    hungry.edit(".stoa/processes/eats.yaml", "400MB", "50MB")
    assert "memory_most must be above `memory`" in hungry.error("run", "eats")[0]


def test_a_run_that_the_disk_has_no_room_for_does_not_start(survey):
    survey.edit(".stoa/processes/measure.yaml", "script: measure.sh", "script: measure.sh\ndisk: 900000000GB")
    error = survey.error("run", "measure", "-j", "2")[0]
    assert error.startswith("error: the disk of the products has ")
    assert "1800000000000 MB at once" in error
    assert survey.runs() == []


def test_a_disk_that_is_nearly_full_is_noticed_unasked(survey, monkeypatch):
    disk = os.statvfs(survey.top)
    monkeypatch.setattr(making, "LEAST_FREE_MB", int(disk.f_blocks * disk.f_frsize / 1e6) + 1)
    assert "the disk of the products has" in survey.error("run", "measure")[0]
