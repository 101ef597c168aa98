"""A project whose process runs in a container, from definition to record."""

from __future__ import annotations

import pytest
import yaml
from container_servers import load_image

pytestmark = pytest.mark.service


@pytest.fixture
def project(survey, container_servers, monkeypatch):
    """The survey, its process `measure` in a container."""
    server = container_servers("docker")
    monkeypatch.setenv("DOCKER_HOST", server.address)
    load_image(server, server.folder / "tree", "survey:1", {"PATH": "/bin", "WHERE": "inside"})
    survey.ok("env", "add", "box", "--image", "survey:1")
    survey.edit(".stoa/processes/measure.yaml", "script: measure.sh", "script: measure.sh\nenvironment: box")
    survey.server = server
    return survey


def test_a_run_in_containers_is_recorded_with_the_image(project):
    project.does("a", 'echo $WHERE; echo x > "$1/new" || true')
    report = project.json("run", "measure", "-j", "2")
    assert report["counts"] == {"ok": 3}, project.ok("status")
    record = yaml.safe_load(project.committed(f".stoa/runs/{report['run']}/run.yaml"))
    assert record["environment_facts"]["image_id"] == record["digests"]["content of box"]
    assert record["environment_facts"]["image"] == "survey:1"
    assert "inside" in project.ok("log", "a")
    assert not (project.top / "data/a/new").exists()
    client = project.server.client()
    assert client.containers.list(all=True) == []
    client.close()


def test_another_image_behind_the_name_makes_outcomes_stale(project):
    project.ok("run", "measure")
    assert project.json("run", "measure")["run"] == ""
    load_image(project.server, project.server.folder / "tree", "survey:1", {"PATH": "/bin", "WHERE": "elsewhere"})
    assert "the environment 'box' was built again or its image changed: sha256:" in project.ok("why", "measure", "a")


def test_without_its_server_a_run_does_not_begin_and_nothing_is_stale(project, monkeypatch):
    project.ok("run", "measure")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert project.json("run", "measure")["run"] == ""
    before = project.runs()
    error = project.error("run", "measure", "--force")[0]
    assert error.startswith(
        "error: environment 'box' cannot be made ready: no Docker server answers at unix:///nowhere"
    )
    assert project.runs() == before


def test_a_project_that_would_show_the_home_folder_is_refused(project, monkeypatch):
    monkeypatch.setenv("HOME", str(project.top / "data/a"))
    assert "your home folder with it" in project.error("run", "measure")[0]
    assert project.runs() == []


def test_an_image_that_is_not_there_is_told_by_check(project):
    project.edit(".stoa/environments/box.yaml", "survey:1", "survey:9")
    said = project("process", "check")
    assert "image 'survey:9' of environment 'box' is not on this machine" in said.stderr
