"""Building documents: what is read again, what is committed, in how many processes; and their checking."""

from __future__ import annotations

import hashlib
import os
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stoa.commands import meta
from stoa.commands.init import init
from stoa.commands.meta import BuildReport, build_documents, check_documents, explain_file, overview
from stoa.commands.root import add_root
from stoa.commands.target import add_targets
from stoa.errors import StoaError
from stoa.meta import many
from stoa.provenance.yamltree import DefinitionError
from stoa.request import Selection
from stoa.runs.definitions import resolve
from stoa.runs.plan import make_plan
from stoa.runs.planned import PlannedJob
from stoa.workspace import metadata
from stoa.workspace.open import Workspace

RULES = """\
schema: 1
rules:
  - {name: mine, role: mask, stem: '\\.pb$', doc: what we call so}
"""


@pytest.fixture
def ws(repo: Path, archive: Callable[..., object]) -> Iterator[Workspace]:
    """A project over three folders: whole, truncated, empty."""
    made = archive(3, {1: "truncated", 2: "empty"})
    init(repo)
    space = Workspace(repo)
    add_root(space, "alma", str(made.top))
    space.reread()
    add_targets(space, "alma", ("**/product",))
    space.reread()
    yield space
    space.close()


def image_of(ws: Workspace, target: str = "A001_X100_X3") -> Path:
    return next(ws.project.folder(ws.targets[target]).glob("*.pbcor.fits"))


def read_and_changed(report: BuildReport) -> tuple[int, int]:
    return report.read, len(report.changed)


def test_a_second_build_reads_nothing_and_commits_nothing(ws: Workspace) -> None:
    assert read_and_changed(build_documents(ws)) == (3, 3)
    again = build_documents(ws)
    assert (read_and_changed(again), again.commit) == ((0, 0), "")


def test_only_a_folder_that_changed_is_read(ws: Workspace) -> None:
    build_documents(ws)
    with image_of(ws).open("ab") as file:
        file.write(b"\0" * 2880)
    report = build_documents(ws)
    assert (report.read, report.changed) == (1, ("A001_X100_X3",))


def test_a_file_that_was_only_touched_leaves_its_document_as_it_was(ws: Workspace) -> None:
    build_documents(ws)
    os.utime(image_of(ws), (1, 1))
    assert read_and_changed(build_documents(ws)) == (1, 0)
    assert read_and_changed(build_documents(ws)) == (0, 0)


def test_the_settings_decide_whether_whole_files_are_summed(ws: Workspace) -> None:
    build_documents(ws)
    file = ws.project.config_file
    file.write_text(file.read_text(encoding="utf-8").replace("checksums: headers", "checksums: files"), "utf-8")
    ws.reread()
    assert read_and_changed(build_documents(ws)) == (3, 2)  # the third folder is empty
    digest = hashlib.sha256(image_of(ws).read_bytes()).hexdigest()
    assert f' sha256="{digest}"'.encode() in meta.show_document(ws, "A001_X100_X3")
    assert read_and_changed(build_documents(ws)) == (0, 0)


def test_a_readme_that_changed_is_seen(ws: Workspace) -> None:
    build_documents(ws)
    (image_of(ws).parents[1] / "README").write_text("QA2 PASS", encoding="utf-8")
    assert build_documents(ws).changed == ("A001_X100_X3",)


@pytest.mark.parametrize("content", [None, b"", b"not SQLite" * 1000])
def test_a_cache_that_is_gone_or_damaged_is_made_anew(content: bytes | None, ws: Workspace) -> None:
    build_documents(ws)
    ws.project.descriptions_file.unlink()
    if content is not None:
        ws.project.descriptions_file.write_bytes(content)
    assert read_and_changed(build_documents(ws)) == (3, 0)
    assert read_and_changed(build_documents(ws)) == (0, 0)


def test_a_document_that_somebody_else_changed_is_made_again(ws: Workspace) -> None:
    build_documents(ws)
    ws.store.commit({"meta/A001_X100_X3.xml": b"<project/>"}, "by hand")
    assert build_documents(ws).changed == ("A001_X100_X3",)


