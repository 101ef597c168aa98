"""Targets that lack what a process needs: blocked, said so, and run when it comes."""

from __future__ import annotations

import pytest

LOOK = """\
name: look
script: measure.sh
command: [sh, "{script}", "{target}", "1", "{image}"]
over: image
inputs: {image: {role: [correctedImage, image]}}
"""


def test_a_folder_that_vanished_blocks_its_target(survey):
    (survey.top / "data/b").rmdir()
    result = survey("run", "measure")
    assert result.exit_code == 3
    assert "  1 blocked: the folder data:b is not there  [b]" in result.stdout.splitlines()
    assert survey.statuses() == {"a": "ok", "b": "blocked", "c": "ok"}
    assert survey.outcomes()["b"]["cause"] == "the folder data:b is not there"


def test_a_plan_says_what_will_be_blocked(survey):
    (survey.top / "data/b").rmdir()
    assert survey.ok("why", "measure", "b") == "b: is blocked, the folder data:b is not there\n"
    result = survey("plan", "measure")
    assert result.stdout.splitlines()[2] == "b       new    block  the folder data:b is not there"
    assert result.stderr == "3 of 3 jobs would run, 1 of them blocked\n"


def test_what_was_blocked_is_left_alone_until_it_can_run(survey):
    (survey.top / "data/b").rmdir()
    survey("run", "measure")
    assert survey.ok("why", "measure", "b") == "b: does not run, blocked: the folder data:b is not there\n"
    (survey.top / "data/b").mkdir()
    assert survey.ok("why", "measure", "b") == "b: runs, what was missing is there now\n"
    survey.ok("run", "measure")
    assert survey.statuses() == {"b": "ok"}


def test_an_outcome_stays_good_when_its_folder_vanishes_afterwards(survey):
    survey.ok("run", "measure")
    (survey.top / "data/b").rmdir()
    assert survey.ok("why", "measure", "b") == "b: does not run, up to date\n"


@pytest.fixture
def sky(survey, archive):
    """Targets of an archive: one whole, one whose folder is empty; the process `look` over images."""
    made = archive(2, {1: "empty"})
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    (survey.top / ".stoa/processes/look.yaml").write_text(LOOK, encoding="utf-8")
    survey.git("rm", "--quiet", ".stoa/targets/data.yaml")
    survey.folders = [made.folder(0), made.folder(1)]
    return survey


def test_a_run_builds_the_metadata_that_its_targets_lack(sky):
    result = sky("run", "look")
    assert "of 2 targets that had no metadata (commit" in result.stderr
    assert sky.statuses() == {"A001_X100_X3 J0000_sci.spw0.cont.I": "ok", "A001_X101_X3": "blocked"}


def test_only_metadata_that_are_needed_and_missing_are_built(sky):
    (sky.folders[1] / "new.fits").write_bytes(b"")
    sky.ok("meta", "build", "A001_X101_X3")
    (sky.folders[1] / "newer.fits").write_bytes(b"")
    result = sky("run", "look", "--target", "A001_X10*")
    assert "of 1 target that had no metadata (commit" in result.stderr
    assert "newer.fits" not in sky.ok("meta", "show", "A001_X101_X3")


def test_a_plan_and_a_dry_run_build_no_metadata(sky):
    assert "no metadata yet (`stoa run` builds it first)" in sky.ok("plan", "look")
    assert "no metadata yet (`stoa run` builds it first)" in sky.ok("run", "look", "--dry-run")
    assert sky("meta", "show", "A001_X100_X3").exit_code == 1


def test_a_process_without_inputs_needs_no_metadata(survey):
    survey.ok("run", "measure")
    assert survey("meta", "show", "a").exit_code == 1


def test_an_expression_over_metadata_sees_targets_that_were_never_described(survey):
    assert survey("run", "measure", "--where", "n_files = 0").exit_code == 0
    assert survey.statuses() == {"a": "ok", "b": "ok", "c": "ok"}


def test_a_rerun_builds_the_metadata_whose_lack_blocked_its_jobs(sky):
    sky("run", "look")
    sky.git("rm", "--quiet", "-r", ".stoa/meta")
    sky.git("commit", "--quiet", "-m", "no metadata")
    assert "no metadata" not in sky("rerun").stdout
    sky.ok("meta", "show", "A001_X100_X3")


def test_a_folder_without_the_file_is_blocked_by_what_it_lacks(sky):
    sky.ok("meta", "build")
    assert sky("run", "look").exit_code == 3
    assert sky.statuses() == {"A001_X100_X3 J0000_sci.spw0.cont.I": "ok", "A001_X101_X3": "blocked"}
    assert sky.outcomes()["A001_X101_X3"]["cause"] == (
        "no file with role correctedImage or image (the folder holds no file at all)"
    )


def test_when_the_files_come_the_images_run_and_nothing_stays_blocked(sky):
    sky.ok("meta", "build")
    sky("run", "look")
    image = next(sky.folders[0].glob("*.pbcor.fits"))
    (sky.folders[1] / "J9999_sci.spw0.cont.I.pbcor.fits").write_bytes(image.read_bytes())
    assert [job["runs"] for job in sky.json("plan", "look")["jobs"]] == [False, False]  # not described yet
    sky.ok("meta", "build")
    sky.ok("run", "look")
    assert sky.statuses() == {"A001_X101_X3 J9999_sci.spw0.cont.I": "ok"}
    status = sky.json("status")
    assert status["pairs"][0]["counts"] == {"ok": 2}
    assert [target["states"]["look@default"] for target in status["targets"]] == ["ok", "ok"]


def test_a_rerun_of_what_was_blocked_takes_the_images_that_came(sky):
    sky.ok("meta", "build")
    sky("run", "look")
    image = next(sky.folders[0].glob("*.pbcor.fits"))
    (sky.folders[1] / "J9999_sci.spw0.cont.I.pbcor.fits").write_bytes(image.read_bytes())
    sky.ok("meta", "build")
    sky.ok("rerun", "--failed")
    assert sky.statuses() == {"A001_X101_X3 J9999_sci.spw0.cont.I": "ok"}
