"""The shipped process `tclean`, and a script of CASA's shell, with real CASA over simulated measurement sets."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import real_casa
from astropy.io import fits
from finder_truth import ARCHIVE, FINDERS, program, shipped
from real_casa import PYTHON, casa
from survey import Survey
from terminal import Terminal

from stoa.cli.main import app

pytestmark = real_casa.MARKS

SIGMA_JY = 0.005
LINE_JY = 0.1
SOURCES = {
    "a": ((150.0, -30.0, 0.05), (150.00125, -30.0008333, 0.03)),
    "f": ((150.0, -30.0, 0.05), (150.0041667, -30.0033333, 0.03)),
    "g": ((150.0, -30.0, 0.05 + LINE_JY / 5), (150.0025, -30.0016667, 0.03)),
}
"""Degrees and Jy, the brightest first, by target; averaged over the channels."""
SEARCHED = (("image", "image.pbcor"), ("beam", "pb"))
SET = {"corrected", "image", "beam", "dirty", "residual", "model", "psf", "mask"}
IMAGED = "afgh"
"""Targets whose set has to be there."""

DIRECT = """\
import json, sys
from pathlib import Path
from casatasks import exportfits, tclean
for file in sys.argv[1:]:
    asked = json.load(open(file))
    target = Path(file).parent.name
    for name, image in (("dirty", "dirty.image"), ("clean", "clean.image.pbcor")):
        asked[name]["imagename"] = f"{target}_{name}"
        tclean(**asked[name])
        exportfits(f"{target}_{image}", f"{target}_{name}.fits", stokeslast=True)
    exportfits(f"{target}_clean.pb", f"{target}_pb.fits", stokeslast=True)
"""


PARAMS = """\
schema: 1
values: {pixels: 96, field: double}
rules:
  - {where: "target = 'c'", values: {field: faint}}
  - {where: "target = 'd'", values: {spw: "2"}}
  - {where: "target = 'f'", values: {pixels: 0, niter: 80}, doc: 7 m dishes; as many pixels as their field needs}
  - {where: "target = 'g'", values: {pixels: 128, niter: 80}, doc: band 3}
  - {where: "target = 'h'", values: {pixels: 64, niter: 80, specmode: cube}, doc: band 3}
