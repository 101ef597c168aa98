"""The digest of a folder that counts as one file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stoa import trees
from stoa.hashing import HashingStopped
from stoa.provenance.checksums import Checksums


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A folder as CASA writes them."""
    top = tmp_path / "x.ms"
    (top / "ANTENNA").mkdir(parents=True)
    (top / "table.dat").write_bytes(b"rows")
    (top / "table.lock").write_bytes(b"who")
    (top / "ANTENNA/table.f0").write_bytes(b"dishes")
    (top / "ANTENNA/latest").symlink_to("table.f0")
    return top


def sum_of(top: Path) -> str:
    return trees.digest(top)[1]


def test_what_a_folder_holds_is_counted(table):
    tree, _ = trees.digest(table)
    assert (tree.files, tree.size) == (2, len(b"rows") + len(b"dishes"))


def test_the_digest_is_that_of_names_and_contents_alone(table, tmp_path):
    copy = tmp_path / "elsewhere" / "y.ms"
    shutil.copytree(table, copy, symlinks=True)
    os.utime(copy / "table.dat", ns=(1, 1))
    (copy / "table.dat").chmod(0o600)
    (copy / "table.lock").write_bytes(b"someone else")
    assert sum_of(copy) == sum_of(table)
    (copy / "ANTENNA/table.f0").rename(copy / "ANTENNA/table.f1")
    assert sum_of(copy) != sum_of(table)


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "table.dat").write_bytes(b"ROWS"),
        lambda top: (top / "new").touch(),
        lambda top: (top / "EMPTY").mkdir(),
        lambda top: (top / "ANTENNA/table.f0").unlink(),
        lambda top: ((top / "ANTENNA/latest").unlink(), (top / "ANTENNA/latest").symlink_to("table.f1")),
    ],
)
def test_whatever_changes_the_content_changes_the_digest(table, change):
    before = sum_of(table)
    change(table)
    assert sum_of(table) != before


def test_a_file_can_not_pass_for_a_folder_nor_one_name_for_another(tmp_path):
    for name, path in (("a", "x/y"), ("b", "x\ny"), ("c", "xy")):
        file = tmp_path / name / path
        file.parent.mkdir(parents=True)
        file.write_bytes(b"")
    assert len({sum_of(tmp_path / name) for name in "abc"}) == 3


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda top: os.mkfifo(top / "pipe"), "it holds a pipe: pipe"),
        (lambda top: (top / "out").symlink_to("/etc"), "it holds a link that leads out of it: out -> /etc"),
        (lambda top: (top / "ANTENNA/up").symlink_to("../../x"), "it holds a link that leads out of it: ANTENNA/up"),
        (lambda top: (top / "top").symlink_to(".."), "it holds a link that leads out of it: top"),
    ],
)
def test_hostile_content_is_refused_and_nothing_waits(table, make, words):
    make(table)
    with pytest.raises(trees.TreeError) as caught:
        trees.digest(table)
    assert caught.value.strerror.startswith(words)


def test_a_link_to_its_own_folder_is_a_link(table):
    (table / "again").symlink_to(".")
    assert trees.look(table).files == 2


def test_names_that_are_no_text_have_a_digest(table):
    (table / os.fsdecode(b"\xff")).write_bytes(b"x")
    assert len(sum_of(table)) == 64


def test_what_changes_while_it_is_read_has_no_digest(table):
    def stopped() -> bool:
        (table / "table.dat").write_bytes(b"more rows")
        return False

    with pytest.raises(trees.TreeError, match="it changed while it was read"):
        trees.digest(table, stopped=stopped)


def test_reading_can_be_stopped_and_has_a_bound(table, monkeypatch):
    with pytest.raises(HashingStopped):
        trees.digest(table, stopped=lambda: True)
    monkeypatch.setattr(trees, "MOST_ENTRIES", 3)
    with pytest.raises(trees.TreeError, match="more than 3 files and folders"):
        trees.look(table)


def test_deep_folders_are_walked(tmp_path):
    deep = tmp_path / "x" / "/".join("d" * 1200)
    subprocess.run(["mkdir", "-p", deep], check=True)
    try:
        assert trees.look(tmp_path / "x").files == 0
    finally:  # pytest's own cleaning up goes down by recursion, and stops at a thousand
        subprocess.run(["rm", "-r", tmp_path / "x"], check=True)


def test_folders_that_differ_name_their_files(table, tmp_path):
    copy = tmp_path / "y"
    shutil.copytree(table, copy, symlinks=True)
    assert trees.differing(table, copy) == []
    (copy / "table.dat").write_bytes(b"ROWS")
    (copy / "ANTENNA/table.f0").unlink()
    assert trees.differing(table, copy) == ["ANTENNA/table.f0", "table.dat"]


def test_a_folder_that_stayed_as_it_is_is_not_read_again(table, tmp_path, monkeypatch):
    sums = Checksums(tmp_path / "sums.sqlite")
    assert sums.known(table) == (10, "")
    first = sums.of(table)
    monkeypatch.setattr(trees, "digest", None)
    assert sums.of(table) == sums.known(table) == first
    monkeypatch.undo()
    (table / "table.dat").write_bytes(b"R")
    assert sums.known(table) == (7, "")
    assert sums.of(table)[1] != first[1]
    sums.close()
