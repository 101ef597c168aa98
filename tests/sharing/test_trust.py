"""What comes by pull is input from outside: the wrong shape is refused, whole and with its place."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import pytest
from collaborators import Person

from stoa.commands.doctor import doctor
from stoa.commands.fsck import fsck
from stoa.commands.init import init
from stoa.commands.status import status as get_status
from stoa.errors import StoaError
from stoa.project import Config, Local, Project
from stoa.provenance import inspect
from stoa.provenance.git import GitError, RewrittenError, snapshot

HOSTILE = [
    (".stoa/runs/evil", b"/etc", "120000", r"\.stoa/runs/evil is a symbolic link"),
    (".stoa/processes/evil.yaml", b"x", "100755", r"evil\.yaml is an executable file"),
    (".stoa/meta/evil", b"", "160000", r"\.stoa/meta/evil is a submodule"),
    (".stoa/local.yaml", b"roots: {data: /etc}\n", "100644", r"local\.yaml belongs to one machine"),
    (".stoa/spool/r/journal", b"x", "100644", r"spool/r/journal belongs to one machine"),
    (".stoa/cache/index.sqlite", b"x", "100644", r"index\.sqlite belongs to one machine"),
    (".stoa/hooks/pre-commit", b"x", "100644", r"hooks/pre-commit is nothing that this STOA knows"),
    (".stoa/extra.yaml", b"x", "100644", r"extra\.yaml is nothing that this STOA knows"),
    (".stoa/runs/.gitattributes", b"* filter=x\n", "100644", r"would give git orders"),
    (".stoa/.gitattributes", b"* -text\n* filter=x\n", "100644", r"\.gitattributes would have git convert records"),
    (".stoa/.gitattributes", b"[attr]x filter=x\n", "100644", r"\.gitattributes would have git convert records"),
    (b".stoa/meta/a\nb.xml", b"x", "100644", r"a\\nb\.xml has control characters"),
    (b".stoa/meta/\x1b[31m.xml", b"x", "100644", r"\\x1b\[31m\.xml has control characters"),
    (b".stoa/meta/caf\xe9.xml", b"x", "100644", r"has a name that is not UTF-8"),
    (b".stoa/meta/" + b"n" * 201, b"x", "100644", r"has a name of 201 bytes"),
    (".stoa/processes/COUNT.yaml", b"x", "100644", r"holds COUNT\.yaml and count\.yaml, which differ in case only"),
    (".stoa/meta/e\u0301.xml", b"x", "100644", None),  # as the next one, but alone
    (".STOA/config.yaml", b"x", "100644", r"\.STOA/config\.yaml differs from \.stoa in case only"),
    ("sub/.stoa", b"x", "100644", r"sub/\.stoa is a file where the project's folder belongs"),
]


@pytest.mark.parametrize(("path", "content", "mode", "told"), HOSTILE, ids=[repr(row[0])[:40] for row in HOSTILE])
def test_a_tree_of_the_wrong_shape_is_not_merged(anna, ben, path, content, mode, told):
    anna.plant(path, content, mode)
    before = ben.head()
    if told is None:
        assert ben.sync().received == 1
        return
    with pytest.raises(StoaError, match=f"origin/main brings what cannot be shared: .*{told}.*nothing was merged"):
        ben.sync()
    assert ben.head() == before
    assert ben.git("status", "--porcelain") == ""


def test_everything_that_a_project_has_a_place_for_is_let_in(anna, ben):
    project = Project(anna.folder, Config(project="p"), Local())
    files = (
        project.config_file, project.roles_file, project.target_list("more"), project.process_file("find"),
        project.params_file("find", "deep"), project.environment_file("venv"), project.meta_file("a"),
        project.stoa / project.run_record("20261122T100000-aaaaaa", "frozen/script/find.py"),
        project.stoa / project.outcomes_record("20261122T100000-aaaaaa", 0),
        project.stoa / project.review_record("a", "20261122T100000-aaaaaa"),
    )  # fmt: skip
    for file in files:
        text = file.read_text() if file.exists() else "# nothing yet\n"
        anna.save(str(file.relative_to(anna.folder)), text + "\n")
    anna.sync()
    ben.sync()
    assert all((ben.folder / file.relative_to(anna.folder)).exists() for file in files)


def test_names_that_only_normalisation_tells_apart_are_refused(anna, ben):
    anna.plant(".stoa/meta/\u00e9.xml")
    ben.sync()
    anna.plant(".stoa/meta/e\u0301.xml")
    with pytest.raises(StoaError, match="which differ in case only"):
        ben.sync()


def test_twins_that_meet_only_in_the_merge_are_refused(anna, ben):
    anna.save(".stoa/processes/find.yaml", "schema: 1\nname: find\ncommand: [true]\n")
    anna.sync()
    ben.save(".stoa/processes/Find.yaml", "schema: 1\nname: Find\ncommand: [true]\n")
    with pytest.raises(StoaError, match=r"holds Find\.yaml and find\.yaml, which differ in case only"):
        ben.sync()


def test_a_file_over_the_limit_is_refused(anna, ben, monkeypatch):
    monkeypatch.setattr(snapshot, "MAX_RECORD", 1_000_000)
    anna.plant(".stoa/meta/big.xml", b"x" * 2_000_000)
    with pytest.raises(StoaError, match=r"big\.xml is 2 MB large \(at most 1 MB\)"):
        ben.sync()


def test_a_link_in_place_of_a_whole_folder_is_refused(anna, ben):
    anna.flag()
    anna.sync()
    ben.sync()
    anna.git("rm", "-rq", "--cached", ".stoa/reviews")
    anna.plant(".stoa/reviews", b"/etc", "120000")
    with pytest.raises(StoaError, match=r"\.stoa/reviews is a symbolic link"):
        ben.sync()
    assert (ben.folder / ".stoa/reviews/a").is_dir()


def test_the_error_names_everything_that_is_wrong(anna, ben):
    anna.plant(".stoa/runs/one", b"/etc", "120000")
    anna.plant(".stoa/runs/two", b"x", "100755")
    with pytest.raises(inspect.RefusedError) as caught:
        ben.sync()
    assert [finding.path for finding in caught.value.findings] == [".stoa/runs/one", ".stoa/runs/two"]


def test_what_is_taken_back_again_does_no_harm(anna, ben):
    anna.plant(".stoa/runs/evil", b"/etc", "120000")
    anna.git("rm", "-q", "--cached", ".stoa/runs/evil")
    anna.git("commit", "-q", "-m", "taken back")
    anna.git("push", "-q")
    assert ben.sync().received == 2


def test_attributes_that_switch_conversions_off_may_differ(anna, ben):
    anna.plant(".stoa/.gitattributes", b"# later\n* -text !filter\ntargets/*.yaml merge=union\nruns/** -delta -diff\n")
    assert ben.sync().received == 1


def test_names_that_differ_in_case_only_are_found_once_by_fsck(anna, ben):
    anna.plant(".stoa/meta/A.xml")
    anna.plant(".stoa/meta/a.xml")
    ben.git("pull", "-q")
    with ben.open() as ws:
        found = [finding.message for finding in fsck(ws).findings if "case" in finding.message]
    assert found == ["holds A.xml and a.xml, which differ in case only"]


def test_what_plain_git_pull_let_in_is_found_by_fsck(anna, ben):
    anna.plant(".stoa/runs/evil", b"/etc", "120000")
    ben.git("pull", "-q")
    with ben.open() as ws:
        found = [(finding.where, finding.message) for finding in fsck(ws).findings]
    assert found == [(".stoa/runs/evil", "is a symbolic link")]


@pytest.mark.parametrize("name", ["params", "targets", "cache", "spool", "processes", "params/count"])
def test_nothing_is_read_or_written_through_a_link_that_plain_git_pull_let_in(anna, ben, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    anna.git("rm", "-rq", "--cached", "--ignore-unmatch", f".stoa/{name}")
    anna.plant(f".stoa/{name}", str(outside).encode(), "120000")
    shutil.rmtree(ben.folder / ".stoa" / name, ignore_errors=True)
    ben.git("pull", "-q")
    assert (ben.folder / ".stoa" / name).is_symlink()
    for verb in (fsck, doctor, get_status):
        with pytest.raises(StoaError, match=rf"\.stoa/{name} is a symbolic link; STOA neither"), ben.open() as ws:
            verb(ws)
    assert list(outside.iterdir()) == []


def test_a_project_that_is_a_link_is_not_opened(anna, ben, tmp_path):
    outside = shutil.copytree(ben.folder / ".stoa", tmp_path / "outside")
    anna.git("rm", "-rq", "--cached", ".stoa")
    anna.plant(".stoa", str(outside).encode(), "120000")
    shutil.rmtree(ben.folder / ".stoa")
    ben.git("pull", "-q")
    with pytest.raises(StoaError, match=r"\.stoa is a symbolic link"), ben.open():
        pass


def test_links_in_the_place_of_private_folders_are_ignored_by_git(hub, tmp_path):
    founder = tmp_path / "new"
    founder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=founder, check=True)
    init(founder)
    for name in ("cache", "spool"):
        shutil.rmtree(founder / ".stoa" / name, ignore_errors=True)
        (founder / ".stoa" / name).symlink_to(tmp_path)
    done = subprocess.run(["git", "status", "--porcelain"], cwd=founder, check=True, capture_output=True)
    assert done.stdout == b""


def test_a_project_that_somebody_removed_stays(anna, ben):
    anna.git("rm", "-q", ".stoa/config.yaml")
    anna.git("commit", "-q", "-m", "tidy up")
    anna.git("push", "-q")
    with pytest.raises(StoaError, match=r"\.stoa/config\.yaml was deleted by Anna Jansky"):
        ben.sync()


def test_the_users_own_files_may_be_links_and_executables(anna, ben):
    anna.plant("latest", b"count.sh", "120000")
    anna.plant("tool.sh", b"#!/bin/sh\n", "100755")
    ben.sync()
    assert (ben.folder / "latest").is_symlink()


def test_a_record_that_cannot_be_read_is_let_in_and_named(anna, ben):
    anna.plant(".stoa/reviews/a/20261122T100000-aaaaaa.yaml", b"!!python/object/apply:os.system [touch /tmp/x]\n")
    ben.sync()
    assert [row[0] for row in ben.rows("SELECT path FROM problems")] == ["reviews/a/20261122T100000-aaaaaa.yaml"]


def test_what_others_would_refuse_is_not_sent(anna, hub):
    anna.write(".stoa/reviews/link", "x")
    (anna.folder / ".stoa/reviews/link").unlink()
    (anna.folder / ".stoa/reviews/link").symlink_to("/etc")
    anna.git("add", "-f", ".stoa/reviews/link")
    anna.git("commit", "-q", "-m", "link")
    with pytest.raises(StoaError, match=r"your branch holds what cannot be shared: .*symbolic link; nothing was sent"):
        anna.sync()
    assert anna.git("ls-remote", "origin", "main").split()[0] != anna.head()


def test_git_hooks_of_a_clone_are_not_run(anna, ben):
    for name in ("post-merge", "post-checkout", "pre-push", "reference-transaction", "pre-merge-commit"):
        hook = ben.folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ben.folder}/ran-{name}\n")
        hook.chmod(0o755)
    monitor = ben.folder / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch {ben.folder}/ran-monitor\n")
    monitor.chmod(0o755)
    ben.git("config", "core.fsmonitor", str(monitor))
    anna.flag("a")
    anna.sync()
    ben.flag("b")
    ben.sync()
    assert list(ben.folder.glob("ran-*")) == []


@pytest.fixture
def with_records(anna: Person, ben: Person) -> str:
    """A review of Anna's that Ben has as well; gives its path."""
    event = anna.flag("a")
    anna.sync()
    ben.sync()
    return f".stoa/reviews/a/{event}.yaml"


