"""`stoa clone` gives a project that is ready, or nothing at all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stoa.commands.clone import clone
from stoa.errors import StoaError
from stoa.provenance.git import GitError


def test_a_clone_is_ready_for_work(hub, tmp_path, git):
    report = clone(str(hub), tmp_path / "mine")
    assert (report.path, report.targets) == (str(tmp_path / "mine"), 4)
    assert git(tmp_path / "mine", "status", "--porcelain") == ""
    assert git(tmp_path / "mine", "config", "core.fsync").strip() == "committed,reference"
    assert (tmp_path / "mine/.git/stoa/spool").is_dir()
    assert (tmp_path / "mine/.stoa/cache").is_dir()


def test_roots_without_a_path_here_are_named(hub, tmp_path):
    report = clone(str(hub), tmp_path / "mine")
    assert [root.name for root in report.unplaced] == ["data"]


def test_the_command_says_how_to_give_them(hub, tmp_path, cli):
    result = cli("clone", hub, "mine", cwd=tmp_path)
    assert result.exit_code == 0
    assert "root data (data) has no path on this machine: `stoa root add data PATH`" in result.stderr
    (tmp_path / "there").mkdir()
    cli.ok("root", "add", "data", tmp_path / "there", cwd=tmp_path / "mine")
    assert cli.json("root", "list", cwd=tmp_path / "mine")[0]["exists"]


@pytest.mark.parametrize("ending", ["", "/", "/.git"])
def test_the_folder_is_named_as_the_repository(hub, tmp_path, monkeypatch, ending):
    source = tmp_path / "quasars"
    subprocess.run(["git", "clone", "-q", hub, source], check=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert clone(f"{source}{ending}").path == str(tmp_path / "here/quasars")


def test_what_was_cloned_can_be_flagged_and_sent_back(hub, tmp_path, cli, git):
    cli.ok("clone", hub, "mine", cwd=tmp_path)
    cli.ok("flag", "a", cwd=tmp_path / "mine")
    cli.ok("sync", cwd=tmp_path / "mine")
    assert git(hub, "rev-parse", "main") == git(tmp_path / "mine", "rev-parse", "HEAD")


def test_a_repository_without_a_project_is_refused(repo, tmp_path):
    with pytest.raises(StoaError, match="it is not a STOA project, and nothing was cloned"):
        clone(str(repo), tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_an_empty_repository_is_refused(tmp_path):
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "empty.git"], check=True)
    with pytest.raises(GitError, match="has no commit"):
        clone(str(tmp_path / "empty.git"), tmp_path / "mine")


def test_a_repository_of_another_format_is_named_by_its_address(tmp_path, git):
    source = tmp_path / "source"
    subprocess.run(["git", "init", "-q", "--object-format=sha256", source], check=True)
    git(source, "commit", "--quiet", "--allow-empty", "--message", "first")
    with pytest.raises(GitError) as caught:
        clone(str(source), tmp_path / "mine")
    message = f"{source} uses objectformat 'sha256', which STOA cannot write; nothing was cloned"
    assert caught.value.message == message


def test_a_folder_beside_this_one_is_named_without_a_detour(hub, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert clone(str(hub), Path("../mine")).path == str(tmp_path / "mine")


def test_a_folder_that_is_in_use_is_left_alone(hub, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(GitError, match="is there already"):
        clone(str(hub), tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_an_address_that_leads_nowhere_is_said(tmp_path):
    with pytest.raises(GitError, match="cannot clone"):
        clone(str(tmp_path / "nothing"), tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_a_hostile_project_is_written(anna, hub, tmp_path):
    anna.plant(".stoa/runs/link", b"/etc", "120000")
    with pytest.raises(StoaError, match=r"holds what no project can hold: \.stoa/runs/link is a symbolic link"):
        clone(str(hub), tmp_path / "mine")
    assert {file.name for file in tmp_path.iterdir()} == {"anna", "hub.git"}


def test_a_project_in_a_subfolder_is_found(anna, hub, tmp_path):
    (anna.folder / "sub").mkdir()
    anna.git("mv", ".stoa", "sub/.stoa")
    anna.git("commit", "-q", "-m", "moved")
    anna.git("push", "-q")
    assert clone(str(hub), tmp_path / "mine").path == str(tmp_path / "mine/sub")


def test_a_clone_remembers_where_the_remote_was(hub, tmp_path, git):
    clone(str(hub), tmp_path / "mine")
    seen = git(tmp_path / "mine", "rev-parse", "refs/stoa/seen/origin/main")
    assert seen == git(hub, "rev-parse", "main")


def test_the_command_can_start_elsewhere(hub, tmp_path, cli):
    cli.ok("-C", hub.parent, "clone", "hub.git", cwd=tmp_path.parent)
    assert (tmp_path / "hub" / ".stoa" / "config.yaml").is_file()


def test_a_relative_address_is_meant_from_here(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(hub.parent)
    report = clone("hub.git", Path("deep/er"))
    assert report.path == str(tmp_path / "deep/er")


@pytest.fixture
def elsewhere(survey, tmp_path, git):
    """A shared repository whose HEAD names a branch that is not there, with the project on another."""
    hub = tmp_path / "hub.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "trunk", str(hub))
    survey.git("push", "--quiet", str(hub), "HEAD:refs/heads/work")
    return hub


def test_a_project_on_another_branch_than_that_of_head_is_found(survey, elsewhere, cli, tmp_path, git):
    cli.ok("clone", str(elsewhere), "copy", cwd=tmp_path)
    copy = tmp_path / "copy"
    assert git(copy, "rev-parse", "--abbrev-ref", "HEAD", "@{upstream}").split() == ["work", "origin/work"]
    assert git(copy, "status", "--porcelain") == ""
    cli.ok("flag", "a", cwd=copy)
    cli.ok("sync", cwd=copy)
    assert git(elsewhere, "rev-parse", "work") == git(copy, "rev-parse", "HEAD")


def test_a_head_with_something_else_on_it_is_passed_over(survey, elsewhere, cli, tmp_path, git):
    tree = survey.git("hash-object", "-t", "tree", "-w", "/dev/null").strip()
    empty = survey.git("commit-tree", "-m", "nothing yet", tree).strip()
    survey.git("push", "--quiet", str(elsewhere), f"{empty}:refs/heads/trunk")
    cli.ok("clone", str(elsewhere), "copy", cwd=tmp_path)
    assert git(tmp_path / "copy", "rev-parse", "--abbrev-ref", "HEAD").strip() == "work"


def test_projects_on_several_branches_are_a_choice_to_make(survey, elsewhere, cli, tmp_path):
    survey.git("push", "--quiet", str(elsewhere), "HEAD:refs/heads/older")
    result = cli("clone", str(elsewhere), "copy", cwd=tmp_path)
    assert result.exit_code == 1
    assert "there are projects on several others: older, work; nothing was cloned" in result.stderr
    assert "`git clone --branch older URL` takes one of them" in result.stderr
    assert not (tmp_path / "copy").exists()
