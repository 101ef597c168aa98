"""Two clones exchange what they have, whatever state each of them is in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from collaborators import TARGETS, Person, clone_for

from stoa.commands import flag
from stoa.errors import StoaError
from stoa.provenance.git import GitError
from stoa.provenance.git import packs as packs_module


def both_ways(anna: Person, ben: Person) -> None:
    for person in (anna, ben, anna):
        person.sync()


def test_what_one_flags_the_other_sees(anna, ben):
    anna.flag("a", text="stripes")
    anna.sync()
    report = ben.sync()
    assert (report.received, report.sent, report.merged, report.attempts) == (1, 0, False, 1)
    assert ben.rows("SELECT target, author, text FROM open_flags") == [("a", "Anna Jansky", "stripes")]


def test_work_of_both_is_merged_and_nothing_is_lost(anna, ben):
    first, second = anna.flag("a"), ben.comment("a")
    both_ways(anna, ben)
    assert anna.head() == ben.head()
    assert {row[0] for row in anna.rows("SELECT id FROM reviews")} == {first, second}
    assert anna.git("rev-list", "--merges", "--count", "HEAD") == "1"


def test_a_second_sync_has_nothing_to_do(anna):
    anna.flag()
    anna.sync()
    report = anna.sync()
    assert (report.received, report.sent, report.merged) == (0, 0, False)


def test_the_report_counts_what_went_and_came(anna, ben):
    anna.flag("a")
    anna.flag("b")
    anna.sync()
    ben.comment("c")
    report = ben.sync()
    assert (report.received, report.sent, report.merged) == (2, 2, True)  # sent: the comment and the merge


def test_runs_of_both_arrive(anna, ben):
    runs = {anna.run("a"), ben.run("b")}
    both_ways(anna, ben)
    assert {row[0] for row in ben.rows("SELECT run FROM outcomes WHERE status = 'ok'")} == runs


def test_the_branch_is_made_where_the_remote_has_none(anna, hub):
    subprocess.run(["git", "update-ref", "-d", "refs/heads/main"], cwd=hub, check=True)
    anna.git("update-ref", "-d", "refs/remotes/origin/main")
    report = anna.sync()
    assert report.sent == int(anna.git("rev-list", "--count", "HEAD"))
    assert subprocess.check_output(["git", "rev-parse", "main"], cwd=hub, text=True).strip() == anna.head()


def test_a_branch_without_a_commit_takes_what_the_remote_has(anna, ben):
    ben.git("push", "-q", "origin", "main:fresh")
    anna.git("checkout", "-q", "--orphan", "fresh")
    anna.git("rm", "-rq", "--cached", ".")
    anna.sync()
    assert anna.head() == ben.head()
    assert anna.git("status", "--porcelain") == ""


def test_histories_without_a_common_commit_are_not_joined(anna, tmp_path):
    other = Person("Other", tmp_path / "other")
    other.folder.mkdir()
    other.git("init", "-q")
    other.introduce().save("README", "another project\n")
    anna.git("remote", "set-url", "origin", str(other.folder))
    before = anna.head()
    with pytest.raises(GitError, match="no common history"):
        anna.sync()
    assert anna.head() == before


def test_a_shallow_clone_says_how_to_go_deeper(hub, anna, tmp_path):
    anna.git("checkout", "-q", "-b", "old", "HEAD~1")
    anna.flag("a")
    anna.git("push", "-q", "origin", "old")
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{hub}", str(tmp_path / "cleo")], check=True)
    cleo = Person("Cleo", tmp_path / "cleo").introduce()
    cleo.git("config", "branch.main.merge", "refs/heads/old")
    with pytest.raises(GitError) as caught:
        cleo.sync()
    assert caught.value.hint == "`git fetch --unshallow`, then `stoa sync` again"


def test_a_shallow_clone_shares_while_the_histories_meet(hub, anna, tmp_path):
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{hub}", str(tmp_path / "cleo")], check=True)
    cleo = Person("Cleo", tmp_path / "cleo").introduce()
    anna.flag("a")
    anna.sync()
    cleo.flag("c")
    cleo.sync()
    anna.sync()
    assert {row[0] for row in anna.rows("SELECT target FROM open_flags")} == {"a", "c"}


def test_a_shallow_clone_that_was_cut_again_is_not_told_that_the_branch_was_rewritten(hub, anna, tmp_path):
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{hub}", str(tmp_path / "cleo")], check=True)
    cleo = Person("Cleo", tmp_path / "cleo").introduce()
    cleo.sync()
    for target in ("a", "b"):
        anna.flag(target)
    anna.sync()
    cleo.git("fetch", "-q", "--depth=1")
    with pytest.raises(GitError, match="this clone is shallow") as caught:
        cleo.sync()
    assert caught.value.hint == "`git fetch --unshallow`, then `stoa sync` again"
    cleo.git("fetch", "-q", "--unshallow")
    assert cleo.sync().received == 2


def test_a_partial_clone_shares_and_keeps_few_packs(hub, anna, tmp_path, monkeypatch):
    monkeypatch.setattr(packs_module, "PACKS_AT_MOST", 5)
    subprocess.run(["git", "config", "uploadpack.allowFilter", "true"], cwd=hub, check=True)
    subprocess.run(["git", "clone", "-q", "--filter=blob:none", f"file://{hub}", tmp_path / "cleo"], check=True)
    cleo = Person("Cleo", tmp_path / "cleo").introduce()
    cleo.write(".stoa/local.yaml", "schema: 1\nroots: {data: data}\n")
    for number in range(12):
        with cleo.open() as ws:
            flag.flag(ws, list(TARGETS), reason="check", text=f"look {number}")
    packs = list((cleo.folder / ".git/objects/pack").glob("*.pack"))
    assert len(packs) <= 6
    anna.run("b")
    anna.comment("c")
    both_ways(anna, cleo)
    assert len(anna.rows("SELECT id FROM open_flags")) == 12 * len(TARGETS)
    assert cleo.rows("SELECT kind, target FROM reviews WHERE kind = 'comment'") == [("comment", "c")]
    assert cleo.rows("SELECT target, status FROM outcomes") == [("b", "ok")]
    cleo.git("fsck", "--strict", "--no-dangling")


def test_the_upstream_may_have_another_name(anna, hub):
    anna.git("push", "-q", "origin", "main:records")
    anna.git("branch", "-q", "--set-upstream-to=origin/records")
    anna.flag()
    assert anna.sync().branch == "records"
    assert subprocess.check_output(["git", "rev-parse", "records"], cwd=hub, text=True).strip() == anna.head()


def without_upstream(person: Person) -> None:
    person.git("branch", "--unset-upstream")


def test_after_a_sync_plain_git_knows_what_the_branch_is_shared_by(anna, ben):
    without_upstream(anna)
    anna.flag("a")
    anna.sync()
    assert anna.git("rev-parse", "--abbrev-ref", "@{upstream}") == "origin/main"
    ben.flag("b")
    ben.sync()
    anna.git("pull", "-q")
    anna.flag("c")
    anna.git("push", "-q")
    assert ben.sync().received == 1


def test_an_upstream_that_is_there_stays(anna):
    anna.git("push", "-q", "origin", "main:records")
    anna.git("branch", "-q", "--set-upstream-to=origin/records")
    anna.sync()
    assert anna.git("rev-parse", "--abbrev-ref", "@{upstream}") == "origin/records"


def test_a_remote_that_is_named_once_does_not_become_the_upstream(anna, hub):
    without_upstream(anna)
    anna.git("remote", "add", "south", str(hub))
    anna.sync(remote="south")
    assert "branch.main.remote=south" not in anna.git("config", "--list").splitlines()


def test_a_linked_work_tree_shares_its_own_branch(anna, ben, tmp_path):
    anna.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = Person("Anna Jansky", tmp_path / "side")
    side.flag("d")
    side.sync()
    assert ben.git("ls-remote", "--heads", "origin", "side").startswith(side.head())
    assert anna.git("status", "--porcelain") == ""


def test_a_project_in_a_subfolder_is_shared(anna, tmp_path, hub):
    (anna.folder / "sub").mkdir()
    anna.git("mv", ".stoa", "sub/.stoa")
    anna.git("mv", "count.sh", "sub/count.sh")
    anna.git("commit", "-q", "-m", "moved")
    anna.git("push", "-q")
    other = clone_for("Ben Cook", str(hub), tmp_path / "ben2")
    inner = Person("Ben Cook", other.folder / "sub")
    inner.flag("a")
    inner.sync()
    Person("Anna Jansky", anna.folder / "sub").sync()
    assert Person("Anna Jansky", anna.folder / "sub").rows("SELECT target FROM open_flags") == [("a",)]


def test_target_lists_are_merged_line_by_line(anna, ben):
    line = '- {{"name": "{0}", "root": "data", "path": "{0}"}}\n'
    for person, name in ((anna, "m_anna"), (ben, "m_ben")):
        old = (person.folder / ".stoa/targets/all.yaml").read_text()
        person.save(".stoa/targets/all.yaml", old + line.format(name))
    both_ways(anna, ben)
    with anna.open() as ws:
        assert sorted(ws.targets) == sorted([*TARGETS, "m_anna", "m_ben"])


def test_plain_git_pull_merges_target_lists_alike(anna, ben):
    line = '- {{"name": "{0}", "root": "data", "path": "{0}"}}\n'
    for person, name in ((anna, "m_anna"), (ben, "m_ben")):
        old = (person.folder / ".stoa/targets/all.yaml").read_text()
        person.save(".stoa/targets/all.yaml", old + line.format(name))
    anna.git("push", "-q")
    ben.git("pull", "-q", "--no-rebase", "--no-edit")
    with ben.open() as ws:
        assert sorted(ws.targets) == sorted([*TARGETS, "m_anna", "m_ben"])


def test_plain_git_and_stoa_sync_take_turns(anna, ben):
    anna.flag("a")
    anna.git("push", "-q")
    ben.flag("b")
    ben.sync()
    anna.flag("c")
    anna.git("pull", "-q", "--no-rebase", "--no-edit")
    anna.git("push", "-q")
    ben.sync()
    assert ben.head() == anna.head()
    assert {row[0] for row in ben.rows("SELECT target FROM open_flags")} == {"a", "b", "c"}


def test_a_repository_without_remote_says_how_to_get_one(anna):
    anna.git("remote", "remove", "origin")
    with pytest.raises(GitError) as caught:
        anna.sync()
    assert caught.value.hint == "`git remote add origin URL`"


def test_of_several_remotes_one_has_to_be_named(anna, hub):
    anna.git("remote", "rename", "origin", "north")
    anna.git("remote", "add", "south", str(hub))
    anna.git("config", "--unset", "branch.main.remote")
    with pytest.raises(GitError, match="north, south"):
        anna.sync()
    assert anna.sync(remote="south").remote == "south"


def test_an_unknown_remote_is_named_with_the_nearest_one(anna):
    with pytest.raises(StoaError, match="did you mean 'origin'"):
        anna.sync(remote="orign")


def test_nothing_is_shared_while_a_merge_of_the_user_is_under_way(anna, ben):
    (anna.folder / ".git" / "MERGE_HEAD").write_text(f"{ben.head()}\n")
    with pytest.raises(StoaError, match="a merge is under way"):
        anna.sync()


def test_records_that_came_and_cannot_be_read_are_told(anna, ben):
    anna.save(".stoa/reviews/a/20261122T100000-aaaaaa.yaml", "schema: 99\n")
    anna.git("push", "-q")
    report = ben.sync()
    assert [path for path, _ in report.unreadable] == ["reviews/a/20261122T100000-aaaaaa.yaml"]
    assert "newer" in report.unreadable[0][1]


def test_what_was_told_once_is_not_told_again(anna, ben):
    anna.save(".stoa/reviews/a/20261122T100000-aaaaaa.yaml", "schema: 99\n")
    anna.git("push", "-q")
    ben.sync()
    assert ben.sync().unreadable == ()


def test_the_command_says_what_was_exchanged(anna, cli):
    anna.flag()
    printed = cli.ok("sync", cwd=anna.folder)
    assert printed == f"origin/main: received 0 commits, sent 1 commit (now at {anna.head()[:9]})\n"


@pytest.mark.parametrize("settings", ["", "own hooks"])
def test_a_hook_that_plain_git_push_would_run_is_named(anna, cli, settings):
    if settings:
        anna.git("config", "core.hooksPath", settings)
    hook = anna.folder / (settings or ".git/hooks") / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    anna.flag("a")
    assert anna.sync().hook == ""  # git does not run one that is not executable
    hook.chmod(0o755)
    anna.flag("b")
    told = cli("sync", cwd=anna.folder)
    assert told.exit_code == 0
    assert f"your hook {hook} did not run" in told.stderr
    assert "did not run" not in cli("sync", cwd=anna.folder).stderr  # nothing went


def test_an_old_git_is_told_to_be_too_old(anna, ben, tmp_path: Path, monkeypatch):
    """Git below 2.38 prints its usage when it is asked to merge without a work tree."""
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin" / "git"
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *merge-tree*) exit 129;; --version) echo git version 2.30.2; exit 0;; esac\n'
        f'exec {real} "$@"\n'
    )
    old.chmod(0o755)
    anna.flag("a")
    anna.sync()
    ben.flag("b")
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    with pytest.raises(GitError, match=r"git 2\.30\.2 cannot merge"):
        ben.sync()