def test_a_record_that_somebody_deleted_is_kept_here(anna, ben, with_records):
    anna.git("rm", "-q", with_records)
    anna.git("commit", "-q", "-m", "never happened")
    anna.git("push", "-q")
    with pytest.raises(StoaError, match=rf"{with_records} was deleted by Anna Jansky in [0-9a-f]+; nothing was merged"):
        ben.sync()
    assert (ben.folder / with_records).exists()
    assert ben.rows("SELECT target FROM open_flags") == [("a",)]


def test_a_record_that_somebody_changed_is_kept_here(anna, ben, with_records):
    text = (anna.folder / with_records).read_text()
    anna.save(with_records, text.replace("check", "artefacts"))
    anna.git("push", "-q")
    with pytest.raises(StoaError, match=rf"{with_records} was changed by Anna Jansky"):
        ben.sync()
    assert (ben.folder / with_records).read_text() == text


def test_a_change_that_is_accepted_with_git_is_not_refused_again(anna, ben, with_records):
    anna.git("rm", "-q", with_records)
    anna.git("commit", "-q", "-m", "a name that must not be public")
    anna.git("push", "-q")
    ben.flag("b")
    with pytest.raises(StoaError) as caught:
        ben.sync()
    accepting = re.search("`git (merge [^`]*)` accepts it", caught.value.hint)
    assert accepting
    ben.git(*shlex.split(accepting[1]))
    ben.sync()
    assert not (ben.folder / with_records).exists()


