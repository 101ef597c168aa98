"""Git by hand takes no record from a branch: STOA notices, and puts back what no one removed on purpose."""

from __future__ import annotations

import os
import subprocess

import pytest
from survey import Survey, wait_for

from stoa.commands.fsck import fsck
from stoa.workspace.open import Workspace


def findings(survey: Survey) -> list[str]:
    ws = Workspace(survey.top)
    try:
        return [f"{found.where}: {found.message}" for found in fsck(ws).findings]
    finally:
        ws.close()


def commit_with_slow_editor(survey: Survey) -> subprocess.Popen[bytes]:
    """A `git commit -a` whose editor is open until the file `done` is there."""
    editor = survey.top.parent / "editor.sh"
    editor.write_text(
        f"#!/bin/sh\ntouch {survey.top}/../open\n"
        f'while [ ! -e {survey.top}/../done ]; do sleep 0.05; done\necho notes > "$1"\n'
    )
    editor.chmod(0o755)
    (survey.top / "README.md").write_text("first\n")
    survey.git("add", "README.md")
    survey.git("commit", "--quiet", "-m", "readme")
    (survey.top / "README.md").write_text("second\n")
    typed = subprocess.Popen(
        ["git", "commit", "-a"], cwd=survey.top, env=os.environ | {"GIT_EDITOR": str(editor)}, stderr=subprocess.DEVNULL
    )
    wait_for((survey.top.parent / "open").exists, "the editor")
    return typed


@pytest.fixture
def edited(survey):
    """Let STOA act while the editor of a `git commit -a` is open; then the user types the commit again."""

    def during(*verbs: tuple[str, ...]) -> None:
        typed = commit_with_slow_editor(survey)
        for words in verbs:
            survey.ok(*words)
        (survey.top.parent / "done").touch()
        if typed.wait():
            survey.git("commit", "--quiet", "-a", "-m", "notes")

    return during


def test_a_run_that_is_committed_while_git_commit_waits_in_its_editor_survives_the_commit(survey, edited):
    edited(("run", "measure"))
    assert survey.runs() == []  # the user's commit has removed it
    told = survey("status").stderr
    assert set(survey.statuses().values()) == {"ok"}
    assert "put back on" in told
    assert "records of 1 run" in told
    assert survey.git("status", "--porcelain") == ""
    assert survey.git("show", "HEAD:README.md") == "second\n"
    assert findings(survey) == []


def test_flags_and_runs_survive_it_together_and_a_command_that_only_reads_brings_them_back(survey, edited):
    edited(("run", "measure"), ("flag", "a", "--reason", "artefacts"))
    assert [row["target"] for row in survey.json("reviews")] == ["a"]
    assert len(survey.outcomes()) == 3


def test_targets_and_definitions_that_stoa_committed_meanwhile_survive_it(survey, edited):
    (survey.top / "data/d").mkdir()
    edited(("target", "add", "data", "d"), ("params", "new", "deep", "--process", "measure", "--set", "snr=4"))
    assert "params" not in survey.git("ls-tree", "--name-only", "HEAD:.stoa").split()
    survey.ok("status")
    assert '"d"' in survey.committed(".stoa/targets/data.yaml")
    assert "snr" in survey.committed(".stoa/params/measure/deep.yaml")


def test_a_branch_that_is_reset_gets_its_runs_back(survey):
    survey.ok("run", "measure")
    survey.git("reset", "--hard", "--quiet", "HEAD~1")
    told = survey("status").stderr
    assert "gone since the branch was reset" in told
    assert len(survey.outcomes()) == 3
    assert findings(survey) == []


def test_a_definition_of_the_user_is_not_committed_by_stoa_when_its_commit_is_taken_back(survey):
    survey.edit("measure.sh", "snr $2", "SNR $2")
    survey.edit(".stoa/processes/measure.yaml", "measures what there is", "measures more")
    survey.git("commit", "--quiet", "-a", "-m", "more")
    survey.ok("status")
    survey.git("reset", "--quiet", "HEAD~1")
    head = survey.head()
    survey.ok("status")
    assert survey.head() == head
    assert "measure.yaml" in survey.git("status", "--porcelain")


def test_what_a_commit_removes_on_purpose_stays_removed(survey):
    survey.ok("run", "measure")
    survey.git("rm", "-r", "--quiet", ".stoa/runs")
    survey.git("commit", "--quiet", "-m", "a wrong script", "-m", "Stoa-Removed: yes")
    assert "put back" not in survey("status").stderr
    assert survey.runs() == []
    assert findings(survey) == []


def test_what_a_commit_removes_without_saying_so_is_named_by_fsck_of_another_clone_and_put_back_here(survey, tmp_path):
    survey.ok("run", "measure")
    (run,) = survey.runs()
    survey.git("rm", "-r", "--quiet", ".stoa/runs")
    survey.git("commit", "--quiet", "-m", "tidy")
    clone = Survey(tmp_path / "clone", survey.terminal)
    survey.git("clone", "--quiet", str(survey.top), str(clone.top))
    (gone,) = findings(clone)
    assert run in gone
    assert "removed" in gone
    survey.ok("status")
    assert survey.runs() == [run]
    assert findings(survey) == []


def test_nothing_is_put_back_in_the_middle_of_a_merge_and_all_of_it_afterwards(survey):
    survey.ok("run", "measure")
    survey.git("reset", "--hard", "--quiet", "HEAD~1")
    marker = survey.top / ".git/MERGE_HEAD"
    marker.write_text(survey.head() + "\n")
    told = survey("status")
    assert "cannot be put back now" in told.stdout + told.stderr
    assert survey.runs() == []
    marker.unlink()
    survey.ok("status")
    assert len(survey.runs()) == 1


def test_a_branch_that_is_deleted_with_runs_on_it_is_named_by_fsck(survey):
    main = survey.git("symbolic-ref", "--short", "HEAD").strip()
    survey.git("switch", "--quiet", "-c", "trial/one")
    survey.ok("run", "measure")
    commit = survey.head()
    survey.git("switch", "--quiet", main)
    assert findings(survey) == []
    survey.git("branch", "-D", "trial/one")
    (gone,) = findings(survey)
    assert f"git branch trial/one {commit[:10]}" in gone
    survey.git("branch", "trial/one", commit)
    assert findings(survey) == []


def test_a_branch_that_was_renamed_misses_nothing(survey):
    survey.ok("run", "measure")
    survey.git("branch", "-m", "renamed")
    assert "put back" not in survey("status").stderr
    assert findings(survey) == []
