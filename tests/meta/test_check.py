"""What is said about a folder before any script runs."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

from stoa.meta.build import build
from stoa.meta.check import Problem, check
from stoa.meta.defects import Defect, level, words
from stoa.meta.xml import from_xml

ARCHIVE = Path(__file__).resolve().parents[2] / "examples" / "archive"

PLANTED = {
    "no_bmaj": {"no-beam"},
    "no_object_dateobs": {"no-object", "no-date-obs"},
    "truncated": {"truncated"},
    "no file at all": {"empty"},
    "only a README": {"no-fits"},
    "pb_missing_for_one": {"no-primary-beam"},
    "all pixels NaN": set(),  # no header tells
    "": set(),
}


def problems(folder: Path) -> dict[str, Problem]:
    return {problem.code: problem for problem in check(build(folder))}


def pair(image, product: Path, **changes: str | None) -> None:
    image("x.image.pbcor.fits", folder=product, **changes)
    image("x.flux.fits", folder=product, BMAJ=None)


def test_a_good_pair_has_no_problem(image, product: Path) -> None:
    pair(image, product)
    assert problems(product) == {}


def test_an_empty_folder_is_said(product: Path) -> None:
    assert problems(product)["empty"].message == "the folder holds no file at all"


def test_a_folder_with_a_readme_only_is_said(product: Path) -> None:
    (product / "README").write_text("x")
    assert problems(product)["no-fits"].message == "the folder holds no FITS file, only README"


def test_a_missing_beam_is_a_warning(image, product: Path) -> None:
    pair(image, product, BMAJ=None, BMIN=None, BPA=None)
    (found,) = check(build(product))
    assert (found.code, found.file, found.group, found.level) == ("no-beam", "x.image.pbcor.fits", "x", "warning")


def test_a_beam_that_a_sibling_has_is_not_missed(image, product: Path) -> None:
    pair(image, product, BMAJ=None, BMIN=None, BPA=None)
    image("x.image.fits", folder=product)
    assert problems(product) == {}


def test_no_primary_beam_is_a_fact_where_none_is_delivered(image, product: Path) -> None:
    image("x.image.pbcor.fits", folder=product)
    assert problems(product)["no-primary-beam"].level == "info"


def test_no_primary_beam_is_a_warning_where_others_have_one(image, product: Path) -> None:
    pair(image, product)
    image("y.image.pbcor.fits", folder=product)
    found = problems(product)["no-primary-beam"]
    assert (found.level, found.group, found.message) == ("warning", "y", "image y has no primary beam")


def test_a_beam_on_another_grid_is_an_error_and_no_beam(image, product: Path) -> None:
    image("x.image.pbcor.fits", folder=product)
    image("x.flux.fits", folder=product, NAXIS1="6")
    found = problems(product)
    assert found.keys() == {"other-grid", "no-primary-beam"}
    assert (found["other-grid"].file, found["other-grid"].level) == ("x.flux.fits", "error")


def test_a_truncated_file_is_an_error(image, product: Path) -> None:
    pair(image, product)
    os.truncate(product / "x.image.pbcor.fits", 2900)
    (found,) = check(build(product))
    assert (found.code, found.message) == ("truncated", "x.image.pbcor.fits is shorter than its header says")


def test_a_web_page_is_an_error(image, product: Path) -> None:
    pair(image, product)
    (product / "y.image.fits").write_text("<html>")
    assert problems(product)["html"].file == "y.image.fits"


def test_what_is_missing_is_named(image, product: Path) -> None:
    pair(image, product, OBJECT=None, DATE_OBS=None)
    (product / "x.flux.fits").unlink()
    assert {"no-object", "no-date-obs"} < problems(product).keys()


def test_the_same_file_packed_and_not_is_said(image, product: Path) -> None:
    pair(image, product)
    image("x.flux.fits.gz", folder=product, BMAJ=None)
    assert problems(product)["duplicate"].file == "x.flux.fits.gz"


def test_files_of_two_members_are_a_mixed_set(image, product: Path) -> None:
    for uid in ("uid___A001_X1_X2", "uid___A001_X1_X3"):
        image(f"{uid}.x.pbcor.fits", folder=product)
        image(f"{uid}.x.pb.fits", folder=product, BMAJ=None)
    message = problems(product)["mixed-set"].message
    assert message == "the folder holds files of several member OUS: uid___A001_X1_X2, uid___A001_X1_X3"


def test_two_and_three_axes_in_one_group_are_said(image, product: Path) -> None:
    image("x.image.pbcor.fits", folder=product)
    image("x.flux.fits", folder=product, NAXIS="2", NAXIS3=None, BMAJ=None)
    assert problems(product).keys() == {"mixed-axes"}


def test_the_gravest_comes_first(image, product: Path) -> None:
    image("a.image.pbcor.fits", folder=product, BMAJ=None)
    (product / "z.fits").write_bytes(b"")
    assert [problem.level for problem in check(build(product))] == ["error", "warning", "info"]


def test_a_code_of_a_newer_version_is_passed_on() -> None:
    data = b"<project><file FILETYPE='other'>x.fits</file><derived file='x.fits' problems='too-pretty'/></project>"
    (found,) = (problem for problem in check(from_xml(data)) if problem.file)
    assert (found.code, found.level, found.message) == ("too-pretty", "warning", "x.fits has the problem 'too-pretty'")


def test_every_defect_has_words_and_a_level() -> None:
    assert all(words(code) and level(code) in ("error", "warning", "info") for code in Defect)


def test_errors_and_warnings_of_the_example_archive_are_what_was_planted(tmp_path: Path) -> None:
    with (ARCHIVE / "folders.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected, found = {}, {}
    for row in rows:
        folder = tmp_path / row["folder"]
        if (ARCHIVE / row["folder"]).is_dir():
            shutil.copytree(ARCHIVE / row["folder"], folder)
        folder.mkdir(parents=True, exist_ok=True)  # git holds no empty folder
        expected[row["folder"]] = PLANTED[row["odd"]]
        found[row["folder"]] = {problem.code for problem in check(build(folder)) if problem.level != "info"}
    assert found == expected
