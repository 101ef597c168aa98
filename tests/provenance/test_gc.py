"""Git tidies up by hand while STOA commits: what the branch is about to reach stays."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from dulwich import pack
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob

from stoa.model import Author
from stoa.provenance.git import Repository
from stoa.provenance.git.repository import _pack_name

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


def test_packs_that_git_joins_while_one_is_written_do_no_harm(repo, monkeypatch):
    """Git makes a pack, dulwich sees it, and git joins it with the others before dulwich has opened it."""
    for part in ("a", "b"):
        with closing(Repository(repo)) as repository:
            repository.commit({f"{part}/{number}": f"{part}{number}".encode() for number in range(30)}, "records\n", ME)
    name, load = DiskObjectStore._get_pack_basepath, pack.load_pack_index
    steps = ["make", "join"]

    def make_pack(store, entries):
        if "make" in steps:
            steps.remove("make")
            objects = git(repo, "rev-list", "--objects", "HEAD~1")
            words = ["git", "pack-objects", "-q", ".git/objects/pack/pack"]
            subprocess.run(words, cwd=repo, input=objects, text=True, check=True, capture_output=True)
        return name(store, entries)

    def join_packs(path, *rest):
        if steps == ["join"]:
            steps.clear()
            git(repo, "repack", "-a", "-d", "-q")
        return load(path, *rest)

    monkeypatch.setattr(DiskObjectStore, "_get_pack_basepath", make_pack)
    monkeypatch.setattr(pack, "load_pack_index", join_packs)
    with closing(Repository(repo)) as repository:
        repository.commit(MANY, "records\n", ME)
    assert not steps
    git(repo, "fsck", "--strict", "--no-dangling")
    assert set(MANY) <= set(git(repo, "ls-files").split())


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


@pytest.mark.parametrize("left", ["by a command that ends soon", "by one that was killed"])
def test_a_pack_that_another_command_is_writing_is_waited_for(repo, left):
    """Two commands that merge the same two commits in one second write one and the same pack."""
    objects = [Blob.from_string(data) for data in MANY.values()]
    packs = repo / ".git/objects/pack"
    lock = packs / f"pack-{_pack_name(single.id for single in objects)}.idx.lock"
    lock.touch()
    if left == "by one that was killed":
        os.utime(lock, (0, 0))
    else:
        threading.Timer(0.3, lock.unlink).start()
    with closing(Repository(repo)) as repository:
        repository._write(list(objects))
        assert lock.with_suffix("").exists()
        assert git(repo, "cat-file", "-p", objects[0].id.decode()) == "0\n"
