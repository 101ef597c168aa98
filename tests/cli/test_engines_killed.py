"""STOA is killed while jobs run, on every engine: whoever comes next has one run in git and nothing twice."""

from __future__ import annotations

import pytest
from survey import Survey, wait_for

from stoa.exec.engines import ENGINES

pytestmark = pytest.mark.service
LONG_S = 60.0


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest, survey: Survey) -> str:
    settings = ""
    if request.param == "slurm":
        request.getfixturevalue("slurm")
        settings = "slurm: {chunk: 1, settle: 0s}\n"
    if request.param == "dask":
        settings = request.getfixturevalue("shared_dask").settings
    local = survey.top / ".stoa/local.yaml"
    local.write_text(local.read_text() + settings)
    return request.param


def test_a_killed_stoa_loses_nothing_and_counts_nothing_twice(survey, engine):
    for name in "bc":
        survey.does(name, 'touch "$1/started"; while [ ! -e "$1/go" ]; do sleep 0.05; done')
    process = survey.start("run", "measure", "--engine", engine, "-j", "2")
    try:
        wait_for(lambda: survey.json("runs")[-1:] and survey.json("runs")[-1]["counts"], "the first outcome", LONG_S)
        wait_for((survey.top / "data/b/started").exists, "the second job", LONG_S)
    finally:
        process.kill()
        process.communicate()
    for name in "bc":
        (survey.top / "data" / name / "go").touch()
    wait_for(lambda: survey.ok("status") and survey.runs(), "the run in git", LONG_S)
    (run,) = survey.runs()
    assert survey.statuses(run)["a"] == "ok"
    assert set(survey.statuses(run).values()) <= {"ok", "interrupted"}
    survey("run", "measure")
    assert survey.json("status")["pairs"][0]["counts"] == {"ok": 3}
    assert survey.ok("fsck")
