"""stoa init: one commit of the template, wherever the project is."""

from __future__ import annotations

import shutil

import pytest
from survey import Survey


def test_init_makes_one_commit_of_the_template(fresh):
    before = fresh.head()
    printed = fresh.ok("init")
    assert printed.startswith(f"made {fresh.top}/.stoa (project repo-")
    assert len(fresh.subjects(before)) == 1
    assert fresh.changed(before) == [
        ".stoa/.gitattributes",
        ".stoa/.gitignore",
        ".stoa/config.yaml",
        ".stoa/environments/host.yaml",
        ".stoa/roles.yaml",
    ]
    assert fresh.git("status", "--porcelain") == ""


def test_init_makes_what_git_writes_survive_a_power_cut(fresh):
    fresh.ok("init")
    assert fresh.git("config", "core.fsync") == "committed,reference\n"


def test_init_works_before_the_first_commit(tmp_path, git, cli):
    git(tmp_path, "init", "--quiet")
    cli.ok("init", cwd=tmp_path)
    assert git(tmp_path, "rev-list", "--count", "HEAD") == "1\n"


def test_init_in_a_subfolder_keeps_its_records_there(fresh):
    (fresh.top / "survey").mkdir()
    fresh.ok("init", "survey")
    assert "survey/.stoa/config.yaml" in fresh.git("ls-files").split()
    assert fresh.json("-C", "survey", "status")["targets"] == []


@pytest.fixture
def sparse(survey, tmp_path, cli) -> Survey:
    """A sparse checkout of the project in which the project's folder is left out."""
    (survey.top / "scripts").mkdir()
    (survey.top / "scripts/find.py").touch()
    survey.git("add", "scripts")
    survey.git("commit", "--quiet", "--message", "a script")
    survey.git("config", "uploadpack.allowFilter", "true")
    words = ("clone", "--quiet", "--no-checkout", "--filter=blob:none")
    survey.git(*words, f"file://{survey.top}", str(tmp_path / "sparse"))
    clone = Survey(tmp_path / "sparse", cli)
    clone.git("sparse-checkout", "set", "scripts")
    clone.git("checkout", "--quiet", "main")
    return clone


def test_a_project_that_a_sparse_checkout_leaves_out_is_found_in_git(sparse):
    assert sparse.error("status") == [
        f"error: the project of {sparse.top} is in git and not in the work tree",
        "hint: `git sparse-checkout add .stoa` brings it here",
    ]
    assert sparse.error("-C", "scripts", "status")[1] == "hint: `git sparse-checkout add ../.stoa` brings it here"
    sparse.git("sparse-checkout", "add", ".stoa")
    assert sparse.json("status")["target_count"] == 3


def test_init_does_not_replace_a_project_that_a_sparse_checkout_leaves_out(sparse):
    before = sparse.head()
    assert sparse.error("init") == [
        f"error: {sparse.top} has a project already, which is in git and not in the work tree",
        "hint: `git sparse-checkout add .stoa` brings it here",
    ]
    assert sparse.head() == before
    assert not (sparse.top / ".stoa").exists()


def test_init_does_not_replace_a_project_that_was_removed_from_the_work_tree(survey):
    shutil.rmtree(survey.top / ".stoa")
    assert survey.error("init")[1] == "hint: `git checkout HEAD -- :/.stoa` brings it here"
    survey.git("checkout", "HEAD", "--", ":/.stoa")
    assert survey.json("status")["target_count"] == 3


def test_above_a_project_in_a_subfolder_the_subfolder_is_named(fresh):
    (fresh.top / "survey").mkdir()
    fresh.ok("init", "survey")
    assert fresh.error("status") == [
        f"error: {fresh.top} is in no STOA project; this repository has one in survey",
        "hint: `stoa -C survey ...`",
    ]


def test_a_second_work_tree_of_a_project_runs_as_the_first_does(survey, tmp_path, cli):
    survey.git("worktree", "add", "--quiet", str(tmp_path / "second"), "-b", "second")
    second = Survey(tmp_path / "second", cli)
    second.ok("root", "add", "data", survey.top / "data")
    second.ok("run", "measure")
    assert second.statuses() == {"a": "ok", "b": "ok", "c": "ok"}
    assert second.git("status", "--porcelain") == ""
    assert survey.runs() == []


def test_init_as_json(fresh):
    said = fresh.json("init")
    assert sorted(said) == ["commit", "path", "project"]
    assert said["commit"] == fresh.head()
