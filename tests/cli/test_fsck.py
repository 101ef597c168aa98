"""`stoa fsck` and `stoa doctor` find what is wrong, and nothing else."""

from __future__ import annotations

import errno
import fcntl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from damage import garbled, gone, loose, oid_of

from stoa.commands.doctor import doctor
from stoa.commands.flag import flag
from stoa.commands.fsck import FsckReport, fsck
from stoa.commands.init import init
from stoa.commands.process import new_process
from stoa.commands.root import add_root
from stoa.commands.run import run
from stoa.commands.target import add_targets
from stoa.provenance.git import GitError
from stoa.request import Request
from stoa.workspace.open import Workspace

DEFINITION = """\
schema: 1
name: count
script: count.sh
command: ["{script}", "{target}"]
outputs: {answer: {path: answer.txt}}
"""


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def ws(repo: Path) -> Iterator[Workspace]:
    """A project with three targets, one run and one flag."""
    for name in ("a", "b", "c"):
        (repo / "data" / name).mkdir(parents=True)
    init(repo)
    script = repo / "count.sh"
    script.write_text("#!/bin/sh\nls $1 | wc -l > answer.txt\n")
    script.chmod(0o755)
    made = Workspace(repo)
    add_root(made, "data", str(repo / "data"))
    made.close()
    made = Workspace(repo)
    add_targets(made, "data", ["*"])
    new_process(made, "count", str(script))
    made.project.process_file("count").write_text(DEFINITION)
    list(run(made, Request(process="count")))
    flag(made, ["a"], reason="check")
    yield made
    made.close()


def found(report: FsckReport) -> list[str]:
    return [f"{finding.where}: {finding.message}" for finding in report.findings]


def edit(ws: Workspace, name: str, text: str) -> None:
    """Commit a change of a record; what is in the folder of a run as the run would."""
    file = ws.project.stoa / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    git(ws.project.top, "add", str(file))
    git(ws.project.top, "commit", "-q", "-m", "edited", "-m", f"Stoa-Run: {(*name.split('/'), '')[1]}")


def object_of(ws: Workspace, name: str) -> Path:
    """The file of an object; the packs that it was in are read no more."""
    file = loose(ws.project.top, name)
    ws.close()
    return file


def test_a_sound_project_has_no_findings(ws: Workspace) -> None:
    report = fsck(ws, products=True)
    assert found(report) == []
    assert (report.runs, report.outcomes, report.reviews, report.products, report.absent) == (1, 3, 1, 3, 0)


def test_a_changed_product_is_found_though_its_size_is_the_same(ws: Workspace) -> None:
    product = next((ws.project.top / "products").glob("count/*/b/answer.txt"))
    product.write_text("9\n")
    assert found(fsck(ws)) == []
    assert found(fsck(ws, products=True)) == [
        f"products:{product.relative_to(ws.project.top / 'products')}: is not the file that the job wrote"
    ]


def test_products_on_another_machine_are_counted_not_blamed(ws: Workspace) -> None:
    next((ws.project.top / "products").glob("count/*/b/answer.txt")).unlink()
    report = fsck(ws, products=True)
    assert (report.products, report.absent, found(report)) == (2, 1, [])


def test_a_damaged_line_is_named_and_its_neighbours_count(ws: Workspace) -> None:
    file = next((ws.project.stoa / "runs").glob("*/outcomes-0000.yaml"))
    lines = file.read_text().splitlines(keepends=True)
    edit(ws, str(file.relative_to(ws.project.stoa)), "".join([lines[0], "- {oops\n", lines[2]]))
    report = fsck(ws)
    assert report.outcomes == 2
    assert len(report.findings) == 1
    assert "line 2" in report.findings[0].message


def test_a_frozen_script_that_was_changed_is_found(ws: Workspace) -> None:
    file = next((ws.project.stoa / "runs").glob("*/frozen/script/count.sh"))
    edit(ws, str(file.relative_to(ws.project.stoa)), "#!/bin/sh\necho 42 > answer.txt\n")
    assert [f.message for f in fsck(ws).findings] == ["the frozen script is not the one that the run names"]


def test_a_missing_frozen_definition_is_found(ws: Workspace) -> None:
    file = next((ws.project.stoa / "runs").glob("*/frozen/params.yaml"))
    git(ws.project.top, "rm", "-q", str(file))
    git(ws.project.top, "commit", "-q", "-m", "removed", "-m", "Stoa-Removed: yes")
    assert [f.message for f in fsck(ws).findings] == ["missing: params.yaml"]


def test_records_about_strangers_are_found(ws: Workspace) -> None:
    lines = (ws.project.stoa / "targets/data.yaml").read_text().splitlines(keepends=True)
    edit(ws, "targets/data.yaml", "".join(lines[1:]))
    ws.__dict__.pop("targets", None)
    assert found(fsck(ws)) == [
        "runs: records about 'a', which is in no list of targets",
        "reviews: records about 'a', which is in no list of targets",
    ]


def test_an_index_that_was_tampered_with_is_found(ws: Workspace) -> None:
    ws.index.connection.execute("UPDATE outcomes SET status = 'ok', cause = 'forged' WHERE target = 'a'")
    assert [f.message for f in fsck(ws).findings] == [
        "table outcomes is not what git holds; delete .stoa/cache, it is rebuilt"
    ]


