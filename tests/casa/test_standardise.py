"""The standard set of products from images alone: what follows from what, measured on images that CASA wrote."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from finder_truth import ARCHIVE, shipped

Row = dict[str, str]


@pytest.fixture(scope="module")
def standardise() -> Iterator[ModuleType]:
    with shipped("standardise") as module:
        yield module


def groups() -> dict[tuple[str, str], dict[str, Row]]:
    """Sound files of the example archive by folder and image group, each by its role."""
    found: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    with (ARCHIVE / "images.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if not row["defect"]:
                found[row["folder"], row["group"]][row["role"]] = row
    return found


def path(row: Row) -> str:
    return str(ARCHIVE / row["folder"] / row["file"])


WITH_BEAM = [files for files in groups().values() if {"correctedImage", "primaryBeam"} <= files.keys()]
CUBE = next(files for files in WITH_BEAM if files["correctedImage"]["kind"] == "cube")
PLAIN = next(files for files in WITH_BEAM if files["correctedImage"]["kind"] == "cont")


@pytest.fixture
def made(standardise, tmp_path) -> Callable[..., tuple[dict[str, Any], dict[str, Row]]]:
    """Results, and rows of the quality table by product: `made("--corrected", file)`."""

    def make(*words: str) -> tuple[dict[str, Any], dict[str, Row]]:
        results = standardise.standardise(standardise.parser().parse_args([*words, "--out", str(tmp_path)]))
        with (tmp_path / "quality.csv").open(newline="", encoding="utf-8") as lines:
            return results, {row["product"]: row for row in csv.DictReader(lines)}

    return make


def data(folder: Path, product: str) -> np.ndarray:
    return fits.getdata(folder / f"standard.{product}.fits").astype(float)


def test_the_archive_has_images_to_compare_with():
    assert len(WITH_BEAM) >= 25


def test_the_modelled_beam_is_that_of_casa(standardise):
    """Inside the half power: medians below 1 %, and no pixel off by more than the module says."""
    errors = []
    for files in WITH_BEAM:
        args = standardise.parser().parse_args(["--corrected", path(files["correctedImage"])])
        with standardise.opened(args.corrected, args, "corrected") as image:
            gain = standardise.Gain(image, path(files["primaryBeam"]), args)
            errors.append(gain.error())
            gain.close()
    medians, largest = np.array(errors).T
    assert np.isfinite(medians).all()
    assert medians.max() <= standardise.airybeam.MEDIAN_ERROR < 0.01
    assert largest.max() <= standardise.airybeam.LARGEST_ERROR < 0.01


def test_the_model_is_one_at_the_centre_half_at_its_width_and_nothing_beyond_its_reach(standardise):
    airy = standardise.airybeam
    width = 1.13 * np.degrees(airy.LIGHT_M_S / 100e9 / 12)  # FWHM in degrees
    centre, half, beyond = airy.modelled(np.array([0.0, width / 2, 0.018]), 100e9, 12.0)
    assert centre == 1
    assert half == pytest.approx(0.5, abs=0.03)
    assert beyond == 0
    assert airy.modelled(np.array([width / 2]), 100e9, 7.0)[0] > 0.75


@pytest.mark.parametrize("files", [PLAIN, CUBE], ids=["continuum", "cube"])
def test_what_was_uncorrected_and_is_corrected_again_is_the_original(standardise, made, tmp_path, files):
    results, rows = made("--corrected", path(files["correctedImage"]), "--beam", path(files["primaryBeam"]))
    assert [rows[key]["origin"] for key in ("corrected", "image", "beam")] == ["given", "computed", "given"]
    original = fits.getdata(path(files["correctedImage"])).astype(float)
    gain = fits.getdata(path(files["primaryBeam"])).astype(float)
    with np.errstate(invalid="ignore"):
        again = data(tmp_path, "image") / gain
    seen = np.isfinite(original) & (gain > 0)
    assert seen.sum() > 1000
    assert np.abs(again[seen] / original[seen] - 1).max() < 1e-6
    assert results["channels"] == original.shape[-3]
    uncorrected = data(tmp_path, "image")
    (tmp_path / "second").mkdir()
    words = ["--image", str(tmp_path / "standard.image.fits"), "--beam", path(files["primaryBeam"])]
    made_again = standardise.parser().parse_args([*words, "--out", str(tmp_path / "second")])
    assert standardise.standardise(made_again)["made_from"] == "image"
    corrected = data(tmp_path / "second", "image.pbcor")
    assert np.isfinite(uncorrected[seen]).all()
    assert np.abs(corrected[seen] / original[seen] - 1).max() < 1e-6


def test_a_cube_has_a_modelled_beam_for_the_frequency_of_each_channel(made, tmp_path):
    results, rows = made("--corrected", path(CUBE["correctedImage"]))
    assert results["pb"] == rows["beam"]["origin"] == rows["image"]["origin"] == "modelled"
    planes = data(tmp_path, "pb")[0]
    true = fits.getdata(path(CUBE["primaryBeam"])).astype(float)[0]
    assert np.nanmax(np.abs(planes / true - 1)) < 0.01
    assert (planes[0] != planes[-1]).any()


def test_what_rests_on_a_model_says_so_in_its_header(made, tmp_path):
    made("--corrected", path(PLAIN["correctedImage"]))
    beam, image, corrected = (
        fits.getheader(tmp_path / f"standard.{name}.fits") for name in ("pb", "image", "image.pbcor")
    )
    assert (beam["PBDISH"], beam["PBBLOCK"], beam["PBERRMAX"]) == (10.7, 0.75, 0.005)
    assert (beam["STOAORIG"], image["STOAORIG"], corrected["STOAORIG"]) == ("modelled", "modelled", "given")
    assert "PBMODEL" in beam
    assert "PBMODEL" in image
    assert "PBMODEL" not in corrected


def test_headers_have_beam_frequency_object_project_and_the_uids(made, tmp_path):
    row = CUBE["correctedImage"]
    made("--corrected", path(row))
    header, old = fits.getheader(tmp_path / "standard.image.pbcor.fits"), fits.getheader(path(row))
    assert [header[key] for key in ("OBJECT", "RESTFRQ", "CRVAL3")] == [old["OBJECT"], old["RESTFRQ"], old["CRVAL3"]]
    assert header["BMAJ"] == pytest.approx(old["BMAJ"])
    assert header["PROJECT"] == row["folder"].split("/")[0]
    assert header["MEMBER"].startswith("uid://A001/X")
    assert [header[f"CTYPE{axis}"][:4] for axis in (1, 2, 3, 4)] == ["RA--", "DEC-", "FREQ", "STOK"]


def test_what_only_visibilities_give_is_absent_with_the_reason(made, tmp_path):
    results, rows = made("--corrected", path(PLAIN["correctedImage"]), "--beam", path(PLAIN["primaryBeam"]))
    for product in ("dirty", "residual", "model", "psf", "mask"):
        assert (rows[product]["origin"], rows[product]["file"]) == ("absent", "")
        assert "only the visibilities can give it" in rows[product]["words"]
    assert results["n_absent"] == 5
    assert not (tmp_path / "standard.psf.fits").exists()


def edited(file: str, place: Path, change: Callable[[fits.PrimaryHDU], None]) -> str:
    shutil.copy(file, place)
    with fits.open(place, mode="update") as opened:
        change(opened[0])
    return str(place)


def test_the_beam_of_another_telescope_is_not_modelled(made, tmp_path):
    file = edited(path(PLAIN["correctedImage"]), tmp_path / "x.fits", lambda hdu: hdu.header.set("TELESCOP", "NOEMA"))
    results, rows = made("--corrected", file)
    assert (results["pb"], rows["beam"]["origin"], rows["image"]["origin"]) == ("absent", "absent", "absent")
    assert "TELESCOP is 'NOEMA'" in rows["beam"]["words"]
    assert rows["corrected"]["origin"] == "given"
    assert made("--corrected", file, "--dish-m", "7")[0]["pb"] == "modelled"


def test_a_mosaic_is_not_given_the_beam_of_one_pointing(made, tmp_path):
    def widen(hdu: fits.PrimaryHDU) -> None:
        hdu.header["CDELT1"], hdu.header["CDELT2"] = -1e-3, 1e-3

    results, rows = made("--corrected", edited(path(PLAIN["correctedImage"]), tmp_path / "x.fits", widen))
    assert results["pb"] == "absent"
    assert "a mosaic" in rows["beam"]["words"]


def test_a_beam_on_another_grid_and_a_folder_without_images_are_refused(standardise, made):
    other = next(files for files in WITH_BEAM if files["primaryBeam"]["naxis"] != PLAIN["primaryBeam"]["naxis"])
    with pytest.raises(standardise.StandardError, match="primary beam is on another grid"):
        made("--corrected", path(PLAIN["correctedImage"]), "--beam", path(other["primaryBeam"]))
    with pytest.raises(standardise.StandardError, match="neither a corrected nor an uncorrected"):
        made("--beam", path(PLAIN["primaryBeam"]))


def test_a_mask_keeps_its_zeros_and_one_on_another_grid_is_absent(made, tmp_path):
    def mask(hdu: fits.PrimaryHDU) -> None:
        hdu.data = np.zeros_like(hdu.data)
        hdu.data[..., 60:64, 60:64] = 1
        hdu.header["BUNIT"] = ""

    file = edited(path(PLAIN["primaryBeam"]), tmp_path / "mask.fits", mask)
    _, rows = made("--corrected", path(PLAIN["correctedImage"]), "--mask", file, "--model", path(CUBE["primaryBeam"]))
    assert rows["mask"]["origin"] == "given"
    assert (np.nansum(data(tmp_path, "mask")), np.isnan(data(tmp_path, "mask")).sum()) == (16, 0)
    assert rows["model"]["origin"] == "absent"
    assert "on another grid" in rows["model"]["words"]


def test_channels_with_beams_of_their_own_keep_them(made, tmp_path):
    def without_beam(hdu: fits.PrimaryHDU) -> None:
        for keyword in ("BMAJ", "BMIN", "BPA"):
            del hdu.header[keyword]

    file = edited(path(CUBE["correctedImage"]), tmp_path / "x.fits", without_beam)
    count = fits.getheader(file)["NAXIS3"]
    widths = np.linspace(1, 1.2, count)
    columns = [fits.Column(name, "1E", "arcsec", array=widths) for name in ("BMAJ", "BMIN")]
    columns += [fits.Column("BPA", "1E", "deg", array=0 * widths)]
    columns += [fits.Column(name, "1J", array=n) for name, n in (("CHAN", np.arange(count)), ("POL", 0 * widths))]
    fits.append(file, *beams(columns))
    made("--corrected", file)
    kept = fits.getdata(tmp_path / "standard.image.pbcor.fits", "BEAMS")
    assert kept["BMAJ"] == pytest.approx(widths)
    assert "BMAJ" not in fits.getheader(tmp_path / "standard.image.pbcor.fits")


def beams(columns: list[fits.Column]) -> tuple[np.ndarray, fits.Header]:
    table = fits.BinTableHDU.from_columns(columns, name="BEAMS")
    return table.data, table.header
