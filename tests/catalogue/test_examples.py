"""The example archive, the quasar table and the shipped process agree with one another."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable.ucd import check_ucd
from finder_truth import FINDERS, shipped

from stoa.catalogue.columns import COLUMNS
from stoa.catalogue.match import match
from stoa.catalogue.positions import positions
from stoa.catalogue.tables import read_table
from stoa.provenance.definitions import read_process


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_tables_name_every_file_and_no_other(examples: Path) -> None:
    archive = examples / "archive"
    named = {f"{row['folder']}/{row['file']}" for row in rows(archive / "images.csv")}
    there = {str(path.relative_to(archive)) for path in archive.rglob("product/*") if path.name != "README"}
    assert named == there


def test_the_folder_table_counts_what_is_there(examples: Path) -> None:
    archive = examples / "archive"
    folders, images, truth = (rows(archive / f"{name}.csv") for name in ("folders", "images", "truth"))
    assert len(folders) == 24
    for folder in folders:
        files = [row for row in images if row["folder"] == folder["folder"]]
        assert int(folder["files"]) == len(files), folder["folder"]
        assert int(folder["groups"]) == len({row["group"] for row in files})
        assert int(folder["sources"]) == sum(row["folder"] == folder["folder"] for row in truth)


def test_the_empty_folder_is_the_one_without_files(examples: Path) -> None:
    archive = examples / "archive"
    empty = [row["folder"] for row in rows(archive / "folders.csv") if row["odd"] == "no file at all"]
    assert (archive / "empty_folders.txt").read_text(encoding="utf-8").split() == empty


def test_the_examples_are_small(examples: Path) -> None:
    assert sum(path.stat().st_size for path in examples.rglob("*") if path.is_file()) < 7_500_000


def test_every_quasar_of_the_truth_table_is_in_the_quasar_table(examples: Path) -> None:
    names = {row["name"] for row in rows(examples / "quasars.csv")}
    wanted = {row["nearest_quasar"] for row in rows(examples / "archive" / "truth.csv")} - {""}
    assert len(wanted) == 23
    assert wanted <= names


def test_true_sources_match_the_quasars_that_the_truth_table_says(examples: Path) -> None:
    truth = read_table(examples / "archive" / "truth.csv")
    found = match(truth, read_table(examples / "quasars.csv"), 5, calibrators=True)
    said = [row["nearest_quasar"] for row in truth if row["within_5arcsec"] == "True"]
    assert list(found.table["cat_name"]) == said
    assert found.table["separation_arcsec"] == pytest.approx(list(found.table["quasar_sep_arcsec"]), abs=2e-3)


def test_both_quasar_tables_are_the_same(examples: Path) -> None:
    comma, votable = read_table(examples / "quasars.csv"), read_table(examples / "quasars.vot")
    assert list(votable["name"]) == list(comma["name"])
    for one, other in zip(positions(comma, "csv"), positions(votable, "vot"), strict=True):
        assert list(one) == pytest.approx(list(other), abs=0.1 / 3600)  # the VOTable says FK5, the CSV nothing


@pytest.mark.parametrize("name", FINDERS)
def test_a_process_and_its_script_have_the_same_parameters(examples: Path, name: str) -> None:
    definition = examples.parent / ".stoa-template" / "shipped" / "processes" / f"{name}.yaml"
    process = read_process(definition.read_bytes(), f"{name}.yaml")
    with shipped(f"find_{name}") as script:
        defaults = vars(script.arguments(["--image", "x.fits"]))
    assert {name: spec.default for name, spec in process.params.items()} == {
        name: value for name, value in defaults.items() if name not in ("image", "beam", "out", "program")
    }
    for name in process.params:
        assert process.command[process.command.index(f"{{params.{name}}}") - 1] == f"--{name.replace('_', '-')}"


@pytest.mark.parametrize("name", FINDERS)
def test_the_finders_have_the_same_inputs_outputs_and_results(examples: Path, name: str) -> None:
    folder = examples.parent / ".stoa-template" / "shipped" / "processes"
    process, sep = (read_process((folder / f"{one}.yaml").read_bytes(), one) for one in (name, "sep"))
    assert (process.inputs, process.outputs, process.results) == (sep.inputs, sep.outputs, sep.results)
    assert {key: process.params[key] for key in sep.params} == sep.params
    assert (process.timeout_s, process.memory_mb) == (600, 2000)


def test_the_process_declares_the_results_that_its_script_reports(
    examples: Path, find_sep: ModuleType, image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = examples.parent / ".stoa-template" / "shipped" / "processes" / "sep.yaml"
    process = read_process(definition.read_bytes(), "sep.yaml")
    monkeypatch.chdir(tmp_path)
    path = image([(48, 48, 0.1)], shape=(1, 1, 160, 160))
    with fits.open(path, mode="update") as hdus:
        hdus[0].data += np.float32(0.1)
    options = ["--image", str(path), "--inverted", "true", "--inject", "60", "--level", "subtract"]
    find_sep.finding.main(find_sep.arguments(options), find_sep.measure)
    results = json.loads((tmp_path / "stoa-result.json").read_text(encoding="utf-8"))
    assert {name: type(value).__name__ for name, value in results.items()} == {
        name: spec.type for name, spec in process.results.items()
    }


def test_every_column_of_the_finder_has_a_meaning(find_sep: ModuleType) -> None:
    for name, _, unit in find_sep.finding.COLUMNS:
        assert COLUMNS[name].unit == (unit or "")


def test_every_ucd_is_in_the_vocabulary() -> None:
    wrong = [name for name, info in COLUMNS.items() if not check_ucd(info.ucd, check_controlled_vocabulary=True)]
    assert wrong == []