def test_a_broken_definition_is_found(ws: Workspace) -> None:
    ws.project.process_file("count").write_text(DEFINITION.replace("command", "comand"))
    messages = [f.message for f in fsck(ws).findings]
    assert messages == ["unknown field 'comand'; did you mean 'command'? (.stoa/processes/count.yaml, line 4)"]


def test_doctor_is_content_with_a_sound_clone(ws: Workspace) -> None:
    assert [remark.what for remark in doctor(ws) if not remark.fine] == []


def test_doctor_names_a_root_without_a_place_and_a_lock_left_behind(ws: Workspace) -> None:
    git(ws.project.top, "checkout", "-q", "--detach")
    (ws.repository.control / "index.lock").touch()
    (ws.project.top / "data").rename(ws.project.top / "elsewhere")
    bad = {remark.what: remark for remark in doctor(ws) if not remark.fine}
    assert set(bad) == {"branch", "locks", "root"}
    assert bad["root"].hint == "`stoa root add data PATH`"
    assert "detached HEAD" in bad["branch"].message


def test_doctor_says_where_locks_do_not_die_with_their_holder(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_descriptor: int, _kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    bad = {remark.what: remark for remark in doctor(ws) if not remark.fine}
    assert "has no locks that die with their holder" in bad["file system"].message
    assert "local disk" in bad["file system"].hint


def record(ws: Workspace, pattern: str) -> str:
    """Path below `.stoa` of the one record that matches."""
    (file,) = ws.project.stoa.glob(pattern)
    return file.relative_to(ws.project.stoa).as_posix()


@pytest.mark.parametrize(
    "pattern",
    [
        "runs/*/frozen/environments/host/packages.txt",
        "runs/*/frozen/process.yaml",
        "runs/*/frozen",
        "runs/*/summary.yaml",
        "reviews/a",
        "reviews/a/*.yaml",
        "targets/data.yaml",
        "config.yaml",
    ],
)
@pytest.mark.parametrize("damage", [gone, garbled])
def test_what_is_missing_or_damaged_is_named_and_the_rest_is_looked_at(
    ws: Workspace, pattern: str, damage: Callable[[Path], None]
) -> None:
    path = record(ws, pattern)
    lines = record(ws, "runs/*/outcomes-0000.yaml")
    edit(ws, lines, (ws.project.stoa / lines).read_text() + "- {oops\n")
    object_file = object_of(ws, f"HEAD:.stoa/{path}")
    damage(object_file)
    said = found(fsck(ws))
    assert len(said) == 2
    assert said[0].startswith(f"{path}: git object {oid_of(object_file)} is missing or damaged: ")
    assert "line 4" in said[1]


def test_an_object_with_the_content_of_another_one_is_found(ws: Workspace) -> None:
    path = record(ws, "reviews/a/*.yaml")
    forged = object_of(ws, f"HEAD:.stoa/{path}")
    forged.write_bytes(object_of(ws, "HEAD:.stoa/config.yaml").read_bytes())
    assert f"{path}: git object {oid_of(forged)} is not what was written" in found(fsck(ws))


def test_a_missing_object_of_the_history_is_found(ws: Workspace) -> None:
    edit(ws, "config.yaml", (ws.project.stoa / "config.yaml").read_text() + "\n")
    old = object_of(ws, "HEAD^:.stoa/config.yaml")
    gone(old)
    assert found(fsck(ws)) == [f".git: missing blob {oid_of(old)}"]


def test_a_folder_that_is_missing_beside_the_records_is_found(ws: Workspace) -> None:
    (ws.project.top / "notes").mkdir()
    edit(ws, "../notes/a.txt", "one\n")
    other = object_of(ws, "HEAD:notes")
    gone(other)
    said = found(fsck(ws))
    assert f".git: missing tree {oid_of(other)}" in said
    assert all(line.startswith(".git: ") for line in said)


def test_damaged_packs_are_an_error_in_words(ws: Workspace) -> None:
    git(ws.project.top, "repack", "-adq")
    ws.close()
    for pack in (ws.project.top / ".git/objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:40])
    with pytest.raises(GitError, match="is missing or damaged"):
        fsck(ws)


def test_a_summary_that_counts_other_outcomes_than_there_are_is_found(ws: Workspace) -> None:
    path = record(ws, "runs/*/summary.yaml")
    edit(ws, path, (ws.project.stoa / path).read_text().replace("ok: 3", "ok: 999999"))
    assert found(fsck(ws)) == [f"{path}: counts 999999 ok, and the outcomes are 3 ok"]


def test_a_run_with_an_id_of_no_possible_time_is_found(ws: Workspace) -> None:
    real = record(ws, "runs/*")
    made_up = "runs/20269931T250000-aaaaaa"
    (ws.project.stoa / real).rename(ws.project.stoa / made_up)
    for file in (ws.project.stoa / made_up).glob("*.yaml"):
        file.write_text(file.read_text().replace(real[5:], made_up[5:]))
    git(ws.project.top, "add", "-A", ".stoa")
    git(ws.project.top, "commit", "-q", "-m", "renamed", "-m", "Stoa-Removed: yes")
    assert found(fsck(ws)) == [f"{made_up}: '{made_up[5:]}' is not a run"]
