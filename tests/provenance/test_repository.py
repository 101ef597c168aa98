"""Commits built from objects: what they hold, and what of the user's they leave alone."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from stoa.model import Author
from stoa.provenance.git import GitError, Repository, check_ready, checkout, find, packed
from stoa.provenance.git import packs as packs_module

Reach = Callable[[Path], Repository]
ME = Author("Test Astronomer", "test@example.org")


def run(folder: Path, *words: str, check: bool = True) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=check)
    return done.stdout


@pytest.fixture
def reach() -> Iterator[Reach]:
    """Opens repositories and closes them after the test."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(closing(Repository(folder)))


@pytest.fixture
def opened(repo: Path, reach: Reach) -> Repository:
    return reach(repo)


def test_a_commit_holds_exactly_what_was_given(opened: Repository, repo: Path) -> None:
    before = run(repo, "rev-parse", "HEAD").strip()
    commit = opened.commit({"a/b/c.yaml": b"one\n", "d.txt": b"two\n"}, "subject\n\nStoa-Run: x\n", ME)
    assert run(repo, "rev-parse", "HEAD").strip() == commit
    assert run(repo, "rev-parse", "HEAD^").strip() == before
    assert run(repo, "diff", "--name-status", "HEAD^", "HEAD").split() == ["A", "a/b/c.yaml", "A", "d.txt"]
    assert run(repo, "show", "HEAD:a/b/c.yaml") == "one\n"
    assert run(repo, "log", "-1", "--format=%an <%ae>%n%(trailers:key=Stoa-Run,valueonly)").split("\n")[:2] == [
        "Test Astronomer <test@example.org>",
        "x",
    ]
    assert run(repo, "status", "--porcelain") == ""
    assert run(repo, "fsck", "--strict") == ""


@pytest.mark.parametrize("size", [0, 1, 15, 16, 511, 512, 2047, 2048, 32767, 32768, 300_000])
@pytest.mark.parametrize("start", [b"", b"\x1f\x8b"], ids=["plain", "gzip"])
def test_git_reads_what_was_compressed_beforehand(opened: Repository, repo: Path, size: int, start: bytes) -> None:
    data = start + b"".join(b"%d," % (n * n % 977) for n in range(size))[:size]
    content = packed(data)
    assert pickle.loads(pickle.dumps(content)) == content
    opened.commit({"packed": content, "plain": data}, "two\n", ME)
    assert subprocess.run(["git", "show", "HEAD:packed"], cwd=repo, capture_output=True, check=True).stdout == data
    assert run(repo, "rev-parse", "HEAD:packed", "HEAD:plain").split() == [content.oid] * 2
    assert (repo / "packed").read_bytes() == data
    assert run(repo, "status", "--porcelain") == ""
    assert run(repo, "fsck", "--strict") == ""


@pytest.mark.parametrize("start", ["n" * 254, "ä" * 127], ids=["n", "ä"])
def test_long_names_that_begin_alike_are_different_files(opened: Repository, repo: Path, start: str) -> None:
    files = {f"{start}{number}": b"%d\n" % number for number in range(3)}
    opened.commit(files, "long\n", ME)
    assert {path: (repo / path).read_bytes() for path in files} == files
    assert run(repo, "status", "--porcelain") == ""


