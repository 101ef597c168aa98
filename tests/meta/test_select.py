"""Inputs of a process, image groups, and columns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stoa.meta.build import build
from stoa.meta.columns import COLUMNS
from stoa.meta.select import MissingInput, columns, find_inputs, image_groups
from stoa.meta.xml import from_xml
from stoa.model import Choice, InputSpec

INPUTS = {
    "image": InputSpec(role=("correctedImage", "image")),
    "beam": InputSpec(role=("primaryBeam",), optional=True),
}
WITH_BEAM = {**INPUTS, "beam": InputSpec(role=("primaryBeam",))}


def chosen(folder: Path, inputs: dict[str, InputSpec] = INPUTS, group: str | None = None) -> dict[str, str | None]:
    files = find_inputs(build(folder), inputs, group)
    return {name: file.name if file else None for name, file in files.items()}


def missing(folder: Path, inputs: dict[str, InputSpec] = INPUTS, group: str | None = None) -> str:
    with pytest.raises(MissingInput) as caught:
        find_inputs(build(folder), inputs, group)
    return caught.value.message


def pair(image, product: Path, stem: str) -> None:
    image(f"{stem}.pbcor.fits", folder=product)
    image(f"{stem}.pb.fits", folder=product, BMAJ=None)


def test_an_image_comes_with_its_own_beam(image, product: Path) -> None:
    pair(image, product, "a")
    pair(image, product, "b")
    assert chosen(product) == {"image": "a.pbcor.fits", "beam": "a.pb.fits"}
    assert chosen(product, group="b") == {"image": "b.pbcor.fits", "beam": "b.pb.fits"}


def test_the_first_role_that_is_there_is_taken(image, product: Path) -> None:
    image("x.image.fits", folder=product)
    assert chosen(product)["image"] == "x.image.fits"
    image("x.image.pbcor.fits", folder=product)
    assert chosen(product)["image"] == "x.image.pbcor.fits"


def test_science_comes_before_calibrators_and_continuum_before_windows_and_cubes(image, product: Path) -> None:
    for stem in ("a_bp.spw1_2.cont.I", "b_sci.spw1.cube.I", "c_sci.spw1.mfs.I", "d_sci.spw1_2.cont.I"):
        pair(image, product, stem)
    assert chosen(product)["image"] == "d_sci.spw1_2.cont.I.pbcor.fits"
    (product / "d_sci.spw1_2.cont.I.pbcor.fits").unlink()
    assert chosen(product)["image"] == "c_sci.spw1.mfs.I.pbcor.fits"
    (product / "c_sci.spw1.mfs.I.pbcor.fits").unlink()
    assert chosen(product)["image"] == "b_sci.spw1.cube.I.pbcor.fits"


def test_of_like_images_the_one_with_a_beam_is_taken(image, product: Path) -> None:
    image("a.pbcor.fits", folder=product)
    pair(image, product, "b")
    assert chosen(product) == {"image": "b.pbcor.fits", "beam": "b.pb.fits"}


def test_a_plain_file_is_taken_before_a_packed_one(image, product: Path) -> None:
    image("x.pbcor.fits.gz", folder=product)
    assert chosen(product)["image"] == "x.pbcor.fits.gz"
    image("x.pbcor.fits", folder=product)
    assert chosen(product)["image"] == "x.pbcor.fits"


ACCEPTING = {"image": InputSpec(role=("correctedImage", "image"), accept=("truncated",))}


def test_a_truncated_image_is_refused_unless_it_is_accepted(image, product: Path) -> None:
    image("a.pbcor.fits", folder=product)
    os.truncate(product / "a.pbcor.fits", 2900)
    assert missing(product) == (
        "no usable file with role correctedImage or image in image a: a.pbcor.fits is shorter than its header says"
    )
    assert chosen(product, ACCEPTING) == {"image": "a.pbcor.fits"}
    image("b.pbcor.fits", folder=product)
    assert chosen(product, ACCEPTING) == chosen(product, {"image": INPUTS["image"]}) == {"image": "b.pbcor.fits"}


def test_an_image_without_celestial_axes_is_refused_unless_it_is_accepted(image, product: Path) -> None:
    image("a.image.pbcor.fits", folder=product, CTYPE1="'VELO-LSR'", CTYPE2="'LINEAR'")
    assert missing(product).endswith("a.image.pbcor.fits has no pair of celestial axes")
    spec = InputSpec(role=("correctedImage",), accept=("no-celestial",))
    assert chosen(product, {"image": spec}) == {"image": "a.image.pbcor.fits"}


@pytest.mark.parametrize(
    ("choose", "expected"),
    [("continuum", "c.cont.pbcor.fits"), ("newest", "b.cube.pbcor.fits"), ("largest", "a.mfs.pbcor.fits")],
)
def test_of_several_images_the_input_chooses(choose: Choice, expected: str, image, product: Path) -> None:
    image("a.mfs.pbcor.fits", folder=product, NAXIS1="7", DATE="'2015-01-01'")
    image("b.cube.pbcor.fits", folder=product, DATE="'2016-01-01'")
    image("c.cont.pbcor.fits", folder=product, DATE="'2014-01-01'")
    assert chosen(product, {"image": InputSpec(role=("correctedImage",), choose=choose)}) == {"image": expected}


def test_the_newest_of_a_calibrator_is_not_taken_before_the_science_target(image, product: Path) -> None:
    image("J1_bp.spw1.mfs.I.pbcor.fits", folder=product, DATE="'2020-01-01'")
    image("M83_sci.spw1.mfs.I.pbcor.fits", folder=product, DATE="'2014-01-01'")
    spec = {"image": InputSpec(role=("correctedImage",), choose="newest")}
    assert chosen(product, spec) == {"image": "M83_sci.spw1.mfs.I.pbcor.fits"}
    files = find_inputs(build(product), spec, intent="calibrator")
    assert [file.name for file in files.values() if file] == ["J1_bp.spw1.mfs.I.pbcor.fits"]


def test_a_folder_of_calibrators_has_no_science_target(image, product: Path) -> None:
    image("J1_bp.spw1.mfs.I.pbcor.fits", folder=product)
    with pytest.raises(MissingInput, match=r"no image of a science target \(the folder holds J1_bp"):
        find_inputs(build(product), INPUTS, intent="science")


def test_an_image_without_its_beam_has_none(image, product: Path) -> None:
    image("x.pbcor.fits", folder=product)
    assert chosen(product) == {"image": "x.pbcor.fits", "beam": None}


def test_a_beam_on_another_grid_is_not_used(image, product: Path) -> None:
    image("x.pbcor.fits", folder=product)
    image("x.pb.fits", folder=product, CDELT1="-2.0E-04")
    assert chosen(product)["beam"] is None
    message = "no usable file with role primaryBeam in image x: x.pb.fits is on another pixel grid than x.pbcor.fits"
    assert missing(product, WITH_BEAM) == message


@pytest.mark.parametrize("moved", [{"CRVAL2": "2.001"}, {"CRPIX1": "8.0"}])
def test_a_beam_at_another_place_is_not_used(moved: dict[str, str], image, product: Path) -> None:
    image("x.pbcor.fits", folder=product)
    image("x.pb.fits", folder=product, **moved)
    assert chosen(product)["beam"] is None


def test_a_reference_pixel_elsewhere_on_the_same_grid_is_the_same_grid(image, product: Path) -> None:
    image("x.pbcor.fits", folder=product)
    image("x.pb.fits", folder=product, CRPIX2="13.0", CRVAL2="2.001")
    assert chosen(product)["beam"] == "x.pb.fits"


def test_what_is_missing_is_said_with_what_is_there(product: Path) -> None:
    assert missing(product) == "no file with role correctedImage or image (the folder holds no file at all)"
    (product / "README").write_text("x")
    assert missing(product) == "no file with role correctedImage or image (the folder holds README)"


def test_files_that_no_rule_takes_lead_to_the_rules(image, product: Path) -> None:
    image("n.fits", folder=product, BUNIT="'adu'")
    assert missing(product).endswith(
        "(the folder holds n.fits); no rule gives n.fits a role: one in .stoa/roles.yaml can"
        " (`stoa meta explain` says why), and `pattern` in place of `role` takes a file by its name"
    )


def test_a_file_that_cannot_be_read_is_said(product: Path) -> None:
    (product / "x.pbcor.fits").write_bytes(b"")
    message = "no usable file with role correctedImage or image in image x: x.pbcor.fits has zero bytes"
    assert missing(product) == message


def test_a_tarball_is_never_taken(image, product: Path) -> None:
    image("x.pbcor.fits", folder=product)
    (product / "x.mask.tgz").write_bytes(b"x")
    assert chosen(product, {**INPUTS, "mask": InputSpec(role=("mask",), optional=True)})["mask"] is None


def test_a_group_that_is_gone_is_said(image, product: Path) -> None:
    image("x.pbcor.fits", folder=product)
    assert missing(product, group="y") == "there is no image group 'y' any more"


def test_a_process_without_inputs_needs_nothing(product: Path) -> None:
    assert chosen(product, {}) == {}


def test_image_groups_are_those_with_an_image(image, product: Path) -> None:
    pair(image, product, "a")
    image("b.pbcor.fits", folder=product)
    image("c.mask.fits", folder=product)
    (product / "d.pbcor.fits").write_bytes(b"")
    assert image_groups(build(product), WITH_BEAM) == ["a", "b", "d"]


def test_calibrators_may_be_left_out(image, product: Path) -> None:
    pair(image, product, "J1_bp.spw1.mfs.I")
    pair(image, product, "M83_sci.spw1.mfs.I")
    assert image_groups(build(product), INPUTS, "science") == ["M83_sci.spw1.mfs.I"]
    assert image_groups(build(product), INPUTS) == ["J1_bp.spw1.mfs.I", "M83_sci.spw1.mfs.I"]


def test_columns_describe_the_main_image(image, product: Path) -> None:
    pair(image, product, "x")
    found = columns(build(product))
    names = ("n_files", "n_images", "n_groups", "n_beams", "object", "ra_deg", "freq_ghz", "band", "size_bytes", "kind")
    assert [found[name] for name in names] == [2, 1, 1, 1, "M83", 150.0, 100.0, "3", 11520, "cont"]
    assert found["beam_arcsec"] == pytest.approx((3.6 * 1.8) ** 0.5)
    assert found["problems"] == ""


def test_columns_of_an_empty_folder_are_there(product: Path) -> None:
    found = columns(build(product))
    assert found.keys() == COLUMNS.keys()
    assert (found["n_files"], found["object"], found["problems"]) == (0, None, "empty")


def test_a_document_from_elsewhere_may_say_nonsense() -> None:
    data = b"""<project><file FILETYPE="image" NAXIS1="wide" BMAJ="x">x.image.fits</file>
      <derived file="x.image.fits" size="large" ra_deg="east" beam_major_arcsec="big" beam_minor_arcsec="nan"/>
      </project>"""
    found = columns(from_xml(data))
    assert [found[name] for name in ("size_bytes", "ra_deg", "beam_arcsec", "n_images")] == [0, None, None, 1]


def test_columns_have_the_types_that_are_declared(image, product: Path) -> None:
    pair(image, product, "x")
    types = {"int": int, "float": float, "str": str}
    for name, value in columns(build(product)).items():
        assert value is None or isinstance(value, types[COLUMNS[name].type])
