"""stoa target: folders become targets, by glob, file or log."""

from __future__ import annotations

import pytest


def test_folders_that_a_glob_fits_become_targets_in_one_commit(survey):
    for name in ("x1", "x2", "y"):
        (survey.top / "data" / name).mkdir()
    (survey.top / "data" / "x-file").touch()
    before = survey.head()
    assert survey.ok("target", "add", "data", "x*", "a").startswith("added 2 targets, 1 known already (commit ")
    assert survey.subjects(before) == ["2 targets in data"]
    assert survey.changed(before) == [".stoa/patterns/data.yaml", ".stoa/targets/data.yaml"]
    assert [t["name"] for t in survey.json("target", "list")] == ["a", "b", "c", "x1", "x2"]


def test_adding_what_is_known_commits_nothing(survey):
    before = survey.head()
    assert survey.ok("target", "add", "data", "*") == "added 0 targets, 3 known already\n"
    assert survey.head() == before


def test_folders_come_from_a_file(survey, tmp_path):
    (survey.top / "data/sub/deep").mkdir(parents=True)
    listed = tmp_path / "folders.txt"
    listed.write_text(f"sub/deep\n\n{survey.top}/data/sub\n", encoding="utf-8")
    assert survey.ok("target", "add", "data", "--from", listed).startswith("added 2 targets")
    assert {t["path"] for t in survey.json("target", "list")} >= {"sub", "sub/deep"}


def test_folders_come_from_another_command(survey):
    (survey.top / "data/new").mkdir()
    assert survey.ok("target", "add", "data", "--from", "-", stdin="new\r\na\n").startswith(
        "added 1 target, 1 known already"
    )


def test_targets_go_to_a_list_of_another_name(survey):
    (survey.top / "data/new").mkdir()
    survey.ok("target", "add", "data", "new", "--list", "second")
    assert survey.committed(".stoa/targets/second.yaml") == '- {"name": "new", "root": "data", "path": "new"}\n'


def test_a_target_is_one_line_that_a_person_can_read(survey):
    assert survey.committed(".stoa/targets/data.yaml").splitlines()[0] == (
        '- {"name": "a", "root": "data", "path": "a"}'
    )


def test_targets_are_listed_by_name_and_by_expression(survey):
    assert [t["name"] for t in survey.json("target", "list", "[ab]")] == ["a", "b"]
    assert [t["name"] for t in survey.json("target", "list", "--where", "name > 'a'")] == ["b", "c"]
    survey.ok("flag", "b")
    assert [t["name"] for t in survey.json("target", "list", "--flagged")] == ["b"]
    assert survey.ok("target", "list", "b") == "target  flags  folder\nb       check  data:b\n"


def test_a_target_is_shown(survey):
    assert survey.ok("target", "show", "a") == "a  data:a\n"
    assert survey.json("target", "show", "a") == {"name": "a", "root": "data", "path": "a", "flags": [], "metadata": {}}


def test_metadata_columns_are_listed_and_can_be_asked_for(sky):
    sky.ok("meta", "build")
    assert [t["name"] for t in sky.json("target", "list", "--where", "n_images = 0")] == ["A001_X102_X3"]
    heading = sky.ok("target", "list", "--columns", "object,freq_ghz").splitlines()[0]
    assert heading.split() == ["target", "object", "freq_ghz", "folder"]
    facts = dict(line.split(maxsplit=1) for line in sky.ok("target", "show", "A001_X100_X3").splitlines()[2:])
    assert (facts["object"], facts["n_images"]) == ("J0000", "1")


LOG = """\
proposal_id,target_name,s_ra,s_dec,s_fov,member_ous_uid
P1,J1,10.0,-30.0,0.01,uid://A001/X1/Xa
P1,J1,10.0,-30.0,0.01,uid://A001/X1/Xa
P2,J2,50.0,20.0,0.01,uid://A001/X1/Xb
P3,J3,90.0,0.0,0.01,uid://A001/X1/Xc
"""


@pytest.fixture
def observed(survey):
    """A log of three fields, two with a quasar; two folders of a member OUS, one of them in the log."""
    (survey.top / "log.csv").write_text(LOG, encoding="utf-8")
    quasars = "name,ra,dec\nQ1,10.0,-30.0003\nQ2,50.0,20.0\nQ3,200.0,0.0\n"
    (survey.top / "quasars.csv").write_text(quasars, encoding="utf-8")
    for folder in ("member.uid___A001_X1_Xa/product", "member.uid___A001_X9_X9/product"):
        (survey.top / "data" / folder).mkdir(parents=True)
    survey.ok("target", "add", "data", "member*/product")
    return survey


def test_a_log_is_joined_with_a_catalogue_and_the_folders(observed):
    said = observed.json("target", "from-log", "log.csv", "--catalogue", "quasars.csv", "--out", "found.vot")
    assert [(one["object"], one["observation"], len(one["targets"])) for one in said["found"]] == [
        ("Q1", "A001_X1_Xa", 1),
        ("Q2", "A001_X1_Xb", 0),
    ]
    assert (said["rows"], said["observations"], said["objects"], said["observed_objects"]) == (4, 3, 3, 2)
    assert said["not_on_disk"] == ["A001_X1_Xb"]
    assert [name for name in said["not_in_log"] if "X9" in name] == said["not_in_log"] != []
    assert said["no_member"] == ["a", "b", "c"]
    from stoa.catalogue.tables import read_table

    table = read_table(observed.top / "found.vot")
    assert list(table["obs_member"]) == ["A001_X1_Xa", "A001_X1_Xb"]
    assert table["obs_separation_arcsec"][0] == pytest.approx(1.08, abs=0.01)


def test_what_the_log_and_the_disk_lack_is_listed(observed):
    result = observed("target", "from-log", "log.csv", "--catalogue", "quasars.csv")
    assert result.stdout.splitlines()[-1] == "2 of 3 objects in 3 fields of 4 rows; 1 target on disk"
    assert "observed and not on disk: 1: A001_X1_Xb" in result.stderr
    assert "on disk and not in the log: 1: A001_X9_X9" in result.stderr


def test_a_radius_takes_the_place_of_the_primary_beam(observed):
    said = observed.json("target", "from-log", "log.csv", "-c", "quasars.csv", "--radius", "1arcsec")
    assert [one["object"] for one in said["found"]] == ["Q2"]


def test_a_log_with_nothing_in_its_fields_is_no_error(observed):
    (observed.top / "quasars.csv").write_text("name,ra,dec\nQ3,200.0,0.0\n", encoding="utf-8")
    said = observed.json("target", "from-log", "log.csv", "-c", "quasars.csv", "--out", "none.vot")
    assert (said["found"], said["targets"]) == ([], [])
