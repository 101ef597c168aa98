"""init, root, target, meta: from an empty repository to described targets."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET

import pytest
from survey import Survey


@pytest.fixture
def fresh(repo, cli) -> Survey:
    """A repository with one commit and no project."""
    return Survey(repo, cli)


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


def test_a_root_has_its_name_in_git_and_its_path_on_this_machine_only(fresh):
    fresh.ok("init")
    (fresh.top / "archive").mkdir()
    before = fresh.head()
    assert fresh.ok("root", "add", "alma", "archive", "--doc", "ALMA products") == (
        f"root alma is {fresh.top}/archive on this machine\n"
    )
    assert fresh.changed(before) == [".stoa/config.yaml"]
    assert "  alma: ALMA products\n" in fresh.committed(".stoa/config.yaml")
    assert "archive" not in fresh.committed(".stoa/config.yaml")
    assert fresh.git("check-ignore", ".stoa/local.yaml") == ".stoa/local.yaml\n"


def test_what_people_wrote_into_the_settings_stays(survey):
    survey.edit(".stoa/config.yaml", "reasons:\n", "# ours\nreasons:\n  fringes: interference fringes\n")
    survey.git("commit", "--quiet", "--all", "--message", "a reason of ours")
    survey.ok("root", "add", "more", "data", "--doc", "more: of it")
    assert "# ours\nreasons:\n  fringes: interference fringes\n" in survey.committed(".stoa/config.yaml")
    assert '  more: "more: of it"\n' in survey.committed(".stoa/config.yaml")


def test_a_root_may_have_the_name_of_a_reason_or_a_cut(survey):
    for name in ("check", "signal"):
        survey.ok("root", "add", name, "data")
    settings = survey.committed(".stoa/config.yaml")
    assert "  check: data\n" in settings
    assert "  check: somebody should look at this\n" in settings
    assert '  signal: "snr >= 5"\n' in settings


def test_a_root_with_other_words_keeps_its_place(survey):
    survey.ok("root", "add", "more", "data")
    survey.ok("root", "add", "data", "data", "--doc", "our data")
    assert "roots:\n  more: data\n  data: our data\n" in survey.committed(".stoa/config.yaml")


def test_a_root_that_is_added_again_moves_on_this_machine_without_a_commit(survey, tmp_path):
    before = survey.head()
    (tmp_path / "elsewhere").mkdir()
    survey.ok("root", "add", "data", tmp_path / "elsewhere")
    assert survey.head() == before
    assert survey.json("root", "list")[0]["path"] == str(tmp_path / "elsewhere")


def test_roots_are_listed_with_those_that_have_no_path_here(survey):
    (survey.top / ".stoa/local.yaml").unlink()
    assert survey.json("root", "list") == [
        {"name": "data", "path": "", "exists": False, "doc": "data"},
        {"name": "products", "path": f"{survey.top}/products", "exists": False, "doc": "what the processes write"},
    ]
    assert "no path here" in survey.ok("root", "list")


def test_folders_that_a_glob_fits_become_targets_in_one_commit(survey):
    for name in ("x1", "x2", "y"):
        (survey.top / "data" / name).mkdir()
    (survey.top / "data" / "x-file").touch()
    before = survey.head()
    assert survey.ok("target", "add", "data", "x*", "a").startswith("added 2 targets, 1 known already (commit ")
    assert survey.subjects(before) == ["2 targets in data"]
    assert survey.changed(before) == [".stoa/targets/data.yaml"]
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


# Metadata documents, of real FITS files.


@pytest.fixture
def sky(repo, cli, archive) -> Survey:
    """Targets of an archive: whole, truncated, empty, and without a primary beam."""
    made = archive(4, {1: "truncated", 2: "empty", 3: "no primary beam"})
    survey = Survey(repo, cli)
    survey.ok("init")
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    return survey


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
    assert "was not written" not in sky("meta", "build", "--replace", "A001_X100_X3").stderr
    assert b"<package schema=" in file.read_bytes()


def test_targets_without_a_document_are_said_to_be_so(sky):
    found = sky.json("meta", "check")
    assert {problem["code"] for entry in found for problem in entry["problems"]} == {"undescribed"}


def test_metadata_columns_are_listed_and_can_be_asked_for(sky):
    sky.ok("meta", "build")
    assert [t["name"] for t in sky.json("target", "list", "--where", "n_images = 0")] == ["A001_X102_X3"]
    heading = sky.ok("target", "list", "--columns", "object,freq_ghz").splitlines()[0]
    assert heading.split() == ["target", "object", "freq_ghz", "folder"]
    facts = dict(line.split(maxsplit=1) for line in sky.ok("target", "show", "A001_X100_X3").splitlines()[2:])
    assert (facts["object"], facts["n_images"]) == ("J0000", "1")


def test_a_folder_that_vanished_keeps_its_document(sky, archive, tmp_path):
    sky.ok("meta", "build")
    (tmp_path / "archive").rename(tmp_path / "moved")
    (tmp_path / "archive").mkdir()
    before = sky.head()
    result = sky("meta", "build", "A001_X100_X3")
    assert (
        result.stderr == "the folder of A001_X100_X3 is not there or cannot be reached; its document stays as it was\n"
    )
    assert sky.head() == before


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