def test_the_first_commit_of_a_repository_needs_no_parent(reach: Reach, tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet")
    reach(tmp_path).commit({"x": b"1"}, "first\n", ME)
    assert run(tmp_path, "rev-list", "--count", "HEAD").strip() == "1"
    assert run(tmp_path, "status", "--porcelain") == ""


def test_a_file_is_removed_with_its_empty_folders(opened: Repository, repo: Path) -> None:
    opened.commit({"a/b/c": b"1", "a/d": b"2"}, "add\n", ME)
    opened.commit({"a/b/c": None}, "remove\n", ME)
    assert run(repo, "ls-files", "a").split() == ["a/d"]
    assert not (repo / "a/b/c").exists()


def test_a_commit_that_changes_nothing_is_not_made(opened: Repository, repo: Path) -> None:
    first = opened.commit({"x": b"1"}, "one\n", ME)
    assert opened.commit({"x": b"1"}, "again\n", ME) == first


def test_staged_half_staged_and_dirty_files_stay_as_they_are(opened: Repository, repo: Path) -> None:
    (repo / "mine.txt").write_text("a\nb\n")
    run(repo, "add", "mine.txt")
    (repo / "half.txt").write_text("one\n")
    run(repo, "add", "half.txt")
    (repo / "half.txt").write_text("one\ntwo\n")
    (repo / "untracked").write_text("u\n")
    before = [run(repo, "diff"), run(repo, "diff", "--cached"), run(repo, "ls-files", "-s", "mine.txt", "half.txt")]
    opened.commit({"records/r.yaml": b"- {}\n"}, "record\n", ME)
    after = [run(repo, "diff"), run(repo, "diff", "--cached"), run(repo, "ls-files", "-s", "mine.txt", "half.txt")]
    assert after == before
    assert run(repo, "status", "--porcelain").splitlines() == ["AM half.txt", "A  mine.txt", "?? untracked"]


def test_a_linked_worktree_commits_to_its_own_branch(
    reach: Reach, opened: Repository, repo: Path, tmp_path: Path
) -> None:
    place = tmp_path / "linked"
    run(repo, "worktree", "add", "--quiet", "-b", "side", str(place))
    main = opened.head()
    reach(place).commit({"x": b"1"}, "on the side\n", ME)
    assert opened.head() == main
    assert run(place, "log", "-1", "--format=%s").strip() == "on the side"
    assert run(place, "status", "--porcelain") == ""
    assert run(repo, "status", "--porcelain") == ""


def test_another_branch_takes_records_without_being_checked_out(opened: Repository, repo: Path) -> None:
    run(repo, "branch", "other")
    opened.commit({"x": b"1"}, "elsewhere\n", ME, branch="refs/heads/other")
    assert run(repo, "log", "-1", "--format=%s", "other").strip() == "elsewhere"
    assert not (repo / "x").exists()
    assert run(repo, "status", "--porcelain") == ""


def test_line_ends_of_records_survive_autocrlf(opened: Repository, repo: Path) -> None:
    run(repo, "config", "core.autocrlf", "true")
    opened.commit({".gitattributes": b"r/** -text\n", "r/a.yaml": b"- {}\n- {}\n"}, "records\n", ME)
    assert (repo / "r/a.yaml").read_bytes() == b"- {}\n- {}\n"
    assert run(repo, "status", "--porcelain") == ""


def test_hooks_are_not_run(opened: Repository, repo: Path) -> None:
    for name in ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change"):
        hook = repo / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {repo}/hook-ran\nexit 1\n")
        hook.chmod(0o755)
    opened.commit({"x": b"1"}, "quiet\n", ME)
    assert not (repo / "hook-ran").exists()


def test_commits_are_signed_where_the_user_signs_theirs(
    reach: Reach, opened: Repository, repo: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", f"{key}.pub"), ("commit.gpgSign", "true")):
        run(repo, "config", name, value)
    reach(repo).commit({"x": b"1"}, "signed\n", ME)
    assert "-----BEGIN SSH SIGNATURE-----" in run(repo, "cat-file", "commit", "HEAD")
    assert run(repo, "log", "-1", "--format=%an %s").strip() == "Test Astronomer signed"


def test_a_shallow_clone_takes_commits(reach: Reach, opened: Repository, repo: Path, tmp_path: Path) -> None:
    for number in range(3):
        opened.commit({"x": b"%d" % number}, f"{number}\n", ME)
    run(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repo}", "shallow")
    shallow = reach(tmp_path / "shallow")
    shallow.commit({"y": b"1"}, "deep\n", ME)
    assert shallow.snapshot().read("x") == b"2"
    assert run(tmp_path / "shallow", "fsck", "--connectivity-only") == ""


def test_a_partial_clone_fetches_what_is_read(reach: Reach, opened: Repository, repo: Path, tmp_path: Path) -> None:
    run(repo, "config", "uploadpack.allowFilter", "true")
    run(repo, "config", "uploadpack.allowAnySHA1InWant", "true")
    opened.commit({"big": b"content\n"}, "content\n", ME)
    run(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repo}", "partial")
    partial = reach(tmp_path / "partial")
    assert partial.snapshot().read("big") == b"content\n"


def test_a_submodule_is_left_alone(reach: Reach, opened: Repository, repo: Path, tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet", "inner")
    reach(tmp_path / "inner").commit({"x": b"1"}, "inner\n", ME)
    run(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "inner"), "sub")
    run(repo, "commit", "--quiet", "-m", "submodule")
    opened.commit({"r/x": b"1"}, "record\n", ME)
    assert run(repo, "ls-tree", "HEAD", "sub").startswith("160000 commit")
    assert opened.snapshot().read("sub/x") is None


def test_a_repository_of_another_hash_is_refused(tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet", "--object-format=sha256")
    with pytest.raises(GitError, match="sha256"):
        Repository(tmp_path)


def test_many_writers_lose_no_commit(repo: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom stoa.model import Author\n"
        "from stoa.provenance.git import Repository\n"
        "r = Repository(Path(sys.argv[1]))\n"
        "for n in range(15): r.commit({f'w/{sys.argv[2]}-{n}': b'x'}, 'one\\n', Author('A', 'a@example.org'))\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(repo), str(name)], env=environ) for name in range(4)
    ]
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    assert len(run(repo, "ls-tree", "--name-only", "HEAD", "w/").split()) == 60
    assert run(repo, "rev-list", "--count", "HEAD").strip() == "61"
    assert run(repo, "status", "--porcelain") == ""


def test_an_index_that_stays_locked_is_caught_up_later(
    opened: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "INDEX_WAIT_S", 0.1)
    (repo / ".git/index.lock").touch()
    opened.commit({"x": b"1"}, "while someone edits\n", ME)
    assert run(repo, "ls-files", "x") == ""
    (repo / ".git/index.lock").unlink()
    opened.heal()
    assert run(repo, "status", "--porcelain") == ""


def test_a_kill_after_the_branch_moved_is_healed(
    reach: Reach, opened: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkout.Checkout, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        opened.commit({"r/x": b"1", "r/y": b"2"}, "cut off\n", ME)
    monkeypatch.undo()
    assert run(repo, "status", "--porcelain") != ""
    reach(repo).heal()
    assert (repo / "r/x").read_bytes() == b"1"
    assert run(repo, "status", "--porcelain") == ""


def test_a_removal_that_was_cut_off_is_healed_and_leaves_what_the_user_has_changed(
    reach: Reach, opened: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_words: object) -> None:
        raise KeyboardInterrupt

    opened.commit({"r/x": b"1", "r/y": b"2"}, "both\n", ME)
    monkeypatch.setattr(checkout.Checkout, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        opened.commit({"r/x": None, "r/y": None}, "cut off\n", ME)
    monkeypatch.undo()
    (repo / "r/y").write_bytes(b"mine")
    reach(repo).heal()
    assert not (repo / "r/x").exists()
    assert (repo / "r/y").read_bytes() == b"mine"
    assert run(repo, "status", "--porcelain") == "?? r/\n"


def test_a_kill_before_the_branch_moved_leaves_nothing(
    reach: Reach, opened: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Repository, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        opened.commit({"r/x": b"1"}, "cut off\n", ME)
    monkeypatch.undo()
    reach(repo).heal()
    assert run(repo, "status", "--porcelain") == ""
    assert not (repo / "r").exists()


def test_records_are_not_written_through_a_link(opened: Repository, repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo / "runs").symlink_to(outside)
    before = opened.head()
    with pytest.raises(GitError, match="leads through a link"):
        opened.commit({"runs/r/x": b"1"}, "escape\n", ME)
    assert list(outside.iterdir()) == []
    assert opened.head() == before


def test_a_file_in_the_way_of_a_folder_is_not_overwritten(opened: Repository, repo: Path) -> None:
    opened.commit({"runs": b"mine"}, "a file\n", ME)
    (repo / "runs").unlink()
    with pytest.raises(GitError, match="'runs' is a file where records need a folder"):
        opened.commit({"runs/r/x": b"1"}, "record\n", ME)
    assert run(repo, "show", "HEAD:runs") == "mine"


def test_links_and_executables_in_git_are_no_records(opened: Repository, repo: Path) -> None:
    (repo / "link").symlink_to("/etc/passwd")
    (repo / "run.sh").write_text("x")
    (repo / "run.sh").chmod(0o755)
    run(repo, "add", "link", "run.sh")
    run(repo, "commit", "--quiet", "-m", "odd modes")
    snapshot = opened.snapshot()
    assert snapshot.read("link") is None
    assert snapshot.read("run.sh") is None
    assert "link" not in dict(snapshot.files(""))


def test_packs_are_joined_now_and_then(opened: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs_module, "PACKS_AT_MOST", 5)
    for number in range(12):
        opened.commit({f"r/{number}/{file}": b"%d %d" % (number, file) for file in range(12)}, "many\n", ME)
    assert len(list((repo / ".git/objects/pack").glob("*.pack"))) <= 6
    assert opened.snapshot().read("r/0/11") == b"0 11"
    assert run(repo, "fsck", "--strict") == ""


def test_a_git_that_cannot_join_packs_hinders_no_commit(
    opened: Repository, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs_module, "PACKS_AT_MOST", 0)
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    real = shutil.which("git")
    fake.write_text(f'#!/bin/sh\ncase "$*" in *repack*) kill -9 $$ ;; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    commit = opened.commit({f"x{n}": b"1" for n in range(20)}, "while git is killed\n", ME)
    assert opened.head() == commit
    assert run(repo, "status", "--porcelain") == ""


def test_outside_git_and_in_a_bare_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="is in no git repository"):
        find(tmp_path)
    run(tmp_path, "init", "--quiet", "--bare", "bare.git")
    with pytest.raises(GitError, match="is a bare git repository"):
        find(tmp_path / "bare.git")


def test_a_detached_head_takes_no_records(opened: Repository, repo: Path) -> None:
    run(repo, "checkout", "--quiet", "--detach")
    with pytest.raises(GitError, match="detached HEAD"):
        check_ready(opened)
