"""What is said about a folder before any script runs."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest

from stoa.meta.build import build
from stoa.meta.check import Problem, check
from stoa.meta.defects import Defect, level, words
from stoa.meta.xml import from_xml

ARCHIVE = Path(__file__).resolve().parents[2] / "examples" / "archive"

PLANTED_FOLDERS = {
    "no file at all": {("", "empty")},
    "only a README": {("", "no-fits")},
    "pb_missing_for_one": {("", "no-primary-beam")},
}
PLANTED_FILES = {
    "CASA image in a tarball, not FITS": {"tarball"},
    "per-plane beams: BEAMS table, no BMAJ": {"beam-elsewhere"},
    "BMAJ, BMIN, BPA missing": {"no-beam"},
    "OBJECT, DATE-OBS, RESTFRQ, TELESCOP, OBSERVER missing": {"no-object", "no-date-obs", "no-telescope"},
    "truncated at 55 %": {"truncated"},
    "all pixels NaN": {"blank"},
}
"""What the archive's answer key says, and what an error or a warning calls it; the lack of RESTFRQ is only noted."""


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


def test_a_beam_whose_axes_have_the_wrong_names_is_a_warning(image, product: Path) -> None:
    pair(image, product, BMAJ="0.0005", BMIN="0.001", BPA="10.0")
    (found,) = check(build(product))
    assert (found.code, found.level) == ("beam-exchanged", "warning")
    derived = build(product).groups[0].files[0].derived
    assert (derived["beam_major_arcsec"], derived["beam_minor_arcsec"], derived["beam_pa_deg"]) == ("3.6", "1.8", "100")


def test_a_round_beam_may_have_a_minor_axis_that_is_larger_by_rounding(image, product: Path) -> None:
    pair(image, product, BMAJ="0.001", BMIN="0.0010001", BPA="10.0")
    assert problems(product) == {}


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everywhere")
def test_what_may_not_be_read_is_said_and_not_called_empty(image, product: Path) -> None:
    image("x.image.fits", folder=product / "sub")
    try:
        product.chmod(0)
        assert [p.message for p in check(build(product))] == [
            "the folder may not be read by this user, or a subfolder of it"
        ]
        product.chmod(0o755)
        (product / "sub" / "x.image.fits").chmod(0)
        assert problems(product)["no-permission"].message == "sub/x.image.fits may not be read by this user"
    finally:
        product.chmod(0o755)


def test_a_folder_that_cannot_be_listed_is_not_called_empty() -> None:
    data = b"<project><package schema='1' problems='unreadable-folder'/></project>"
    assert [problem.code for problem in check(from_xml(data))] == ["unreadable-folder"]


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


def planted() -> dict[str, set[tuple[str, str]]]:
    """What is wrong by the answer key: file and code, by folder."""
    found: dict[str, set[tuple[str, str]]] = {}
    with (ARCHIVE / "folders.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["folder"]] = set(PLANTED_FOLDERS.get(row["odd"], ()))
    with (ARCHIVE / "images.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["defect"]:
                found[row["folder"]] |= {(row["file"], code) for code in PLANTED_FILES[row["defect"]]}
    return found


def test_errors_and_warnings_of_the_example_archive_are_what_was_planted_and_no_more(tmp_path: Path) -> None:
    expected, found = planted(), {}
    for name in expected:
        folder = tmp_path / name
        if (ARCHIVE / name).is_dir():
            shutil.copytree(ARCHIVE / name, folder)
        folder.mkdir(parents=True, exist_ok=True)  # git holds no empty folder
        faults = [problem for problem in check(build(folder)) if problem.level != "info"]
        found[name] = {(problem.file, problem.code) for problem in faults}
    assert len(expected) == 24
    assert found == expected


def test_images_without_a_beam_are_noted_where_their_folder_has_none_at_all() -> None:
    with (ARCHIVE / "images.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    bare = {row["folder"] for row in rows} - {row["folder"] for row in rows if row["role"] == "primaryBeam"}
    notes = {}
    for folder in {row["folder"] for row in rows}:
        notes[folder] = {p.code for p in check(build(ARCHIVE / folder)) if p.level == "info"}
    assert {folder for folder, codes in notes.items() if "no-primary-beam" in codes} == bare
    assert set().union(*notes.values()) == {"no-primary-beam", "no-rest-frequency"}


def test_an_image_of_nothing_but_nan_is_blank(image, product: Path) -> None:
    path = image("x.image.pbcor.fits", folder=product)
    image("x.flux.fits", folder=product, BMAJ=None)
    data = path.read_bytes()
    path.write_bytes(data[:2880] + b"\x7f\xc0\0\0" * 25 + data[2980:])
    assert problems(product).keys() == {"blank"}
    path.write_bytes(
        path.read_bytes()[:2960] + b"\0\0\0\0" + path.read_bytes()[2964:]
    )  # in another row than the middle
    assert problems(product) == {}


def test_a_cube_whose_middle_channel_is_empty_is_not_blank(image, product: Path) -> None:
    path = image("x.cube.image.pbcor.fits", folder=product, NAXIS3="3")
    image("x.cube.flux.fits", folder=product, NAXIS3="3", BMAJ=None)
    data = path.read_bytes()
    path.write_bytes(data[:2980] + b"\x7f\xc0\0\0" * 25 + data[3080:])
    assert problems(product) == {}


def test_a_copy_in_a_subfolder_is_a_second_time(image, product: Path) -> None:
    pair(image, product)
    (product / "old").mkdir()
    shutil.copy(product / "x.flux.fits", product / "old" / "beam.flux.fits")
    (found,) = (problem for problem in check(build(product)) if problem.code == "duplicate")
    assert found.message == "old/beam.flux.fits is there a second time, as x.flux.fits"


def test_a_beam_that_is_not_in_bmaj_says_where_it_is(image, product: Path) -> None:
    pair(image, product, BMAJ=None)
    image("x.image.pbcor.fits", "HISTORY AIPS CLEAN BMAJ=  1.0E-03 BMIN=  5.0E-04 BPA= 10.0", folder=product, BMAJ=None)
    found = problems(product)["beam-elsewhere"]
    assert found.message == "x.image.pbcor.fits has no BMAJ; its beam comes from elsewhere: HISTORY, CLEAN"
