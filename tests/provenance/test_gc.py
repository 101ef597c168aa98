"""Git tidies up by hand while STOA commits: what the branch is about to reach stays."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from dulwich.objects import Blob

from stoa.model import Author
from stoa.provenance.git import Repository
from stoa.provenance.git import packs as packs_module
from stoa.provenance.git.packs import Packs

ME = Author("Test Astronomer", "test@example.org")
MANY = {f"records/{number}.yaml": b"%d\n" % number for number in range(30)}


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


class Tidied(Repository):
    """A repository in which the user tidies up just before the branch moves."""

    words: tuple[str, ...] = ()

    def move(self, branch: str, old: str, new: str, why: str, author: Author) -> bool:
        git(self.top, *self.words)
        return super().move(branch, old, new, why, author)


TIDYING = (
    ("repack", "-a", "-d", "-q"),
    ("gc", "-q"),
    ("repack", "-A", "-d", "-q"),
    ("prune", "--expire=now"),
    ("gc", "-q", "--prune=now"),
)


@pytest.mark.parametrize("words", TIDYING)
@pytest.mark.parametrize("files", [MANY, {"one.yaml": b"1\n"}])
def test_what_was_written_before_the_branch_moved_survives(repo, words, files):
    with closing(Tidied(repo)) as repository:
        repository.words = words
        repository.commit(files, "records\n", ME)
        repository.commit({"later.yaml": b"2\n"}, "later\n", ME)
    git(repo, "fsck", "--strict", "--no-dangling")
    assert set(files) <= set(git(repo, "ls-files").split())


def test_no_pack_is_kept_afterwards(repo):
    with closing(Repository(repo)) as repository:
        repository.commit(MANY, "records\n", ME)
    packs = repo / ".git/objects/pack"
    assert list(packs.glob("pack-*.pack"))
    assert not list(packs.glob("*.keep"))
    git(repo, "repack", "-a", "-d", "-q")
    git(repo, "fsck", "--strict", "--no-dangling")


def test_a_pack_that_the_user_keeps_stays_kept(repo):
    with closing(Repository(repo)) as repository:
        repository.commit(MANY, "records\n", ME)
        (pack,) = (repo / ".git/objects/pack").glob("pack-*.pack")
        pack.with_suffix(".keep").write_text("mine\n", encoding="utf-8")
        repository.commit({f"more/{number}": b"x%d" % number for number in range(30)}, "more\n", ME)
    assert pack.with_suffix(".keep").exists()


def test_a_repository_that_was_open_reads_what_was_packed_meanwhile(repo):
    with closing(Repository(repo)) as repository:
        repository.commit(MANY, "records\n", ME)
        assert repository.snapshot().read("records/3.yaml") == b"3\n"
        with closing(Repository(repo)) as other:
            other.commit({"other.yaml": b"other\n"}, "other\n", ME)
        git(repo, "gc", "-q", "--prune=now")
        repository.commit({"later.yaml": b"later\n"}, "later\n", ME)
        assert repository.snapshot().read("other.yaml") == b"other\n"
        assert repository.snapshot().read("records/3.yaml") == b"3\n"
    git(repo, "fsck", "--strict", "--no-dangling")


def test_joining_packs_all_the_time_takes_no_commit_away(repo):
    ended = threading.Event()
    joined = []

    def join() -> None:
        while not ended.is_set():
            joined.append(git(repo, "repack", "-a", "-d", "-q"))

    thread = threading.Thread(target=join)
    thread.start()
    try:
        with closing(Repository(repo)) as repository:
            for number in range(40):
                repository.commit({f"records/{number}.yaml": b"%d\n" % number}, "record\n", ME)
    finally:
        ended.set()
        thread.join()
    assert joined
    git(repo, "fsck", "--strict", "--no-dangling")
    assert len(git(repo, "ls-files", "records").split()) == 40


def test_pruning_all_the_time_takes_no_commit_away(repo):
    """`git prune` looks at the branches first and removes later: what came between would be gone."""
    ended = threading.Event()
    pruned = []

    def prune() -> None:
        while not ended.is_set():
            pruned.append(git(repo, "prune", "--expire=now"))

    thread = threading.Thread(target=prune)
    thread.start()
    try:
        with closing(Repository(repo)) as repository:
            for number in range(40):
                repository.commit({f"records/{number}.yaml": b"%d\n" % number}, "record\n", ME)
    finally:
        ended.set()
        thread.join()
    assert pruned
    git(repo, "fsck", "--strict", "--no-dangling")
    assert git(repo, "rev-list", "--count", "HEAD").strip() in ("40", "41")


def test_pruning_before_the_branch_moves_takes_no_part_of_a_merge_away(repo):
    with closing(Repository(repo)) as repository:
        first = repository.commit({"a.yaml": b"1\n"}, "a\n", ME)
        mine = repository.commit({"b/c/d.yaml": b"2\n"}, "b\n", ME)
        git(repo, "branch", "other", first)
        theirs = repository.commit({"b/c/e.yaml": b"3\n"}, "e\n", ME, "refs/heads/other")
        tree = git(repo, "merge-tree", "--write-tree", mine, theirs).strip()
        with repository.lock():
            merged = repository.merge_commit(tree, [mine, theirs], "merge\n", ME, {})
            git(repo, "gc", "-q", "--prune=now")
            assert repository.move(repository.branch(), mine, merged, "merge", ME)
    git(repo, "fsck", "--strict", "--no-dangling")


def test_two_commands_that_write_the_same_objects_write_one_pack(repo):
    """Two commands that merge the same two commits in one second do."""
    objects = [Blob.from_string(data) for data in MANY.values()]
    together = threading.Barrier(2)

    def write(ordered: list[Blob]) -> None:
        packs = Packs(repo, repo / ".git/objects/pack")
        for _ in range(30):
            together.wait(30)
            packs.write(ordered)
        packs.release()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (objects, objects[::-1])))
    (pack,) = (repo / ".git/objects/pack").glob("pack-*.pack")
    assert {file.name for file in pack.parent.iterdir()} == {pack.name, pack.with_suffix(".idx").name}
    git(repo, "verify-pack", str(pack))
    assert git(repo, "cat-file", "-p", objects[0].id.decode()) == "0\n"


def test_a_disk_that_is_full_leaves_nothing_behind(repo, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packs_module, "write_pack_index_v2", full)
    with closing(Repository(repo)) as repository, pytest.raises(OSError, match="No space"):
        repository.commit(MANY, "records\n", ME)
    assert not list((repo / ".git/objects/pack").iterdir())


def test_a_pack_can_be_read_by_everybody_who_may_enter_its_folder(repo):
    with closing(Repository(repo)) as repository:
        repository.commit(MANY, "records\n", ME)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (repo / ".git/objects/pack").iterdir()}
    assert modes == {0o444}


def test_what_a_killed_command_left_half_written_is_removed_when_it_is_old(repo):
    packs = repo / ".git/objects/pack"
    old, new, foreign = packs / "stoa_pack_a", packs / "stoa_pack_b", packs / "pack-c.keep"
    for file in (old, new, foreign):
        file.touch()
    for file in (old, foreign):
        os.utime(file, (0, 0))
    with closing(Repository(repo)) as repository:
        repository.commit(MANY, "records\n", ME)
    assert (old.exists(), new.exists(), foreign.exists()) == (False, True, True)
