"""STOA is killed while jobs run, on every engine: whoever comes next has one run in git and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from container_servers import IMAGE
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


@pytest.fixture(params=["host", "docker"])
def environment(request: pytest.FixtureRequest, survey: Survey, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The script runs on this machine, or in containers, of which none is left in the end."""
    if request.param == "host":
        yield
        return
    server = request.getfixturevalue("container_servers")("docker")
    monkeypatch.setenv("DOCKER_HOST", server.address)
    survey.ok("env", "add", "box", "--image", IMAGE)
    survey.edit(".stoa/processes/measure.yaml", "script: measure.sh", "script: measure.sh\nenvironment: box")
    yield
    with closing(server.client()) as client:
        assert client.containers.list(all=True) == []


@pytest.mark.usefixtures("environment")
def test_a_killed_stoa_loses_nothing_and_counts_nothing_twice(survey, engine):
    for name in "bc":
        survey.does(name, 'touch started; while [ ! -e "$1/go" ]; do sleep 0.05; done')
    process = survey.start("run", "measure", "--engine", engine, "-j", "2")
    try:
        wait_for(lambda: survey.json("runs")[-1:] and survey.json("runs")[-1]["counts"], "the first outcome", LONG_S)
        wait_for(lambda: list(survey.top.glob("products/**/.work/b/started")), "the second job", LONG_S)
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
