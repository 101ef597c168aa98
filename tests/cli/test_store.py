"""stoa store gc: what no branch and no tag names, and nothing else, is thrown away."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from survey import Survey

BIG = """\
name: big
script: big.sh
command: [sh, "{script}", "{target}"]
outputs: {cube: {path: cube.txt, share: remote}}
"""


@pytest.fixture
def stored(survey: Survey, tmp_path: Path) -> Survey:
    """Products of a run on main, and of a run on a branch that is only there; all are in a store in a folder."""
    (survey.top / ".stoa/processes/big.yaml").write_text(BIG, encoding="utf-8")
    (survey.top / "big.sh").write_text('cat "$1/word" > cube.txt; echo "$1" >> cube.txt\n', encoding="utf-8")
    survey.edit(".stoa/config.yaml", "schema: 1", f"schema: 1\nstore: {tmp_path / 'store'}")
    words(survey, "first")
    survey.ok("run", "big")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "definitions")
    survey.git("checkout", "--quiet", "-b", "trial")
    words(survey, "second")
    survey.ok("run", "big", "--force")
    survey.ok("push")
    survey.git("checkout", "--quiet", "main")
    for file in (tmp_path / "store").rglob("*"):
        if file.is_file():
            os.utime(file, (1e9, 1e9))
    return survey


def words(survey: Survey, word: str) -> None:
    for name in "abc":
        (survey.top / "data" / name / "word").write_text(f"{word}\n", encoding="utf-8")


def objects(tmp_path: Path) -> int:
    return len(list((tmp_path / "store").glob("*/objects/*/*")))


def forget(survey: Survey) -> None:
    survey.git("branch", "--quiet", "-D", "trial")
    survey.git("reflog", "expire", "--expire=now", "--all")
    for name in survey.git("for-each-ref", "--format=%(refname)", "refs/stoa").split():
        survey.git("update-ref", "-d", name)  # what STOA remembers of the branch


def test_what_a_branch_names_stays(stored, tmp_path):
    assert stored.json("store", "gc", "--delete")["deleted"] == 0
    assert objects(tmp_path) == 6


def test_what_a_tag_names_stays_when_the_branch_is_gone(stored, tmp_path):
    stored.git("tag", "paper", "trial")
    forget(stored)
    assert stored.json("store", "gc", "--delete")["deleted"] == 0
    assert objects(tmp_path) == 6


def test_what_a_branch_pointed_at_a_while_ago_stays(stored, tmp_path):
    stored.git("branch", "--quiet", "-D", "trial")
    assert stored.json("store", "gc", "--delete")["deleted"] == 0


def test_what_nothing_names_is_listed_and_deleted_when_asked(stored, tmp_path):
    forget(stored)
    result = stored("store", "gc")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 4)
    assert "--delete" in result.stderr
    assert objects(tmp_path) == 6
    report = stored.json("store", "gc", "--delete")
    assert (report["deleted"], report["named"], objects(tmp_path)) == (3, 3, 3)
    assert stored.json("push")["there"] == 3


def test_what_is_young_stays(stored, tmp_path):
    forget(stored)
    for file in (tmp_path / "store").rglob("*"):
        os.utime(file)
    report = stored.json("store", "gc", "--delete")
    assert (report["deleted"], report["young"], objects(tmp_path)) == (0, 3, 6)
    assert stored.json("store", "gc", "--delete", "--days", "0")["deleted"] == 3


def test_rests_of_uploads_that_were_cut_off_go(stored, tmp_path):
    (place,) = (tmp_path / "store").glob("*/tmp")
    (place / "half").write_bytes(b"x")
    os.utime(place / "half", (1e9, 1e9))
    assert stored.json("store", "gc", "--delete")["deleted"] == 1
    assert list(place.iterdir()) == []


def test_a_remote_that_has_more_stops_it(stored, tmp_path):
    subprocess.run(["git", "clone", "--quiet", "--bare", stored.top, tmp_path / "hub.git"], check=True)
    stored.git("remote", "add", "origin", tmp_path / "hub.git")
    subprocess.run(["git", "clone", "--quiet", tmp_path / "hub.git", tmp_path / "other"], check=True)
    other = Survey(tmp_path / "other", stored.terminal)
    other.ok("flag", "a", "--reason", "check")
    other.git("push", "--quiet", "origin", "HEAD:refs/heads/more")
    message, hint = stored.error("store", "gc", "--delete")
    assert "origin refs/heads/more" in message
    assert "git fetch" in hint
    assert objects(tmp_path) == 6


def test_a_shallow_clone_throws_nothing_away(stored, tmp_path):
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{stored.top}", tmp_path / "shallow"], check=True)
    message, hint = Survey(tmp_path / "shallow", stored.terminal).error("store", "gc")
    assert "shallow" in message
    assert "unshallow" in hint
