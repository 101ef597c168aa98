"""Roles, image groups, intent and kind, by names of every period and by the archive's answer key."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from stoa.meta.build import build
from stoa.meta.document import MetadataError
from stoa.meta.roles import calibrator_of, is_fits_name, kind_of, stem
from stoa.meta.rules import RULES
from stoa.meta.table import BUILT_IN, extended
from stoa.model import HeaderTest, RoleRule, RoleRules

ARCHIVE = Path(__file__).resolve().parents[2] / "examples" / "archive"


@pytest.mark.parametrize(
    ("name", "role", "group"),
    [
        ("AGN39_CS_AGN51.image.pbcor.fits", "correctedImage", "AGN39_CS_AGN51"),
        ("AGN39_CS_AGN51.flux.fits", "primaryBeam", "AGN39_CS_AGN51"),
        ("3C84_X.PBCOR.FITS", "correctedImage", "3C84_X"),  # AIPS writes capitals
        ("3C84_X.PB.FITS", "primaryBeam", "3C84_X"),
        ("3C84_X.Image.fits", "image", "3C84_X"),
        ("Orion.methanol.cbc.contsub.image.fits", "image", "Orion.methanol.cbc.contsub"),
        ("CO_21_SPW0.flux.fits.gz", "primaryBeam", "CO_21_SPW0"),
        ("NGC3504cont.pbcorr.fits", "correctedImage", "NGC3504cont"),
        ("calibrated_final_cont_image.image.pbcor.fits", "correctedImage", "calibrated_final_cont_image"),
        ("calibrated_final_cont_image.pb.fits", "primaryBeam", "calibrated_final_cont_image"),
        ("ALESS41_spw2.clean.image.pbcor.fits", "correctedImage", "ALESS41_spw2.clean"),
        ("u.NGC_628_sci.spw17.cont.I.tt0.pbcor.fits", "correctedImage", "u.NGC_628_sci.spw17.cont.I"),
        ("u.NGC_628_sci.spw17.cont.I.tt1.pbcor.fits", "taylorTerm1", "u.NGC_628_sci.spw17.cont.I"),
        ("u.NGC_628_sci.spw17.cont.I.pb.tt0.fits", "primaryBeam", "u.NGC_628_sci.spw17.cont.I"),
        ("u.NGC_628_sci.spw17.cont.I.alpha.fits", "spectralIndex", "u.NGC_628_sci.spw17.cont.I"),
        ("u.NGC_628_sci.spw17.cont.I.alpha.error.fits", "spectralIndexError", "u.NGC_628_sci.spw17.cont.I"),
        ("m.Tile_004.spw22.cube.I.mask.fits.gz", "mask", "m.Tile_004.spw22.cube.I"),
        ("m.50_kms_cloud_sci.spw0_1.mfs.I.manual.mask.tgz", "mask", "m.50_kms_cloud_sci.spw0_1.mfs.I.manual"),
        ("m.x.spw0.mfs.I.manual.image.tt0.pbcor.fits.gz", "correctedImage", "m.x.spw0.mfs.I.manual"),
        ("m.x.spw0.cube.I.selfcal.pbcor.fits", "correctedImage", "m.x.spw0.cube.I.selfcal"),
        ("m.BGPS3053.spw17.I.sd.im.fits", "singleDish", "m.BGPS3053.spw17.I.sd"),
        ("m.BGPS3053.spw17.I.sd.weight.fits", "weight", "m.BGPS3053.spw17.I.sd"),
        ("z35.dirty.image.fits", "dirtyImage", "z35"),
        ("z35.residual.fits", "residual", "z35"),
        ("z35.model.tt0.fits", "model", "z35"),
        ("z35.psf.fits", "psf", "z35"),
        ("z35.sumwt.fits", "weight", "z35"),
        ("M100_CO.image.mom0.pbcor.fits", "moment", "M100_CO.image.mom0"),
        ("[KAG2008]_globule_13.cont.I.pbcor.fits.fz", "correctedImage", "[KAG2008]_globule_13.cont.I"),
        ("_ALESS068.1_.image.pbcor.FITS", "correctedImage", "_ALESS068.1_"),
        ("G0.02467-0.0727_sci.pb.fits", "primaryBeam", "G0.02467-0.0727_sci"),
        ("sub/x.pb.fits", "primaryBeam", "sub/x"),
        ("field_flux.fits", "other", "field_flux"),
        ("psf.fits", "psf", "psf"),
        ("tables.fits", "other", "tables"),
    ],
)
def test_a_name_tells_role_and_group(name: str, role: str, group: str) -> None:
    assert (BUILT_IN.role_of(name, None), BUILT_IN.group_key(name)) == (role, group)


@pytest.mark.parametrize(
    ("name", "texts", "role"),
    [
        ("2013_SB.cont.I.image.fits", {"TYPE": "pbcorimage"}, "correctedImage"),
        ("plain.fits", {"TYPE": "flux"}, "primaryBeam"),
        ("x.tt1.pbcor.fits", {"TYPE": "pbcorimage"}, "taylorTerm1"),
        ("x.mom0.fits", {"TYPE": "pbcorimage"}, "moment"),
        ("plain.fits", {"BUNIT": "JY/BEAM", "CTYPE1": "RA---SIN"}, "image"),
        ("plain.fits", {"BUNIT": "JY/BEAM", "CTYPE1": "LINEAR"}, "other"),
        ("plain_rms.fits", {"BUNIT": "JY/BEAM", "CTYPE1": "RA---SIN"}, "other"),
        ("plain.fits", {"BUNIT": "Jy/beam.km/s", "CTYPE1": "RA---SIN"}, "moment"),
        ("plain.fits", {"BUNIT": "GAIN"}, "primaryBeam"),
    ],
)
def test_a_header_tells_the_role(name: str, texts: dict[str, str], role: str) -> None:
    assert BUILT_IN.role_of(name, lambda keyword: texts.get(keyword, "")) == role


@pytest.mark.parametrize(
    ("name", "intent", "calibrator"),
    [
        ("u.J0006-0623_bp.spw17.mfs.I.pbcor.fits", "TARGET", "bandpass"),
        ("u.J0006-0623_ph.spw17.mfs.I.pbcor.fits", "", "phase"),
        ("u.J0006-0623_chk.spw17.mfs.I.pbcor.fits", "", "check"),
        ("u.J0006-0623_sci.spw17.mfs.I.pbcor.fits", "BANDPASS", ""),
        ("J0006.pbcor.fits", "CALIBRATE_PHASE#ON_SOURCE", "phase"),
        ("J0006_flux.fits", "", ""),
        ("J0006.pbcor.fits", "TARGET", ""),
    ],
)
def test_a_calibrator_is_told_from_the_science_target(name: str, intent: str, calibrator: str) -> None:
    assert calibrator_of(name, lambda keyword: intent if keyword == "INTENT" else "") == calibrator


@pytest.mark.parametrize(
    ("name", "planes", "kind"),
    [
        ("x.spw17_19.cont.I.pbcor.fits", "1", "cont"),
        ("x.spw17.mfs.I.pbcor.fits", "1", "mfs"),
        ("x.spw0_1_2_3.mfs.I.manual.image.pbcor.fits", "1", "cont"),
        ("x_spw0.clean.image.pbcor.fits", "1", "mfs"),
        ("x.spw17.repBW.I.pbcor.fits", "1", "cube"),
        ("CO_21_SPW0.pbcor.fits", "8", "cube"),
        ("AGN39.image.pbcor.fits", "1", "cont"),
    ],
)
def test_the_kind_is_told_by_name_and_planes(name: str, planes: str, kind: str) -> None:
    texts = {"CTYPE3": "FREQ", "NAXIS3": planes}
    assert kind_of(name, lambda keyword: texts.get(keyword, "")) == kind


def test_the_stem_is_without_format_and_compression() -> None:
    names = ["a.b.fits", "a.b.FITS.gz", "dir/a.b.fit", "a.b.fits.fz", "a.b.tgz", "a.b.fts.bz2"]
    assert {stem(name) for name in names} == {"a.b"}


def test_only_names_of_fits_files_are_worth_opening() -> None:
    names = ["x.fits", "x.fits.gz", "x.FIT", "x.fits.fz", "README", "x.tgz", "x.fits.png", "xfits"]
    assert [name for name in names if is_fits_name(name)] == ["x.fits", "x.fits.gz", "x.FIT", "x.fits.fz"]


def test_explain_names_the_rule_and_those_that_nearly_took_it() -> None:
    verdict = BUILT_IN.explain(
        "x.image.fits", lambda keyword: {"TYPE": "pbcorimage", "BUNIT": "Jy/beam"}.get(keyword, "")
    )
    assert (verdict.role, verdict.rule) == ("correctedImage", "type-pbcorimage")
    near = {one.rule: one.why for one in verdict.near}
    assert near.keys() == {"image", "image-by-header"}
    assert "type-pbcorimage comes first" in near["image"]
    assert near["image-by-header"] == "but CTYPE is ''"


def test_a_project_may_put_its_own_rule_in_front() -> None:
    mine = RoleRule(name="mine", role="correctedImage", header=(HeaderTest("PIPELINE", "^ari_l$"),))
    table = extended(RoleRules(rules=(mine,)))
    texts = {"PIPELINE": "ari_l"}
    assert table.role_of("plain.fits", lambda keyword: texts.get(keyword, "")) == "correctedImage"
    assert table.role_of("plain.fits", lambda _: "") == "other"


def test_the_names_of_the_rules_are_unique() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_example_archive_is_understood_without_a_fault() -> None:
    with (ARCHIVE / "images.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = {(r["folder"], r["file"], r["role"], r["group"], r["intent"], r["kind"]) for r in rows}
    found = set()
    for folder in {row["folder"] for row in rows}:
        for group in build(ARCHIVE / folder).groups:
            for file in group.files:
                shown = (file.derived["intent"], file.derived["kind"])
                found.add((folder, file.name, file.role, group.key, *shown))
    assert len(expected) == len(rows) > 50
    assert found == expected


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="no folder"):
        build(tmp_path / "gone")


def test_a_rule_with_a_known_name_takes_its_place() -> None:
    mine = RoleRule(name="corrected", role="correctedImage", stem="_flat$")
    table = extended(RoleRules(rules=(mine,)))
    assert table.role_of("x_flat.fits", None) == "correctedImage"
    assert table.role_of("x.pbcor.fits", None) == "other"
    assert [rule.name for rule in table.rules] == [rule.name for rule in RULES]


def test_a_rule_may_be_left_out() -> None:
    assert extended(RoleRules(without=("mask",))).role_of("x.mask.fits", None) == "other"


def test_a_project_may_name_further_ends_of_one_image() -> None:
    table = extended(RoleRules(group_ends=("snr",)))
    assert table.group_key("sub/x.image.snr.fits") == "sub/x"
    assert BUILT_IN.group_key("x.image.snr.fits") == "x.image.snr"


def test_other_rules_have_another_digest() -> None:
    tables = [BUILT_IN, extended(RoleRules(without=("mask",))), extended(RoleRules(group_ends=("snr",)))]
    assert len({table.digest for table in tables}) == 3
    assert extended(RoleRules()).digest == BUILT_IN.digest


def test_a_name_that_is_all_ends_keeps_something() -> None:
    assert BUILT_IN.group_key("image.pb.fits") == "image"