"""


@pytest.fixture(scope="module")
def imaged(visibilities, compact_visibilities, line_visibilities, survey_template, tmp_path_factory) -> Survey:
    """Targets imaged two at once.

    a is sound, b damaged; c is asked for a flagged field, d for a window without data; e has images alone; f was
    observed with 7 m dishes, g and h in band 3 with a line: g becomes a continuum image, h a cube.
    """
    top = tmp_path_factory.mktemp("imaging") / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    survey = Survey(top, Terminal(app))
    for target in "abcd":
        shutil.copytree(visibilities, top / "data" / target / "calibrated" / "double.ms")
    os.truncate(top / "data/b/calibrated/double.ms/table.dat", 100)
    for target, measured in (("f", compact_visibilities), ("g", line_visibilities), ("h", line_visibilities)):
        shutil.copytree(measured, top / "data" / target / measured.name)
    survey.ok("target", "add", "data", "[dfgh]")
    survey.ok("env", "add", "casa", "--casa", "--python", PYTHON)
    survey.ok("process", "add", "tclean")
    (top / ".stoa/params/tclean").mkdir(parents=True)
    (top / ".stoa/params/tclean/small.yaml").write_text(PARAMS)
    (folder,) = (ARCHIVE / "2013.1.00898.S").glob("*/*/*/product")
    shutil.copytree(folder, top / "data/e")
    survey.ok("target", "add", "data", "e")
    ran = survey("run", "tclean", "--params", "small", "-j", "2")
    assert ran.exit_code == 3, ran.output
    return survey


@pytest.fixture(scope="module")
def direct(imaged, tmp_path_factory) -> Path:
    """Images of the same calls by hand, one after the other in one process of CASA."""
    place = tmp_path_factory.mktemp("direct")
    (place / "direct.py").write_text(DIRECT)
    casa("direct.py", *(folder(imaged, target) / "calls.json" for target in IMAGED), cwd=place)
    return place


@pytest.fixture(scope="module")
def described(imaged, direct) -> Survey:
    """The project with the sets as targets of their own and described, once what needs the run alone is done."""
    imaged.ok("target", "add", "products", "tclean/latest/small/*")
    imaged.ok("meta", "build")
    return imaged


def outcomes(survey: Survey) -> dict[str, dict[str, Any]]:
    """Those of the imaging run, the first one."""
    return survey.outcomes(survey.runs()[0])


def folder(survey: Survey, target: str = "a") -> Path:
    return survey.top / outcomes(survey)[target]["place"].replace(":", "/", 1)


def test_what_cannot_be_imaged_fails_with_its_true_cause(imaged):
    causes = {name: (one["status"], one.get("cause", "")) for name, one in outcomes(imaged).items()}
    assert causes["a"] == ("ok", "")
    assert causes["c"] == (
        "failed",
        "ImagingError: no unflagged visibilities of field faint in its spectral windows (0, 1)",
    )
    assert causes["d"] == ("failed", "ImagingError: field double has no spectral window 2; it has 0, 1 (parameter spw)")
    assert causes["b"][0] == "failed"
    assert "double.ms cannot be opened as a measurement set" in causes["b"][1]


def test_the_set_is_described_and_as_casa_made_it(imaged):
    outcome = outcomes(imaged)["a"]
    assert outcome["outputs"]["casa_image"]["files"] > 3
    for name, role in (("image.pbcor", "correctedImage"), ("dirty", "dirtyImage"), ("psf", "psf"), ("mask", "mask")):
        said = imaged.json("meta", "explain", folder(imaged) / f"standard.{name}.fits")
        assert said["role"] == role
    header = fits.getheader(folder(imaged) / "standard.image.pbcor.fits")
    assert (header["STOATARG"], header["OBJECT"], header["NAXIS1"]) == ("a", "double", 96)
    assert header["BMAJ"] * 3600 == pytest.approx(outcome["results"]["beam_major_arcsec"], rel=1e-5)
    assert outcome["results"]["casatasks"].startswith("6.")


@pytest.mark.parametrize("target", IMAGED)
def test_the_set_is_complete_whatever_was_observed(imaged, target):
    outcome = outcomes(imaged)[target]
    assert outcome["status"] == "ok", outcome
    assert outcome["outputs"].keys() >= SET
    with (folder(imaged, target) / "quality.csv").open(newline="", encoding="utf-8") as lines:
        assert {row["origin"] for row in csv.DictReader(lines)} == {"visibilities"}


@pytest.mark.parametrize("target", IMAGED)
def test_images_are_those_of_direct_calls_bit_for_bit(imaged, direct, target):
    for made, product in (("clean", "image.pbcor"), ("dirty", "dirty"), ("pb", "pb")):
        ours = fits.getdata(folder(imaged, target) / f"standard.{product}.fits")
        theirs = fits.getdata(direct / f"{target}_{made}.fits")
        assert ours.shape == theirs.shape
        assert ours.tobytes() == theirs.tobytes()


def test_noise_is_that_of_the_weights_and_the_beam_is_near_the_expected_one(imaged):
    results = outcomes(imaged)["a"]["results"]
    assert results["theoretical_rms"] == pytest.approx(SIGMA_JY / results["n_visibilities"] ** 0.5, rel=1e-6)
    assert 0.7 < results["rms"] / results["theoretical_rms"] < 1.5
    middle = (results["beam_major_arcsec"] * results["beam_minor_arcsec"]) ** 0.5
    assert 0.6 < middle / results["expected_beam_arcsec"] < 1.7


def test_the_primary_beam_is_that_of_the_dishes(imaged):
    """As CASA models a dish of 7 m; for one of 12 m the half power would be at little more than half the distance."""
    with shipped("airybeam") as airybeam, fits.open(folder(imaged, "f") / "standard.pb.fits") as opened:
        header, gain = opened[0].header, opened[0].data[0, 0]
    row = gain[int(header["CRPIX2"]) - 1]
    away = np.abs(np.arange(len(row)) + 1 - header["CRPIX1"]) * header["CDELT2"]
    inside = row >= 0.5
    assert row[inside] == pytest.approx(airybeam.modelled(away[inside], header["CRVAL3"], 7.0), rel=0.005)
    half_power = away[inside].max() * 3600
    assert half_power == pytest.approx(0.5 * 1.13 * 299792458 / header["CRVAL3"] / 6.25 * 206265, rel=0.1)


def test_the_channels_of_a_cube_have_their_frequencies_and_one_beam(imaged):
    with fits.open(folder(imaged, "h") / "standard.image.pbcor.fits") as opened:
        header, cube = opened[0].header, opened[0].data[0]
        assert [found.name for found in opened] == ["PRIMARY"], "no table of beams: all channels have the common one"
    axis = [header[f"{keyword}3"] for keyword in ("CTYPE", "CUNIT", "CRPIX", "CRVAL", "CDELT", "NAXIS")]
    assert axis == ["FREQ", "Hz", 1.0, pytest.approx(97.0e9, rel=1e-9), pytest.approx(15.625e6, rel=1e-9), 5]
    assert (header["SPECSYS"], header["CTYPE4"], header["NAXIS4"]) == ("LSRK", "STOKES", 1)
    assert header["BMAJ"] * 3600 == pytest.approx(outcomes(imaged)["h"]["results"]["beam_major_arcsec"], rel=1e-5)
    middle = cube[:, int(header["CRPIX2"]) - 1, int(header["CRPIX1"]) - 1]
    assert middle == pytest.approx([0.05, 0.05, 0.05, 0.05 + LINE_JY, 0.05], rel=0.05)
    with fits.open(folder(imaged, "h") / "standard.psf.fits") as opened:
        assert len(opened["BEAMS"].data) == 5, "those of its channels"


def test_the_sets_pass_the_check(described):
    sets = [one["name"] for one in described.json("target", "list") if one["root"] == "products"]
    assert len(sets) == len(IMAGED)
    described.ok("meta", "check", *sets)


@pytest.mark.parametrize("target", SOURCES)
@pytest.mark.parametrize("finder", FINDERS)
def test_finders_take_the_set_and_find_the_sources_in_place_and_flux(imaged, tmp_path, require_service, finder, target):
    require_service(finder, program(finder), "its program is not there")
    out = tmp_path / "sources.fits"
    words = [f"--{option}={folder(imaged, target)}/standard.{name}.fits" for option, name in SEARCHED]
    words += ["--out", str(out)] + (["--program", program(finder)] if finder != "sep" else [])
    with shipped(f"find_{finder}") as module:
        module.search(module.arguments(words))
    found = sorted(fits.getdata(out, 1), key=lambda row: -row["flux"])
    assert len(found) == 2
    for row, (ra, dec, flux) in zip(found, SOURCES[target], strict=True):
        away = np.hypot((row["ra_deg"] - ra) * np.cos(np.radians(dec)), row["dec_deg"] - dec) * 3600
        assert away < 0.1
        assert row["flux"] == pytest.approx(flux, rel=0.05)


def test_images_and_visibilities_in_one_archive_each_give_the_set(imaged):
    assert outcomes(imaged)["e"]["status"] == "skipped"
    assert "no file or folder matches '**/*.ms'" in outcomes(imaged)["e"]["cause"]
    imaged.ok("process", "add", "standardise")
    imaged.ok("run", "standardise", "--target", "[a-h]")
    found = imaged.outcomes().values()
    assert {one["target"]: one["status"] for one in found} == {**dict.fromkeys("abcdfgh", "skipped"), "e": "ok"}


def test_imaging_changes_nothing_in_the_measurement_set(imaged):
    assert "changed_inputs" not in outcomes(imaged)["a"]
    said = imaged.ok("why", "tclean", "a", "--params", "small").splitlines()  # of the set as a target too
    assert said[0] == "a: does not run, up to date"


def test_calls_name_what_the_parameters_ask(imaged):
    asked = json.loads((folder(imaged) / "calls.json").read_text())
    assert (asked["dirty"]["niter"], asked["clean"]["nsigma"], asked["clean"]["robust"]) == (0, 3.0, 0.5)
    assert asked["clean"]["spw"] == "0,1"


SHELL = """\
vis = 'x.ms'
robust = 0.5
interactive = True
tclean(vis=vis, imagename='cont', field='double', cell='0.5arcsec', imsize=[64, 64], weighting='briggs', robust=robust,
       niter=100, interactive=interactive, pbcor=True)
exportfits('cont.image.pbcor', fitsimage='cont.fits')
tb.open(vis)
print('rows', tb.nrows())
tb.close()
"""


def test_a_script_of_casas_shell_runs_as_it_is_with_the_values_of_the_run(survey, visibilities):
    shutil.copytree(visibilities, survey.top / "data/a/x.ms")
    (survey.top / "imaging.py").write_text(SHELL, encoding="utf-8")
    survey.ok("env", "add", "casa", "--casa", "--python", PYTHON)
    survey.ok("process", "new", "img", "--from", "imaging.py")
    survey("run", "img", "--target", "a", "--set", "robust=-1", "--set", "niter=7")
    outcome = survey.outcomes(survey.runs()[0])["a"]
    assert outcome["status"] == "ok", outcome
    assert outcome["outputs"].keys() >= {"image", "pbcor", "fits"}
    made = survey.top / outcome["place"].replace(":", "/", 1)
    log = (made / "casa.log").read_text(encoding="utf-8")
    assert all(said in log for said in ("robust=-1.0", "niter=7,", "interactive=False")), log
    assert (made / "cont.fits").stat().st_size > 64 * 64 * 4