def test_an_own_change_of_a_record_is_not_sent(anna, with_records):
    anna.git("rm", "-q", with_records)
    anna.git("commit", "-q", "-m", "never happened", "-m", "Stoa-Removed: yes")
    anna.git("branch", "--unset-upstream")
    with pytest.raises(StoaError, match="your branch changes records that collaborators have") as caught:
        anna.sync()
    command = re.search(
        "`git (checkout .*)`", (caught.value.hint or "").partition(";")[0].replace("PATH", with_records)
    )
    assert command
    anna.git(*command[1].split())
    anna.git("commit", "-q", "-m", "back again")
    anna.sync()


def test_an_own_removal_that_does_not_say_that_it_is_meant_is_mended_and_sent(anna, ben, with_records):
    anna.git("rm", "-q", with_records)
    anna.git("commit", "-q", "-m", "tidy")
    anna.sync()
    ben.sync()
    assert (ben.folder / with_records).exists()


def test_a_shortened_branch_is_noticed(anna, ben, with_records):
    anna.git("push", "-q", "--force", "origin", "HEAD~1:main")
    before = ben.head()
    with pytest.raises(RewrittenError, match="origin/main was shortened since the last sync: 1 commit that"):
        ben.sync()
    assert (ben.head(), ben.git("rev-parse", "refs/stoa/seen/origin/main")) == (before, before)


