"""The shipped finder over the example archive, file by file without STOA, against the archive's truth table."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from finder_truth import true_of

pytestmark = pytest.mark.filterwarnings("ignore:File may have been truncated")

SEARCHED = ("correctedImage", "image", "dirtyImage")


@dataclass(frozen=True)
class Image:
    """One searched image: its row in images.csv, the finder's results and table, or why it failed."""

    row: dict[str, str]
    results: dict[str, Any]
    sources: Any
    cause: str


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def offset_arcsec(source: Any, true: dict[str, str]) -> float:
    east = (source["ra_deg"] - float(true["ra_deg"])) * np.cos(np.radians(source["dec_deg"]))
    return float(np.hypot(east, source["dec_deg"] - float(true["dec_deg"]))) * 3600


def search(
    find_sep: ModuleType, archive: Path, files: dict[str, dict[str, str]], out: Path, options: list[str]
) -> Image:
    row = next(files[role] for role in SEARCHED if role in files)
    command = ["--image", str(archive / row["folder"] / row["file"]), "--out", str(out), *options]
    if "primaryBeam" in files:
        command += ["--beam", str(archive / row["folder"] / files["primaryBeam"]["file"])]
    try:
        results = find_sep.search(find_sep.arguments(command))
    except find_sep.finding.ImageError as problem:
        return Image(row, {}, (), str(problem))
    return Image(row, results, fits.getdata(out, 1), "")


def search_all(find_sep: ModuleType, archive: Path, out: Path, *options: str) -> list[Image]:
    groups: dict[tuple[str, str], dict[str, dict[str, str]]] = defaultdict(dict)
    for row in read(archive / "images.csv"):
        groups[row["folder"], row["group"]][row["role"]] = row
    wanted = [files for files in groups.values() if set(files) & set(SEARCHED)]
    return [search(find_sep, archive, files, out, list(options)) for files in wanted]


@pytest.fixture(scope="module")
def default(find_sep: ModuleType, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Image]:
    return search_all(find_sep, examples / "archive", tmp_path_factory.mktemp("default") / "sources.fits")


@pytest.fixture(scope="module")
def deep(find_sep: ModuleType, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Image]:
    out = tmp_path_factory.mktemp("deep") / "sources.fits"
    return search_all(find_sep, examples / "archive", out, "--snr", "4", "--beam-arcsec", "0.46")


@pytest.fixture(scope="module")
def truth(examples: Path) -> list[dict[str, str]]:
    return read(examples / "archive" / "truth.csv")


def pairs(images: list[Image], truth: list[dict[str, str]]) -> list[tuple[dict[str, str], Any]]:
    """True sources of the searched images that are no cubes, with the nearest row or None if that is a beam away."""
    found = []
    for image in images:
        if image.cause or image.row["kind"] == "cube":
            continue
        for true in true_of(image.row, truth):
            nearest = min(image.sources, key=lambda s: offset_arcsec(s, true), default=None)
            near = nearest is not None and offset_arcsec(nearest, true) < image.results["beam_major_arcsec"]
            found.append((true, nearest if near else None))
    return found


def false_ones(images: list[Image], truth: list[dict[str, str]]) -> list[float]:
    """Signal to noise of the sources that no true one explains."""
    return [
        float(source["snr"])
        for image in images
        for source in image.sources
        if all(offset_arcsec(source, true) > image.results["beam_major_arcsec"] for true in true_of(image.row, truth))
    ]


def test_three_images_fail_each_for_what_was_planted(default: list[Image]) -> None:
    causes = {image.row["file"]: image.cause for image in default if image.cause}
    assert causes == {
        "AGN16_J0330-0718.image.pbcor.fits": "no beam: the header has no BMAJ and there is no BEAMS table "
        "(parameter beam_arcsec gives one)",
        "member.uid___A001_X1917_X451.EQS_B1321-0549_sci.spw25_27.cont.I.pbcor.fits": "the file is cut off or damaged",
        "J1321+0023.image.pbcor.fits": "all pixels are NaN",
    }


