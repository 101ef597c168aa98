"""Why a file has its role."""

from __future__ import annotations

from pathlib import Path

from stoa.meta.explain import explain


def test_the_rule_that_took_a_file_is_named(image) -> None:
    found = explain(image("x_bp.spw17.mfs.I.pbcor.fits"))
    assert (found.role, found.rule, found.group, found.intent) == (
        "correctedImage", "corrected", "x_bp.spw17.mfs.I", "bandpass",
    )  # fmt: skip
    assert "name has '.pbcor'" in found.why
    assert [near.rule for near in found.near] == ["image-by-header"]


def test_an_unreadable_file_says_what_it_would_have_been(tmp_path: Path) -> None:
    path = tmp_path / "x.pb.fits"
    path.write_text("<html>")
    found = explain(path)
    assert (found.role, found.rule) == ("unreadable", "primary-beam")
    assert found.why.startswith("it is a web page")
    assert "it would be primaryBeam" in found.why


def test_a_file_that_no_rule_takes_is_other(tmp_path: Path) -> None:
    path = tmp_path / "README"
    path.write_text("x")
    found = explain(path)
    assert (found.role, found.rule, found.why, found.problems) == ("other", "", "no rule takes it", ())
