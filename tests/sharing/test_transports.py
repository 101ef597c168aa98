"""Sharing over http and ssh, and what a bad connection or an unwilling server leads to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from collaborators import Person, clone_for
from git_servers import SSHD, HttpHub, http_hub, real_sshd, ssh_wrapper

from stoa.commands.clone import clone
from stoa.provenance.git import GitError, network, remote


@pytest.fixture
def http(hub: Path) -> Iterator[HttpHub]:
    with http_hub(hub.parent) as server:
        yield server


@pytest.fixture(params=["http", "ssh wrapper", pytest.param("sshd", marks=pytest.mark.service)])
def address(request, hub, tmp_path, monkeypatch, require_service) -> Iterator[str]:
    """The hub's address over each transport."""
    with ExitStack() as stack:
        if request.param == "http":
            yield stack.enter_context(http_hub(hub.parent)).url("hub.git")
        elif request.param == "ssh wrapper":
            monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh_wrapper(tmp_path)))
            yield f"nowhere.example:{hub}"
        else:
            require_service("sshd", SSHD, "package openssh-server")
            host, command = stack.enter_context(real_sshd(tmp_path))
            monkeypatch.setenv("GIT_SSH_COMMAND", command)
            yield f"ssh://{host}{hub}"


def test_two_clones_share_over_every_transport(address, tmp_path):
    anna = clone_for("Anna Jansky", address, tmp_path / "anna")
    clone(address, tmp_path / "ben")
    ben = Person("Ben Cook", tmp_path / "ben").introduce()
    anna.flag("a")
    ben.flag("b")
    for person in (anna, ben, anna):
        person.sync()
    assert anna.head() == ben.head()
    assert {row[0] for row in anna.rows("SELECT target FROM open_flags")} == {"a", "b"}


@pytest.fixture
def anna(http: HttpHub, tmp_path: Path) -> Person:
    return clone_for("Anna Jansky", http.url("hub.git"), tmp_path / "anna")


def once(act: Callable[[], None], part: str) -> Callable[[str], None]:
    """Do something at the first request whose path has a part, and nothing at later ones."""
    calls: list[str] = []

    def see(path: str) -> None:
        if part in path and not calls:
            calls.append(path)
            act()

    return see


def broken() -> None:
    raise ConnectionError("the line is cut")


def test_a_push_whose_answer_was_lost_is_found_to_have_arrived(anna, http, hub, git):
    anna.flag()
    http.after = once(broken, "/git-receive-pack?")
    report = anna.sync()
    assert (report.sent, report.attempts) == (1, 2)
    assert git(hub, "rev-parse", "main").strip() == anna.head()


def test_a_push_that_never_got_through_is_repeated(anna, http, hub, git):
    anna.flag()
    http.before = once(broken, "/git-receive-pack?")
    report = anna.sync()
    assert (report.sent, report.attempts) == (1, 2)
    assert git(hub, "rev-parse", "main").strip() == anna.head()


def test_a_fetch_that_broke_off_is_repeated(anna, http):
    http.before = once(broken, "service=git-upload-pack")
    assert anna.sync().attempts == 2


def test_who_pushes_in_between_is_merged(anna, http, hub, tmp_path):
    ben = clone_for("Ben Cook", str(hub), tmp_path / "ben")
    ben.flag("b")
    anna.flag("a")
    http.before = once(ben.sync, "service=git-receive-pack")
    report = anna.sync()
    assert (report.attempts, report.merged, report.received) == (2, True, 1)
    assert {row[0] for row in anna.rows("SELECT target FROM open_flags")} == {"a", "b"}


def test_a_reference_that_is_locked_on_the_server_is_waited_for(anna, http, hub):
    lock = hub / "refs/heads/main.lock"
    lock.touch()
    anna.flag()
    http.after = once(lock.unlink, "/git-receive-pack?")
    assert anna.sync().attempts == 2


def test_a_server_that_always_breaks_off_is_given_up(anna, http, monkeypatch):
    monkeypatch.setattr(remote, "MAX_LOST", 2)
    http.before = lambda _path: broken()
    with pytest.raises(GitError, match=r"cannot fetch from origin: .*500"):
        anna.sync()


def test_a_server_that_says_nothing_is_given_up(anna, http, monkeypatch):
    monkeypatch.setattr(network, "SILENCE_S", 0.5)
    monkeypatch.setattr(remote, "MAX_LOST", 2)
    answered = threading.Event()
    http.before = lambda _path: answered.wait(30) and None
    try:
        with pytest.raises(GitError, match="nothing was heard for"):
            anna.sync()
    finally:
        answered.set()


