"""Settings of git in every notation that git knows, and where it looks for them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from stoa.model import Author
from stoa.provenance.git import GitError, Repository

Git = Callable[..., str]
ME = Author("Test Astronomer", "test@example.org")
SETTINGS = [
    ("core.bigFileThreshold", "512m"),
    ("core.packedGitLimit", "1g"),
    ("core.packedGitWindowSize", "32k"),
    ("core.deltaBaseCacheLimit", "2G"),
    ("core.compression", "9"),
    ("core.looseCompression", "-1"),
    ("core.maxTreeDepth", "2k"),
    ("core.commitGraph", "yes"),
    ("core.multiPackIndex", "off"),
    ("core.fsyncObjectFiles", "on"),
    ("core.fileMode", "0"),
    ("core.bare", "no"),
    ("core.sharedRepository", "0660"),
    ("core.sharedRepository", "yes"),
    ("pack.windowMemory", "100m"),
    ("pack.deltaCacheSize", "10m"),
    ("pack.packSizeLimit", "1g"),
    ("pack.writeBitmaps", "on"),
    ("pack.writeBitmapHashCache", "no"),
    ("repack.writeBitmaps", "1"),
    ("include.path", "no/such/file"),
    ("extensions.partialClone", "origin"),
    ("extensions.worktreeConfig", "yes"),
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_setting_that_git_understands_stops_nothing(repo: Path, git: Git, name: str, value: str) -> None:
    git(repo, "config", name, value)
    with closing(Repository(repo)) as opened:
        opened.commit({f"{number}.txt": b"%d" % number for number in range(20)}, "a pack\n", ME)
        opened.commit({"x": b"1"}, "loose\n", ME)
        assert opened.snapshot().read("0.txt") == b"0"
    assert git(repo, "status", "--porcelain") == ""


@pytest.fixture
def key(repo: Path, git: Git, tmp_path: Path) -> Path:
    """A key that commits can be signed with, named in the settings."""
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    git(repo, "config", "gpg.format", "ssh")
    git(repo, "config", "user.signingKey", f"{file}.pub")
    return file


def is_signed(repo: Path, git: Git) -> bool:
    with closing(Repository(repo)) as opened:
        opened.commit({"x": b"1"}, "perhaps signed\n", ME)
    return "SSH SIGNATURE" in git(repo, "cat-file", "commit", "HEAD")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("value", "signed"),
    [
        ("yes", True),
        ("on", True),
        ("1", True),
        ("TRUE", True),
        ("no", False),
        ("off", False),
        ("0", False),
        ("", False),
    ],
)
def test_whether_to_sign_is_read_as_git_reads_it(repo: Path, git: Git, value: str, signed: bool) -> None:
    git(repo, "config", "commit.gpgSign", value)
    assert is_signed(repo, git) == signed


@pytest.mark.usefixtures("key")
def test_commits_are_signed_where_a_variable_asks_for_it(repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "commit.gpgSign"), ("VALUE_0", "true")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert is_signed(repo, git)


def test_settings_that_git_cannot_read_are_said_in_its_words(repo: Path, git: Git) -> None:
    git(repo, "config", "commit.gpgSign", "perhaps")
    with closing(Repository(repo)) as opened, pytest.raises(GitError, match="bad boolean config value 'perhaps'"):
        opened.commit({"x": b"1"}, "perhaps signed\n", ME)
    (repo / ".git/config").write_text("[core\n")
    with pytest.raises(GitError, match="bad config line"):
        Repository(repo)


def test_a_repository_that_is_opened_again_sees_what_its_settings_have_become(repo: Path, git: Git) -> None:
    with closing(Repository(repo)) as opened:
        head = opened.head()
    text = (repo / ".git/config").read_text()
    (repo / ".git/config").write_text(f"{text}[extensions]\n\tobjectFormat = sha256\n")
    with pytest.raises(GitError, match="cannot write"):
        Repository(repo)
    (repo / ".git/config").write_text(text)
    with closing(Repository(repo)) as opened:
        assert opened.head() == head