def test_every_source_of_signal_to_noise_ten_is_found(default: list[Image], truth: list[dict[str, str]]) -> None:
    bright = [found for true, found in pairs(default, truth) if float(true["snr"]) >= 10]
    assert len(bright) == 60  # 60 rows, without the one of the folder that fails, and one in two images
    assert all(found is not None for found in bright)


def test_no_source_is_false(default: list[Image], truth: list[dict[str, str]]) -> None:
    assert false_ones(default, truth) == []


def test_positions_agree_with_truth(default: list[Image], truth: list[dict[str, str]]) -> None:
    """In arcsec, and in units of the stated errors: median near the 1.18 sigma of two Gaussian axes."""
    found = [(offset_arcsec(f, true), f) for true, f in pairs(default, truth) if f is not None]
    assert max(offset for offset, _ in found) < 0.2
    pulls = [offset / np.hypot(f["e_ra_arcsec"], f["e_dec_arcsec"]) for offset, f in found]
    assert 0.6 < np.median(pulls) < 1.2


@pytest.mark.parametrize("flux", ["peak_flux", "flux"])
def test_fluxes_agree_with_truth(default: list[Image], truth: list[dict[str, str]], flux: str) -> None:
    found = [(float(true["flux_jy"]), f) for true, f in pairs(default, truth) if f is not None and f["snr"] >= 10]
    ratios = np.array([f[flux] / true for true, f in found])
    pulls = np.array([(f[flux] - true) / f[f"e_{flux}"] for true, f in found])
    assert abs(np.median(ratios) - 1) < 0.02
    assert 1.4826 * np.median(np.abs(pulls - np.median(pulls))) < 1.5


def test_the_noise_is_that_of_the_truth_table(default: list[Image], truth: list[dict[str, str]]) -> None:
    for image in default:
        true = true_of(image.row, truth)
        if true and image.row["kind"] == "cont" and not image.cause:
            assert image.results["rms"] == pytest.approx(float(true[0]["rms_jy"]), rel=0.07), image.row["file"]


def test_calibrators_have_one_source_each(default: list[Image]) -> None:
    counts = [len(image.sources) for image in default if image.row["intent"] == "calibrator"]
    assert counts == [1, 1, 1, 1, 1]


def test_where_the_gain_comes_from_is_recorded(default: list[Image], examples: Path) -> None:
    with_beam = {
        (row["folder"], row["group"])
        for row in read(examples / "archive" / "images.csv")
        if row["role"] == "primaryBeam"
    }
    for image in default:
        if not image.cause:
            has_file = (image.row["folder"], image.row["group"]) in with_beam
            assert image.results["gain_is_model"] is not has_file, image.row["file"]


def test_the_deeper_set_mends_the_folder_without_a_beam(deep: list[Image]) -> None:
    causes = sorted(image.cause for image in deep if image.cause)
    assert causes == ["all pixels are NaN", "the file is cut off or damaged"]


def test_the_deeper_set_finds_fainter_ones_and_one_false(
    default: list[Image], deep: list[Image], truth: list[dict[str, str]]
) -> None:
    def count(images: list[Image]) -> int:
        return sum(len(image.sources) for image in images)

    assert (count(default), count(deep)) == (71, 78)
    false = false_ones(deep, truth)
    assert len(false) == 1
    assert false[0] < 4.5


def test_with_the_right_beam_the_mended_folder_has_its_fluxes(deep: list[Image], truth: list[dict[str, str]]) -> None:
    mended = [image for image in deep if image.row["file"].startswith("AGN16")]
    found = [(float(true["flux_jy"]), f) for true, f in pairs(mended, truth)]
    assert [float(f["peak_flux"]) for _, f in found] == pytest.approx([true for true, _ in found], rel=0.05)
