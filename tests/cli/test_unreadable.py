"""A clone that may not be written, folders that may not be read, a repository of somebody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv (util-linux) is not there")
READING = ("status", "results look", "runs", "plan look", "why look a", "fsck")
FOLDERS = (".stoa", ".stoa/processes", ".stoa/targets", ".stoa/params/look", ".stoa/cache", ".git", ".git/objects")
FILES = (".stoa/config.yaml", ".stoa/targets/data.yaml", ".stoa/processes/look.yaml")


def _ordinary(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program without root's right to read and write everything."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.geteuid() == 0 else []
    return subprocess.run([*drop, *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def _stoa(project: Path, words: str) -> subprocess.CompletedProcess[str]:
    return _ordinary(sys.executable, "-m", "stoa", *words.split(), cwd=project)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("unreadable")
    (top / "data" / "a").mkdir(parents=True)
    (top / "data" / "a" / "x.txt").write_text("a", encoding="utf-8")
    project = top / "project"
    project.mkdir()
    script = project / "look.sh"
    script.write_text('#!/bin/sh\nls "$1"\n', encoding="utf-8")
    script.chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    for words in (
        "init",
        f"root add data {top}/data",
        "target add data *",
        "process new look --from look.sh",
        "params new look@other",
        "run look",
    ):
        done = _stoa(project, words)
        assert done.returncode == 0, done.stderr
    return project


@pytest.mark.parametrize("words", READING)
def test_a_clone_that_may_not_be_written_can_be_read(project, words):
    changed = [folder for folder, _, _ in os.walk(project) if os.access(folder, os.W_OK)]
    for folder in changed:
        os.chmod(folder, 0o555)
    try:
        done = _stoa(project, words)
    finally:
        for folder in changed:
            os.chmod(folder, 0o755)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("words", ["flag a --reason check", "run look --force", "comment a -m x"])
def test_a_clone_that_may_not_be_written_is_named(project, words):
    folders = [project / ".git", *(folder for folder in (project / ".git").rglob("*") if folder.is_dir())]
    files = [file for file in (project / ".git").rglob("*") if file.is_file()]
    before = {path: path.stat().st_mode for path in (*folders, *files)}
    for path, mode in before.items():
        path.chmod(mode & 0o555)
    try:
        done = _stoa(project, words)
    finally:
        for path, mode in before.items():
            path.chmod(mode)
    assert done.returncode == 1
    assert "cannot" in done.stderr or "may not" in done.stderr
    assert "full" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["status", "run look", "flag a --reason check"])
@pytest.mark.parametrize("place", [*FOLDERS, *FILES])
def test_what_may_not_be_read_never_passes_for_absent(project, place, words):
    path = project / place
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        done = _stoa(project, words)
    finally:
        path.chmod(mode)
    if place == FILES[-1] and words != "run look":  # only this process is concerned
        assert "Traceback" not in done.stderr
        return
    assert done.returncode == 1
    assert "may not read" in done.stderr or "Permission denied" in done.stderr
    assert path.name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_repository_of_somebody_else_is_refused_with_the_remedy_of_git(project, tmp_path):
    copy = tmp_path / "project"
    shutil.copytree(project, copy, symlinks=True)
    for folder, _, files in os.walk(copy):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, 12345, 12345, follow_symlinks=False)
    done = subprocess.run(
        [sys.executable, "-m", "stoa", "flag", "a", "--reason", "check"],
        cwd=copy, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"git config --global --add safe.directory '{copy}'" in done.stderr
    assert "Traceback" not in done.stderr