def test_rules_of_the_project_change_what_they_are_about_and_are_committed_with_it(ws: Workspace, git) -> None:
    build_documents(ws)
    ws.project.roles_file.write_text(RULES, encoding="utf-8")
    report = build_documents(ws)
    assert report.changed == ("A001_X100_X3", "A001_X101_X3")
    changed = git(ws.project.top, "show", "--name-only", "--format=", report.commit).split()
    assert changed == [".stoa/meta/A001_X100_X3.xml", ".stoa/meta/A001_X101_X3.xml", ".stoa/roles.yaml"]
    assert b'FILETYPE="mask"' in meta.show_document(ws, "A001_X100_X3")
    assert read_and_changed(build_documents(ws)) == (0, 0)


def test_a_wrong_rule_is_an_error_with_its_line(ws: Workspace) -> None:
    ws.project.roles_file.write_text(RULES.replace("mask", "masc"), encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"did you mean 'mask'.*roles.yaml, line 3"):
        build_documents(ws)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_several_processes_write_what_one_writes(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    build_documents(ws, jobs=1)
    before = [meta.show_document(ws, name) for name in ws.targets]
    shutil.rmtree(ws.project.cache)
    monkeypatch.setattr(many, "CHUNK", 1)
    monkeypatch.setattr(many, "WORTH_IT", 1)
    monkeypatch.setattr(many, "may_fork", lambda: True)
    assert read_and_changed(build_documents(ws, jobs=2)) == (3, 0)
    assert [meta.show_document(ws, name) for name in ws.targets] == before


def test_progress_is_told_for_each_target(ws: Workspace) -> None:
    told: list[tuple[int, int]] = []
    build_documents(ws, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_more_documents_than_one_commit_takes_are_committed_in_parts(ws: Workspace, monkeypatch, git) -> None:
    monkeypatch.setattr(metadata, "BATCH", 2)
    assert read_and_changed(build_documents(ws)) == (3, 3)
    subjects = git(ws.project.top, "log", "--format=%s", "-2").splitlines()
    assert subjects == ["metadata of 1 target", "metadata of 2 targets"]
    assert read_and_changed(build_documents(ws)) == (0, 0)


def test_the_overview_counts_targets_by_problem(ws: Workspace) -> None:
    build_documents(ws)
    rows = [(row.level, row.code, row.targets) for row in overview(check_documents(ws))]
    assert rows == [("error", "empty", 1), ("error", "truncated", 1)]


def test_a_document_that_is_not_valid_is_said(ws: Workspace) -> None:
    build_documents(ws)
    ws.store.commit({"meta/A001_X100_X3.xml": b"<project><file>x.image.fits</file></project>"}, "by hand")
    (first, *_) = check_documents(ws, ("A001_X100_X3",))[0].problems
    assert first.code == "invalid-document"
    assert "FILETYPE" in first.message


def test_a_document_that_cannot_be_read_is_said(ws: Workspace) -> None:
    ws.store.commit({"meta/A001_X100_X3.xml": b"<!DOCTYPE p [<!ENTITY e 'x'>]><project/>"}, "by hand")
    (problem,) = check_documents(ws, ("A001_X100_X3",))[0].problems
    assert (problem.code, problem.level) == ("unreadable-document", "error")


BY_HAND = b"<project><file FILETYPE='image' BMAJ='0.001' BMIN='0.001'>x.image.fits</file></project>\n"


def test_a_document_by_another_hand_stays_unless_it_is_to_be_replaced(ws: Workspace) -> None:
    ws.store.commit({"meta/A001_X100_X3.xml": BY_HAND}, "by hand")
    report = build_documents(ws)
    assert (report.kept, report.changed) == (("A001_X100_X3",), ("A001_X101_X3", "A001_X102_X3"))
    assert build_documents(ws).kept == ("A001_X100_X3",)
    assert meta.show_document(ws, "A001_X100_X3") == BY_HAND
    assert build_documents(ws, replace=True).changed == ("A001_X100_X3",)
    assert build_documents(ws).kept == ()


def test_a_document_that_cannot_be_read_makes_room(ws: Workspace) -> None:
    ws.store.commit({"meta/A001_X100_X3.xml": b"<project>"}, "by hand")
    assert "A001_X100_X3" in build_documents(ws).changed


def test_a_file_with_a_document_is_checked_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "x.xml"
    file.write_bytes(BY_HAND)
    assert [problem.code for problem in meta.check_file(file).problems if problem.level != "info"] == [
        "no-object", "no-date-obs", "no-telescope",
    ]  # fmt: skip
    file.write_bytes(BY_HAND.replace(b"FILETYPE", b"TYPE"))
    assert meta.check_file(file).problems[0].code == "invalid-document"


def test_a_document_of_a_gigabyte_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "x.xml"
    file.write_bytes(b"<project><file FILETYPE='image' BMAJ='")
    os.truncate(file, 2**30)
    tracemalloc.start()
    (problem,) = meta.check_file(file).problems
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert problem.message == "a metadata document of more than 64 MiB is too large"
    assert peak < 200 * 2**20


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoaError, match="cannot read .*: No such file"):
        meta.check_file(tmp_path / "x.xml")


def test_explain_knows_the_rules_of_the_project(ws: Workspace) -> None:
    beam = next(image_of(ws).parent.glob("*.pb.fits.gz"))
    assert explain_file(ws.project.top, beam).rule == "primary-beam"
    ws.project.roles_file.write_text(RULES, encoding="utf-8")
    found = explain_file(ws.project.top, beam)
    assert (found.rule, found.role, found.near[0].rule) == ("mine", "mask", "primary-beam")


def test_explain_works_outside_a_project(tmp_path: Path) -> None:
    (tmp_path / "x.pb.fits").write_bytes(b"<html>")
    found = explain_file(tmp_path, tmp_path / "x.pb.fits")
    assert (found.role, found.rule) == ("unreadable", "primary-beam")


def test_explain_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoaError, match="is not a file"):
        explain_file(tmp_path, tmp_path / "gone.fits")


