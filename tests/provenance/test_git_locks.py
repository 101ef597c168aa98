"""Git's locks: whose they are, which are left over, and what is said of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stoa.model import Author
from stoa.provenance.git import GitError, Repository, find
from stoa.provenance.git.locks import Locked, replacing

ME = Author("Test Astronomer", "test@example.org")
LONG_AGO = 1_000_000_000


@pytest.fixture
def opened(repo: Path) -> Iterator[Repository]:
    with closing(find(repo)) as found:
        yield found


def leave(file: Path) -> Path:
    """A lock as a git that was killed leaves it."""
    file.touch()
    os.utime(file, (LONG_AGO, LONG_AGO))
    return file


def locked_by_killed_stoa(opened: Repository, name: str) -> Path:
    """A lock of STOA whose holder is gone."""
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom stoa.provenance.git.locks import replacing\n"
        "with replacing(Path(sys.argv[1]), Path(sys.argv[1], sys.argv[2])): os.kill(os.getpid(), 9)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program, opened.common, name], env=environ, check=False)
    lock = opened.common / f"{name}.lock"
    assert lock.exists()
    return lock


@pytest.mark.parametrize("name", ["refs/heads/main", "index"])
def test_a_lock_of_a_stoa_that_was_killed_stops_nobody(opened, repo, git, name):
    lock = locked_by_killed_stoa(opened, name)
    opened.commit({"x": b"1"}, "continues\n", ME)
    assert not lock.exists()
    assert git(repo, "status", "--porcelain") == ""
    assert not [path for path in (opened.common / "stoa-locks").rglob("*") if path.is_file()]


def test_a_lock_that_git_took_meanwhile_is_not_taken_for_ours(opened):
    lock = locked_by_killed_stoa(opened, "index")
    lock.unlink()
    lock.touch()
    with opened.lock():
        assert lock.exists()


def test_a_lock_is_kept_from_others_while_it_is_held(opened):
    file = opened.common / "refs/heads/main"
    with replacing(opened.common, file), pytest.raises(Locked), replacing(opened.common, file, ours=False):
        raise AssertionError
    with replacing(opened.common, file, ours=False):  # it is free again
        assert file.with_name("main.lock").exists()


def test_where_there_are_no_hard_links_a_lock_is_made_as_git_makes_it(opened, monkeypatch):
    def refused(*_words: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    commit = opened.commit({"x": b"1"}, "without links\n", ME)
    assert opened.tip("refs/heads/main") == commit
    assert opened.locks() == []


def test_a_branch_that_a_killed_git_left_locked_is_named_with_what_to_do(opened):
    lock = leave(opened.common / "refs/heads/main.lock")
    with pytest.raises(GitError, match="was left by a git command that was killed") as problem:
        opened.commit({"x": b"1"}, "in vain\n", ME)
    assert str(lock) in problem.value.message
    assert f"rm {lock}" in (problem.value.hint or "")
    lock.unlink()
    assert opened.commit({"x": b"1"}, "at last\n", ME)


@pytest.mark.parametrize("name", ["index", "HEAD", "config", "packed-refs", "refs/heads/main", "refs/remotes/o/main"])
def test_locks_that_were_left_are_found(opened, name):
    lock = opened.common / f"{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    leave(lock)
    assert [(found.file, found.left_over) for found in opened.locks()] == [(lock, True)]


def test_a_lock_that_a_process_has_open_is_held(opened):
    lock = leave(opened.common / "index.lock")
    with lock.open() as stream:
        holder = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[stream.fileno()])
    (found,) = opened.locks()
    holder.communicate()
    assert not found.left_over
    assert f"is held by cat (process {holder.pid})" in found.message
    assert opened.locks()[0].left_over


def test_a_lock_is_not_left_over_while_a_git_is_at_work_here(opened, repo):
    leave(opened.common / "index.lock")
    with subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=repo, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        worker.stdin.write(b"HEAD\n")
        worker.stdin.flush()
        worker.stdout.readline()
        (found,) = opened.locks()
        worker.stdin.close()
    assert not found.left_over
    assert f"(process {worker.pid})" in found.message


def test_a_fresh_lock_may_be_held_by_somebody_who_does_not_show(opened):
    (opened.common / "index.lock").touch()
    assert not opened.locks()[0].left_over