def test_a_rewritten_branch_is_noticed_and_not_merged(anna, ben, with_records):
    anna.git("commit", "-q", "--amend", "-m", "another message")
    anna.git("push", "-q", "--force")
    ben.flag("b")
    before = ben.head()
    with pytest.raises(RewrittenError, match="was rewritten since the last sync"):
        ben.sync()
    assert ben.head() == before


def test_a_branch_that_is_gone_is_noticed(hub, ben, with_records):
    subprocess.run(["git", "update-ref", "-d", "refs/heads/main"], cwd=hub, check=True)
    with pytest.raises(RewrittenError, match="origin/main is gone"):
        ben.sync()


def test_who_wants_it_puts_back_what_was_lost(anna, ben, with_records):
    anna.git("push", "-q", "--force", "origin", "HEAD~1:main")
    ben.sync(rejoin=True)
    assert anna.git("ls-remote", "origin", "main").split()[0] == ben.head()
    ben.sync()


def test_who_rewrote_the_branch_is_not_told_so(anna, with_records):
    anna.git("reset", "-q", "--hard", "HEAD~1")
    anna.git("push", "-q", "--force")
    anna.sync()


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c touch% /tmp/pwned", "fd::17", "--upload-pack=touch /tmp/pwned", "transport::x", "gopher://x/y"],
)
def test_addresses_that_run_commands_are_refused(anna, url):
    anna.git("config", "remote.origin.url", url)
    with pytest.raises(GitError, match="address"):
        anna.sync()


def test_an_address_for_pushing_is_looked_at_too(anna):
    anna.git("config", "remote.origin.pushurl", "ext::sh -c true")
    with pytest.raises(GitError, match="'ext' are not used"):
        anna.sync()


def test_a_remote_helper_in_the_settings_is_refused(anna):
    anna.git("config", "remote.origin.vcs", "ext")
    with pytest.raises(GitError):
        anna.sync()


def test_a_password_in_an_address_is_not_shown(anna):
    anna.git("remote", "set-url", "origin", "http://anna:s3cret@127.0.0.1:9/quasars.git?token=abc")
    with pytest.raises(GitError) as caught:
        anna.sync()
    assert "127.0.0.1" in caught.value.message
    for text in (caught.value.message, caught.value.said, caught.value.hint):
        assert "s3cret" not in text
        assert "token=abc" not in text
