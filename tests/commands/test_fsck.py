"""`stoa fsck` and `stoa doctor` find what is wrong, and nothing else."""

from __future__ import annotations

import errno
import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoa.commands.define import new_process
from stoa.commands.doctor import doctor
from stoa.commands.fsck import FsckReport, fsck
from stoa.commands.init import add_root, init
from stoa.commands.review import flag
from stoa.commands.run import run
from stoa.commands.target import add_targets
from stoa.commands.workspace import Workspace

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
    run(made, "count")
    flag(made, ["a"], reason="check")
    yield made
    made.close()


def found(report: FsckReport) -> list[str]:
    return [f"{finding.where}: {finding.message}" for finding in report.findings]


def edit(ws: Workspace, name: str, text: str) -> None:
    """Commit a change of a record as somebody with an editor would."""
    file = ws.project.stoa / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    git(ws.project.top, "add", str(file))
    git(ws.project.top, "commit", "-q", "-m", "edited")


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
    git(ws.project.top, "commit", "-q", "-m", "removed")
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
    assert messages == ["unknown field 'comand', did you mean 'command'? (.stoa/processes/count.yaml, line 4)"]


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