def test_a_branch_that_never_rests_is_given_up(anna, http, hub, tmp_path, monkeypatch):
    ben = clone_for("Ben Cook", str(hub), tmp_path / "ben")
    monkeypatch.setattr(remote, "PATIENCE_S", 2.0)

    def overtake(path: str) -> None:
        if "service=git-receive-pack" in path:
            ben.git("pull", "-q", "--no-rebase", "--no-edit")
            ben.git("commit", "-q", "--allow-empty", "-m", "faster")
            ben.git("push", "-q")

    http.before = overtake
    anna.flag()
    with pytest.raises(GitError, match="kept moving for 2 s; nothing is lost"):
        anna.sync()
    http.before = lambda _path: None
    anna.sync()


def test_a_lock_that_a_killed_git_left_in_a_hub_on_this_disk_is_named(hub, tmp_path):
    anna = clone_for("Anna Jansky", str(hub), tmp_path / "anna")
    lock = hub / "refs/heads/main.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60,) * 2)
    anna.flag()
    with pytest.raises(
        GitError, match=r"cannot push to origin: .*main\.lock was left by a git command that was killed"
    ) as no:
        anna.sync()
    assert f"rm {hub}" in no.value.hint
    lock.unlink()
    anna.sync()


def test_a_server_whose_branch_stays_locked_is_given_up(anna, hub, monkeypatch):
    monkeypatch.setattr(remote, "LOCKED_S", 0.5)
    lock = hub / "refs/heads/main.lock"
    lock.touch()
    monkeypatch.setattr(remote, "lock_in_the_way", lambda *_: None)  # as with a server whose files are not here
    anna.flag()
    with pytest.raises(GitError, match=r"origin has refused the push .* though origin/main did not move: .*main\.lock"):
        anna.sync()
    lock.unlink()
    anna.sync()


def test_a_server_that_only_reads_is_said_at_once(anna, hub, git):
    git(hub, "config", "http.receivepack", "false")
    anna.flag()
    with pytest.raises(GitError, match=r"cannot push to origin: .*403"):
        anna.sync()


def test_a_hook_that_declines_is_quoted(anna, hub):
    hook = hub / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'the archive is closed on Sundays' >&2\nexit 1\n")
    hook.chmod(0o755)
    anna.flag()
    with pytest.raises(GitError, match=r"refused the push: pre-receive hook declined \(the archive is closed"):
        anna.sync()


def test_a_remote_with_a_work_tree_is_explained(hub, tmp_path):
    anna = clone_for("Anna Jansky", str(hub), tmp_path / "anna")
    ben = clone_for("Ben Cook", str(anna.folder), tmp_path / "ben")
    ben.flag()
    with pytest.raises(GitError, match="branch is currently checked out") as caught:
        ben.sync()
    assert "git init --bare" in caught.value.hint


def test_a_server_that_is_full_is_said(anna, hub, git):
    git(hub, "config", "receive.maxInputSize", "1")
    git(hub, "config", "receive.unpackLimit", "1")
    anna.flag()
    with pytest.raises(GitError, match=r"origin refused the push: unpacker error"):
        anna.sync()


def test_a_branch_that_was_switched_meanwhile_is_left_alone(anna, http, hub, tmp_path):
    ben = clone_for("Ben Cook", str(hub), tmp_path / "ben")
    ben.flag("b")
    ben.sync()
    anna.git("branch", "side")
    http.before = once(lambda: anna.git("switch", "-q", "side"), "service=git-upload-pack")
    with pytest.raises(GitError, match="another branch was checked out meanwhile"):
        anna.sync()
    assert anna.git("rev-parse", "side") == anna.git("rev-parse", "main")
    assert anna.git("status", "--porcelain") == ""


def test_a_server_that_cannot_be_read_is_said(hub, tmp_path):
    anna = clone_for("Anna Jansky", str(hub), tmp_path / "anna")
    anna.flag()
    (hub / "objects").rename(hub / "kept")
    (hub / "objects").write_text("no folder")
    try:
        with pytest.raises(GitError, match="cannot fetch from origin"):
            anna.sync()
    finally:
        (hub / "objects").unlink()
        (hub / "kept").rename(hub / "objects")
    anna.sync()


def test_a_server_that_is_not_there_is_said_at_once(anna, http):
    anna.git("remote", "set-url", "origin", "http://127.0.0.1:9/hub.git")
    with pytest.raises(GitError, match="cannot fetch from origin: unable to access") as caught:
        anna.sync()
    assert caught.value.hint == "`git fetch origin` shows the same"


def test_records_made_while_the_sync_runs_stay(anna, http):
    anna.flag("a")
    http.before = once(lambda: anna.flag("b"), "service=git-upload-pack")
    anna.sync()
    assert {row[0] for row in anna.rows("SELECT target FROM open_flags")} == {"a", "b"}
    assert anna.sync().sent == 0
