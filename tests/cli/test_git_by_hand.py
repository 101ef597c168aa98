"""Git used by hand during a run, or with odd variables and rights, loses nothing and is not misled."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from slow_jobs import end, go, killed, wait_until_running
from survey import Survey

from stoa.durable import make_file, make_folder, open_shared, write_hint
from stoa.provenance.git.plumbing import environ


def by_hand(survey: Survey, *words: str, **environ: str) -> None:
    subprocess.run(["git", *words], cwd=survey.top, env=os.environ | environ, capture_output=True, check=True)


@pytest.mark.parametrize("words", [("clean", "-fdxq", ".stoa"), ("stash", "-u", "-q"), ("stash", "-a", "-q")])
def test_what_a_run_has_told_survives_clean_and_stash_and_a_kill(waiting, begin, words):
    process = begin("run", "measure", "-j", "1")
    go(waiting, "a")
    wait_until_running(waiting, "b")
    by_hand(waiting, *words)
    killed(waiting, process)
    by_hand(waiting, "checkout", "-q", ".")
    waiting("status")
    assert waiting.statuses()["a"] == "ok"
    waiting("stop")  # what the killed run has left running


def test_a_run_that_ends_during_a_rebase_is_committed_when_that_is_over(waiting, begin):
    for number in range(2):
        (waiting.top / "notes.txt").write_text(f"{number}\n")
        waiting.git("add", "notes.txt")
        waiting.git("commit", "--quiet", "-m", f"note {number}")
    process = begin("run", "measure", "-j", "3")
    by_hand(waiting, "rebase", "-q", "-i", "HEAD~2", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/edit/")
    go(waiting, "a", "b", "c")
    code, _, err = end(process)
    assert code == 1
    assert "a rebase of" in err
    waiting.git("rebase", "--abort")
    waiting.ok("status")
    assert waiting.statuses() == {"a": "ok", "b": "ok", "c": "ok"}


def test_a_run_that_ends_during_a_rebase_does_not_keep_that_from_being_finished(waiting, begin):
    (waiting.top / "notes.txt").write_text("note\n")
    waiting.git("add", "notes.txt")
    waiting.git("commit", "--quiet", "-m", "note")
    process = begin("run", "measure", "-j", "3")
    by_hand(waiting, "rebase", "-q", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/edit/")
    go(waiting, "a", "b", "c")
    end(process)
    waiting.git("commit", "--amend", "-q", "-m", "another note")
    waiting.git("rebase", "--continue")
    waiting.ok("status")
    assert len(waiting.outcomes()) == 3
    assert "another note" in waiting.subjects()


def test_private_files_are_ignored_on_a_branch_without_rules_of_its_own(survey):
    survey.git("switch", "--quiet", "--orphan", "pages")
    (survey.top / ".stoa").mkdir(exist_ok=True)
    (survey.top / ".stoa/local.yaml").write_text("schema: 1\n")
    (survey.top / ".stoa/cache").mkdir(exist_ok=True)
    (survey.top / ".stoa/cache/x").write_text("x")
    assert ".stoa" not in survey.git("status", "--porcelain", "--untracked-files=all")


def test_a_plain_clone_ignores_private_files_from_its_first_command_on(survey, tmp_path):
    (survey.top / ".stoa/.gitignore").write_text("")
    survey.git("commit", "--quiet", "-a", "-m", "ignore nothing")
    clone = Survey(tmp_path / "clone", survey.terminal)
    survey.git("clone", "--quiet", str(survey.top), str(clone.top))
    clone.ok("status")
    before = (clone.top / ".git/info/exclude").read_text()
    clone.ok("status")
    assert (clone.top / ".git/info/exclude").read_text() == before
    assert clone.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "name", ["GIT_LITERAL_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_DIR", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_X"]
)
def test_variables_that_change_what_git_reads_do_not_reach_it(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert name not in environ()


@pytest.mark.parametrize(
    "name", ["GIT_AUTHOR_NAME", "GIT_CONFIG_GLOBAL", "GIT_SSH_COMMAND", "GIT_CONFIG_KEY_0", "HOME"]
)
def test_variables_that_say_who_the_user_is_and_how_others_are_reached_do(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    assert environ()[name] == "x"


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_is_made_in_a_folder_of_a_group_belongs_to_the_group(tmp_path, usual_umask):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2775)
    make_folder(shared / "a/b")
    os.close(open_shared(shared / "a/b/lock", os.O_RDWR | os.O_CREAT))
    make_file(shared / "a/b/index")
    assert all(path.stat().st_mode & stat.S_IWGRP for path in (shared, *shared.rglob("*")))
    assert all(path.stat().st_mode & stat.S_ISGID for path in (shared / "a", shared / "a/b"))


def test_what_is_made_elsewhere_has_the_rights_of_the_umask(tmp_path, usual_umask):
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "a")
    make_file(tmp_path / "a/index")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "a/index").stat().st_mode) == 0o644


def test_all_that_stoa_writes_below_git_of_a_shared_repository_is_the_groups(waiting, begin, usual_umask):
    by_hand(waiting, "init", "-q", "--shared=group")
    subprocess.run(["chmod", "-R", "g+w", waiting.top / ".git"], check=True)
    process = begin("run", "measure", "-j", "1")
    go(waiting, "a", "b")
    wait_until_running(waiting, "c")
    waiting.ok("flag", "a", "--reason", "check")
    control = waiting.top / ".git"
    made = [path for path in control.rglob("*") if not path.is_symlink() and "objects" not in path.parts]
    kept = [path for path in made if path.is_dir() or path.parent.name != "script"]  # no one writes to a frozen script
    bad = [str(path.relative_to(control)) for path in kept if not path.stat().st_mode & stat.S_IWGRP]
    go(waiting, "c")
    end(process)
    assert "stoa/spool" in " ".join(str(path) for path in made)
    assert bad == []


def test_a_file_that_may_not_be_written_is_not_called_a_full_disk():
    assert "full" not in write_hint(PermissionError(13, "Permission denied"))
    assert "full" in write_hint(OSError(28, "No space left on device"))


def test_a_repository_of_another_user_is_read_when_git_is_told_to_trust_it_and_the_message_says_how(survey):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(survey.top / ".git", 65534, 65534)
    os.chown(survey.top, 65534, 65534)
    error = "\n".join(survey.error("flag", "a", "--reason", "check"))
    assert f"git config --global --add safe.directory '{survey.top}" in error


def test_a_run_that_was_just_put_back_is_not_executed_before_someone_has_looked_at_it(survey):
    survey.ok("run", "measure", "--target", "a")
    (run,) = survey.runs()
    survey.git("reset", "--quiet", "--hard", "HEAD~1")
    lines = survey.error("reproduce", run)
    assert any(f"the records of run {run} were gone from the branch and were just put back" in line for line in lines)
    assert survey.runs() == [run]
    survey.ok("reproduce", run)
