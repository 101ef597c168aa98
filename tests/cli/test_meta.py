"""stoa meta: documents of the targets' FITS files, shown and checked."""

from __future__ import annotations

import xml.etree.ElementTree as ET


def test_metadata_documents_are_one_commit_and_a_second_time_none(sky):
    before = sky.head()
    assert sky.ok("meta", "build").startswith("described 5 files of 4 targets: 4 documents new or changed (commit ")
    assert sky.subjects(before) == ["metadata of 4 targets"]
    assert sky.changed(before) == [f".stoa/meta/A001_X10{n}_X3.xml" for n in range(4)]
    before = sky.head()
    assert sky.ok("meta", "build") == "described 5 files of 4 targets: nothing changed\n"
    assert sky.head() == before


def test_a_document_is_shown_as_it_stands_in_git(sky):
    sky.ok("meta", "build")
    shown = sky.ok("meta", "show", "A001_X100_X3")
    assert shown == sky.committed(".stoa/meta/A001_X100_X3.xml")
    roles = [file.get("FILETYPE") for file in ET.fromstring(shown).iter("file")]
    assert sorted(roles) == ["correctedImage", "primaryBeam"]


def test_only_the_named_targets_are_described(sky):
    assert sky.json("meta", "build", "A001_X100_X3")["changed"] == ["A001_X100_X3"]


def test_what_the_folders_lack_is_said_and_exits_with_1(sky):
    sky.ok("meta", "build")
    result = sky("meta", "check")
    found = [line.split()[:3] for line in result.stdout.splitlines()[1:]]
    assert ["A001_X101_X3", "error", "truncated"] in found
    assert ["A001_X102_X3", "error", "empty"] in found
    assert "A001_X100_X3" not in result.stdout
    assert result.exit_code == 1


def test_sound_folders_exit_with_0(sky):
    sky.ok("meta", "build")
    assert sky.ok("meta", "check", "A001_X100_X3") == ""
    assert sky("meta", "check", "--quiet").output == ""


def test_a_document_from_elsewhere_is_checked_where_it_lies(cli, tmp_path):
    (tmp_path / "x.xml").write_text('<!DOCTYPE p SYSTEM "file:///etc/passwd"><project/>', encoding="utf-8")
    found = cli("meta", "check", tmp_path / "x.xml", cwd=tmp_path)
    assert found.exit_code == 1
    assert "may not have a document type" in found.stdout
    assert "1 of 1 document" in found.stderr


def test_a_document_by_another_hand_stays_and_this_is_said(sky):
    file = sky.top / ".stoa" / "meta" / "A001_X100_X3.xml"
    file.parent.mkdir()
    file.write_text('<project><file FILETYPE="image">x.image.fits</file></project>', encoding="utf-8")
    sky.git("add", file)
    sky.git("commit", "--quiet", "-m", "by hand")
    assert "`stoa meta build --replace A001_X100_X3`" in sky("meta", "build").stderr
    assert "did not write" not in sky("meta", "build", "--replace", "A001_X100_X3").stderr
    assert b"<package schema=" in file.read_bytes()


def test_targets_without_a_document_are_said_to_be_so(sky):
    found = sky.json("meta", "check")
    assert {problem["code"] for entry in found for problem in entry["problems"]} == {"undescribed"}


def test_a_folder_that_vanished_keeps_its_document(sky, archive, tmp_path):
    sky.ok("meta", "build")
    (tmp_path / "archive").rename(tmp_path / "moved")
    (tmp_path / "archive").mkdir()
    before = sky.head()
    result = sky("meta", "build", "A001_X100_X3")
    assert "the folder of A001_X100_X3 is missing" in result.stderr
    assert sky.head() == before