PROCESS = """\
schema: 1
name: look
command: [ls, "{image}"]
over: OVER
inputs:
  image: {role: correctedImage}
"""


def planned(ws: Workspace, over: str = "target", more: str = "", target: str = "A001_X100_X3") -> list[PlannedJob]:
    definition = PROCESS.replace("OVER", over) + more
    ws.project.process_file("look").write_text(definition, encoding="utf-8")
    return list(make_plan(ws, resolve(ws, "look"), Selection(targets=(target,))).jobs)


def test_a_document_by_hand_directs_a_run(ws: Workspace) -> None:
    name = image_of(ws).name
    by_hand = f"<project><file>{name}</file><file>gone.flux.fits</file></project>"
    ws.store.commit({"meta/A001_X100_X3.xml": by_hand.encode()}, "by hand")
    (job,) = planned(ws)
    assert (job.inputs, job.missing) == ({"image": name}, "")


def test_a_truncated_image_blocks_its_job_unless_it_is_accepted(ws: Workspace) -> None:
    build_documents(ws)
    (job,) = planned(ws, target="A001_X101_X3")
    assert job.missing.endswith("J0001_sci.spw0.cont.I.pbcor.fits is shorter than its header says")
    accepting = PROCESS.replace("correctedImage", "correctedImage, accept: truncated").replace("OVER", "target")
    ws.project.process_file("look").write_text(accepting, encoding="utf-8")
    (job,) = make_plan(ws, resolve(ws, "look"), Selection(targets=("A001_X101_X3",))).jobs
    assert job.missing == ""


def test_calibrators_can_be_left_out(ws: Workspace) -> None:
    science = image_of(ws)
    shutil.copy(science, science.with_name("J1_bp.spw0.mfs.I.pbcor.fits"))
    build_documents(ws)
    assert {job.group for job in planned(ws, "image")} == {"J0000_sci.spw0.cont.I", "J1_bp.spw0.mfs.I"}
    assert [job.group for job in planned(ws, "image", "intent: science\n")] == ["J0000_sci.spw0.cont.I"]
    assert [job.group for job in planned(ws, "image", "intent: calibrator\n")] == ["J1_bp.spw0.mfs.I"]
    (job,) = planned(ws, "target", "intent: calibrator\n")
    assert job.inputs == {"image": "J1_bp.spw0.mfs.I.pbcor.fits"}
