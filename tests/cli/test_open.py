"""stoa open: the files of a target on this machine."""

from __future__ import annotations

from survey import wait_for


def test_the_files_of_a_target_are_listed(survey):
    survey.ok("run", "measure", "--target", "a")
    run = survey.runs()[0]
    lines = [line.split() for line in survey.ok("open", "a").splitlines()]
    folder = f"{survey.top}/products/measure/{run}/a"
    assert lines == [
        ["data", f"{survey.top}/data/a"],
        ["products", folder],
        ["log", f"{folder}/stoa-log.txt"],
        ["table", f"{folder}/table.txt"],
    ]


def test_what_is_not_on_this_machine_is_said(survey):
    survey.ok("run", "measure", "--target", "a")
    (survey.top / "products/measure" / survey.runs()[0] / "a/table.txt").unlink()
    assert survey.ok("open", "a").splitlines()[-1].endswith("table.txt  (not on this machine)")
    assert survey.error("open", "a", "table")[0].startswith("error: table is not on this machine: ")


def test_a_target_without_an_outcome_has_its_folder(survey):
    assert survey.ok("open", "b") == f"data  {survey.top}/data/b\n"


def test_a_file_is_opened_with_a_program(survey, tmp_path):
    survey.ok("run", "measure", "--target", "a")
    viewer = tmp_path / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/seen.new && mv {tmp_path}/seen.new {tmp_path}/seen\n')
    viewer.chmod(0o755)
    survey.ok("open", "a", "table", "--with", viewer)
    wait_for((tmp_path / "seen").exists, "the viewer")
    assert (tmp_path / "seen").read_text().endswith("/a/table.txt\n")


def test_an_unknown_file_or_program_is_named(survey):
    survey.ok("run", "measure", "--target", "a")
    assert survey.error("open", "a", "tabel")[0] == "error: no file named 'tabel'; did you mean 'table'?"
    assert survey.error("open", "a", "data", "--with", "no-such-viewer")[0].startswith(
        "error: no program no-such-viewer"
    )
