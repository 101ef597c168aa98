"""Projects that several verbs are tried on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
from found_sources import find_sources
from slow_jobs import SLOW, kill_group, wait_until_running
from survey import Survey


@pytest.fixture
def looked(survey):
    """One run: a is ok, b failed, c is not applicable."""
    survey.does("a", "echo looking at a")
    survey.does("b", "echo first; echo 'OSError: truncated' >&2; exit 3")
    survey.does("c", "echo no images here; exit 77")
    survey("run", "measure")
    return survey


@pytest.fixture
def fresh(repo, cli) -> Survey:
    """A repository with one commit and no project."""
    return Survey(repo, cli)


@pytest.fixture
def sky(repo, cli, archive) -> Survey:
    """Targets of an archive: whole, truncated, empty, and without a primary beam."""
    made = archive(4, {1: "truncated", 2: "empty", 3: "no primary beam"})
    survey = Survey(repo, cli)
    survey.ok("init")
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    return survey


@pytest.fixture
def pair(survey, tmp_path, git, cli) -> tuple[Survey, Survey]:
    """Ann's project, and Ben's clone of it with the data at another place."""
    git(tmp_path, "clone", "--quiet", "--bare", str(survey.top), "hub.git")
    survey.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    git(tmp_path, "clone", "--quiet", "hub.git", "ben")
    ben = Survey(tmp_path / "ben", cli)
    ben.git("config", "user.name", "Ben")
    (tmp_path / "archive").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "archive" / name).mkdir()
    ben.ok("root", "add", "data", tmp_path / "archive")
    return survey, ben


@pytest.fixture
def found(survey):
    """Sources: two in a, one in b; the process fails for c."""
    find_sources(survey)
    (survey.top / "quasars.csv").write_text("name,ra,dec\nQ1,10.0,-30.0003\nQ2,50,20\n", encoding="utf-8")
    return survey


@pytest.fixture
def waiting(survey) -> Survey:
    """Every job says that it has started and waits for the file `go` in its target's folder."""
    for name in ("a", "b", "c"):
        survey.does(name, SLOW)
    return survey


@pytest.fixture
def begin(waiting) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command in a process of its own, and return when the script runs for target a."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        started.append(waiting.start(*words))
        wait_until_running(waiting, "a")
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
    for file in waiting.top.glob("data/*/started"):
        kill_group(int(file.read_text() or 0))
