"""What is beside the images."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoa.meta.package import member_uids, package_files
from stoa.meta.package import package_facts as facts_of


def package_facts(folder: Path) -> dict[str, str]:
    return facts_of(folder, package_files(folder))


def member(tmp_path: Path, readme: str = "", report: str = "", script: str = "", name: str = "member") -> Path:
    top = tmp_path / name
    for folder in ("product", "qa", "script"):
        (top / folder).mkdir(parents=True)
    (top / "README").write_text(readme)
    (top / "qa" / "x.qa2_report.txt").write_text(report)
    if script:
        (top / "script" / script).write_text("# how it was made")
    return top / "product"


def test_a_readme_gives_uid_project_and_quality(tmp_path: Path) -> None:
    readme = "Member OUS uid___A001_X1436_X350\nProject 2017.1.00682.S\nQA2 status: PASS\n"
    assert package_facts(member(tmp_path, readme, script="casa_pipescript.py")) == {
        "project_code": "2017.1.00682.S", "member_ous": "uid___A001_X1436_X350", "qa2": "PASS", "made_by": "pipeline",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "status"),
    [("QA2 PASS", "PASS"), ("QA2 Status: Semi-Pass", "SEMIPASS"), ("QA2 status\nFail", "FAIL"), ("QA2 passed", "PASS")],
)
def test_the_status_of_quality_assurance_is_one_word(text: str, status: str, tmp_path: Path) -> None:
    assert package_facts(member(tmp_path, report=text))["qa2"] == status


@pytest.mark.parametrize(("text", "version"), [("CASA version 4.7.2", "4.7.2"), ("run in CASA 5.1.1-5", "5.1.1-5")])
def test_the_version_of_casa_is_found(text: str, version: str, tmp_path: Path) -> None:
    assert package_facts(member(tmp_path, report=text))["casa"] == version


def test_the_manifest_of_the_pipeline_tells_versions(tmp_path: Path) -> None:
    product = member(tmp_path, script="x.hifa_calimage.casa_pipescript.py")
    manifest = product.parent / "script" / "member.uid___A001_X1_X2.hifa_calimage.pipeline_manifest.xml"
    manifest.write_text(
        '<piperesults><ous name="uid___A001_X1_X2"><casaversion name="6.2.1-7"/>'
        '<pipeline_version name="2021.2.0.128"/></ous></piperesults>'
    )
    assert package_facts(product) == {"casa": "6.2.1-7", "pipeline": "2021.2.0.128", "made_by": "pipeline"}


def test_a_generated_script_tells_for_which_version_it_is(tmp_path: Path) -> None:
    product = member(tmp_path, script="scriptForImaging.py")
    (product.parent / "script" / "scriptForImaging.py").write_text(
        "if re.search('^4.2.2', casadef.casa_version) == None:\n"
        " sys.exit('ERROR: PLEASE USE THE SAME VERSION OF CASA THAT YOU USED FOR GENERATING THE SCRIPT: 4.2.2')\n"
    )
    assert package_facts(product) == {"casa": "4.2.2", "made_by": "hand"}


@pytest.mark.parametrize(
    ("origin", "version"),
    [("CASA 4.7.2-REL (r39762)", "4.7.2"), ("CASA 5.1.1-5", "5.1.1-5"), ("CASA 3.4.0 (stable r19148)", "3.4.0")],
)
def test_an_image_tells_the_version_of_casa_where_nothing_else_does(origin: str, version: str, tmp_path: Path) -> None:
    images = [("a.image.fits", "CASA casacore alma-evla"), ("b.image.fits", origin), ("c.image.fits", "CASA 1.0.0")]
    folder = member(tmp_path)
    found = facts_of(folder, package_files(folder), origins=images)
    assert found == {"casa": version, "casa_origin": "ORIGIN of b.image.fits"}
    folder = member(tmp_path, readme="CASA version 4.2.1", name="other")
    assert facts_of(folder, package_files(folder), origins=images) == {"casa": "4.2.1"}


def test_the_names_of_the_folders_stand_in(tmp_path: Path) -> None:
    top = tmp_path / "2013.1.00466.S" / "science_goal.uid___A001_X1_X1" / "group.uid___A001_X1_X2"
    folder = top / "member.uid___A001_X1_X3" / "product"
    folder.mkdir(parents=True)
    assert package_facts(folder) == {
        "project_code": "2013.1.00466.S", "member_ous": "uid___A001_X1_X3", "group_ous": "uid___A001_X1_X2",
        "science_goal": "uid___A001_X1_X1",
    }  # fmt: skip


def test_a_folder_with_nothing_beside_it_has_no_facts(tmp_path: Path) -> None:
    assert package_facts(member(tmp_path)) == {}


def test_a_readme_is_read_to_its_limit(tmp_path: Path) -> None:
    assert package_facts(member(tmp_path, readme=" " * 70_000 + "QA2 PASS")) == {}


def test_uids_at_the_start_of_names_are_counted_once() -> None:
    names = ["member.uid___A001_X1_X2.a.fits", "uid___A001_X1_X2.b.fits", "sub/uid___A001_X1_X3.c.fits", "d.fits"]
    assert member_uids(names) == ["uid___A001_X1_X2", "uid___A001_X1_X3"]
