"""The standard set in a project: made by a run, described without a finding, searched by a finder as it is."""

from __future__ import annotations

import csv
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from astropy.io import fits
from finder_truth import ARCHIVE
from lxml import etree

import stoa.meta

FOLDERS = {
    "a": "2013.1.00898.S",  # by hand: corrected image and flux
    "b": "2011.0.00687.S",  # Cycle 0: the uncorrected image alone
    "c": "2013.1.00087.S",  # the corrected image alone
}


@pytest.fixture
def archive(survey, tmp_path):
    for name, project in FOLDERS.items():
        (folder,) = (ARCHIVE / project).glob("*/*/*/product")
        place = survey.top / "data" / name
        for file in folder.iterdir():
            shutil.copy(file, place)
    return survey


def test_the_set_is_made_described_and_searched(archive):
    archive.ok("process", "add", "standardise")
    archive("run", "standardise")
    outcomes = archive.outcomes()
    assert [one["status"] for one in outcomes.values()] == ["ok"] * 3, [one.get("cause") for one in outcomes.values()]
    made = {one["target"]: one["results"] for one in outcomes.values()}
    assert [made[name]["made_from"] for name in "abc"] == ["corrected", "image", "corrected"]
    assert [made[name]["pb"] for name in "abc"] == ["given", "modelled", "modelled"]

    archive.ok("target", "add", "products", "standardise/latest/default/*/*")
    archive.ok("meta", "build")
    added = [name for name in archive.json("target", "list") if name["root"] == "products"]
    assert len(added) == 3
    names = [one["name"] for one in added]
    archive.ok("meta", "check", *names)

    archive.ok("process", "add", "sep")
    archive("run", "sep", *(word for name in names for word in ("--target", name)))
    searched = archive.outcomes()
    assert sorted(one["target"] for one in searched.values()) == sorted(names)
    assert {one["status"] for one in searched.values()} == {"ok"}
    assert not any(one["results"]["gain_is_model"] for one in searched.values())


def test_a_beam_on_another_grid_is_named_beside_the_model_that_takes_its_place(archive):
    (beam,) = (archive.top / "data/a").glob("*.flux.fits")
    with fits.open(beam, mode="update") as opened:
        opened[0].data = opened[0].data[..., 2:, 2:]
    archive.ok("meta", "build")
    archive.ok("process", "add", "standardise")
    archive("run", "standardise", "--target", "a")
    (outcome,) = archive.outcomes().values()
    assert (outcome["status"], outcome["results"]["pb"]) == ("ok", "modelled"), outcome
    folder = archive.top / outcome["place"].replace(":", "/", 1)
    with (folder / "quality.csv").open(newline="", encoding="utf-8") as lines:
        words = {row["product"]: row["words"] for row in csv.DictReader(lines)}
    said = f"the delivered {beam.name} was not taken: on another grid of pixels than the image"
    assert words["beam"].startswith("modelled for a dish of 12 m")
    assert words["beam"].endswith(said)
    assert [product for product, line in words.items() if "was not taken" in line] == ["beam"]
    assert said in (folder / "stoa-log.txt").read_text(encoding="utf-8")


def test_its_own_document_has_the_roles_that_stoa_finds(archive):
    archive.ok("process", "add", "standardise")
    archive("run", "standardise", "--target", "a")
    folder = archive.top / next(iter(archive.outcomes().values()))["place"].replace(":", "/", 1)
    own = ET.parse(folder / "standard.xml")
    roles = {file.text: file.get("FILETYPE") for file in own.iter("file")}
    assert roles.items() >= {
        ("standard.image.pbcor.fits", "correctedImage"), ("standard.image.fits", "image"),
        ("standard.pb.fits", "primaryBeam"),
    }  # fmt: skip
    for name, role in roles.items():
        said = json.loads(archive.ok("meta", "explain", folder / name, "--json"))
        assert said["role"] == role
    schema = etree.XMLSchema(file=str(Path(stoa.meta.__file__).with_name("stoa-meta.xsd")))
    schema.assertValid(etree.parse(folder / "standard.xml"))
    with (folder / "quality.csv").open(newline="") as lines:
        assert len(list(csv.DictReader(lines))) == 8
