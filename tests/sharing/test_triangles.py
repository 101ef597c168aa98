"""Fetching from one repository and pushing to another one, as `git push` would: a fork, or addresses that only take."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from collaborators import Person

from stoa.provenance.git import GitError


@pytest.fixture
def fork(hub: Path, tmp_path: Path) -> Path:
    """A copy of the hub that Anna alone pushes to."""
    subprocess.run(["git", "clone", "-q", "--bare", str(hub), str(tmp_path / "fork.git")], check=True)
    return tmp_path / "fork.git"


def tip(repository: Path) -> str:
    words = ["git", "rev-parse", "refs/heads/main"]
    return subprocess.run(words, cwd=repository, capture_output=True, text=True, check=True).stdout.strip()


def point_to_fork(anna: Person, fork: Path, way: str) -> None:
    if way == "pushurl":
        anna.git("config", "remote.origin.pushurl", str(fork))
    else:
        anna.git("remote", "add", "fork", str(fork))
        anna.git("config", way, "fork")


@pytest.mark.parametrize("way", ["remote.pushDefault", "branch.main.pushRemote", "pushurl"])
def test_commits_go_where_git_push_sends_them_and_come_from_upstream(anna, ben, hub, fork, way):
    point_to_fork(anna, fork, way)
    before = tip(hub)
    for target in ("a", "b"):
        anna.flag(target)
        report = anna.sync()
        assert (report.received, report.sent, len(report.sent_to)) == (0, 1, 1)
    assert (tip(fork), tip(hub)) == (anna.head(), before)
    ben.flag("c")
    ben.sync()
    report = anna.sync()
    assert (report.received, report.merged) == (1, True)
    assert (tip(fork), tip(hub)) == (anna.head(), ben.head())
    assert anna.sync().sent == 0
    assert {row[0] for row in anna.rows("SELECT target FROM reviews")} == {"a", "b", "c"}


def test_a_fork_that_has_moved_by_itself_is_merged(anna, ben, fork):
    point_to_fork(anna, fork, "remote.pushDefault")
    ben.git("remote", "set-url", "origin", str(fork))
    ben.flag("c")
    ben.sync()
    anna.flag("a")
    assert anna.sync().merged
    assert tip(fork) == anna.head()


def test_every_address_that_takes_gets_the_commits(anna, hub, fork):
    for url in (hub, fork):
        anna.git("config", "--add", "remote.origin.pushurl", str(url))
    for target in ("a", "b"):
        anna.flag(target)
        anna.sync()
        assert tip(hub) == tip(fork) == anna.head()


def test_a_remote_that_is_asked_for_gives_and_gets(anna, hub, fork):
    point_to_fork(anna, fork, "remote.pushDefault")
    anna.flag("a")
    assert anna.sync(remote="origin").sent_to == ()
    assert tip(hub) == anna.head()


def test_an_address_that_could_run_commands_gets_nothing(anna, tmp_path):
    anna.git("config", "remote.origin.pushurl", f"ext::touch {tmp_path}/executed")
    anna.flag("a")
    with pytest.raises(GitError, match="addresses of the kind 'ext'"):
        anna.sync()
    assert not (tmp_path / "executed").exists()
