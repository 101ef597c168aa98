"""The shipped process `tclean`, and a script of CASA's shell, with real CASA over simulated measurement sets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from finder_truth import ARCHIVE, shipped
from survey import Survey
from terminal import Terminal

from stoa.cli.main import app

PYTHON = os.environ.get("CASATASKS_PYTHON", "")
SIMULATE = Path(__file__).resolve().parents[1] / "support" / "simulate_visibilities.py"
SIGMA_JY = 0.005
SOURCES = ((150.0, -30.0, 0.05), (150.00125, -30.0008333, 0.03))

pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="CASATASKS_PYTHON names no interpreter with casatasks"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

DIRECT = """\
import json, sys
from casatasks import exportfits, tclean
asked = json.load(open(sys.argv[1]))
for name in ("dirty", "clean"):
    tclean(**asked[name])
exportfits("clean.image.pbcor", "direct.fits")
exportfits("dirty.image", "direct_dirty.fits")
"""


def casa(*words: str | Path, cwd: Path) -> None:
    """Run a script with CASA's tasks, as a job does."""
    settings = cwd / "casasiteconfig.py"
    settings.write_text(
        "import casadata\nmeasurespath = casadata.datapath\ndatapath = [casadata.datapath]\n"
        "measures_auto_update = False\ndata_auto_update = False\n"
    )
    environ = os.environ | {"CASASITECONFIG": str(settings)}
    done = subprocess.run([PYTHON, *map(str, words)], cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def visibilities(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    casa(SIMULATE, "double.ms", cwd=folder)
    return folder / "double.ms"


PARAMS = """\
schema: 1
values: {pixels: 96, field: double}
rules:
  - {where: "target = 'c'", values: {field: faint}}
  - {where: "target = 'd'", values: {spw: "2"}}
"""


@pytest.fixture(scope="module")
def imaged(visibilities, survey_template, tmp_path_factory) -> Survey:
    """a is sound, b damaged; c is asked for a flagged field, d for a window without data; e has images alone."""
    top = tmp_path_factory.mktemp("imaging") / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    survey = Survey(top, Terminal(app))
    for target in "abcd":
        shutil.copytree(visibilities, top / "data" / target / "calibrated" / "double.ms")
    os.truncate(top / "data/b/calibrated/double.ms/table.dat", 100)
    survey.ok("target", "add", "data", "d")
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
def finder() -> Iterator[ModuleType]:
    with shipped("find_sep") as module:
        yield module


def outcomes(survey: Survey) -> dict[str, dict[str, Any]]:
    """Those of the imaging run, the first one."""
    return survey.outcomes(survey.runs()[0])


def folder(survey: Survey) -> Path:
    return survey.top / outcomes(survey)["a"]["place"].replace(":", "/", 1)


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


def test_the_set_is_complete_described_and_as_casa_made_it(imaged):
    outcome = outcomes(imaged)["a"]
    assert {"corrected", "image", "beam", "dirty", "residual", "model", "psf", "mask"} <= outcome["outputs"].keys()
    assert outcome["outputs"]["casa_image"]["files"] > 3
    for name, role in (("image.pbcor", "correctedImage"), ("dirty", "dirtyImage"), ("psf", "psf"), ("mask", "mask")):
        said = imaged.json("meta", "explain", folder(imaged) / f"standard.{name}.fits")
        assert said["role"] == role
    header = fits.getheader(folder(imaged) / "standard.image.pbcor.fits")
    assert (header["STOATARG"], header["OBJECT"], header["NAXIS1"]) == ("a", "double", 96)
    assert header["BMAJ"] * 3600 == pytest.approx(outcome["results"]["beam_major_arcsec"], rel=1e-5)
    assert outcome["results"]["casatasks"].startswith("6.")


def test_images_are_those_of_direct_calls_bit_for_bit(imaged, tmp_path):
    (tmp_path / "direct.py").write_text(DIRECT)
    casa("direct.py", folder(imaged) / "calls.json", cwd=tmp_path)
    for direct, product in (("direct", "image.pbcor"), ("direct_dirty", "dirty")):
        ours, theirs = (
            fits.getdata(f) for f in (folder(imaged) / f"standard.{product}.fits", tmp_path / f"{direct}.fits")
        )
        assert ours.tobytes() == theirs.reshape(ours.shape).tobytes()


def test_noise_is_that_of_the_weights_and_the_beam_is_near_the_expected_one(imaged):
    results = outcomes(imaged)["a"]["results"]
    assert results["theoretical_rms"] == pytest.approx(SIGMA_JY / results["n_visibilities"] ** 0.5, rel=1e-6)
    assert 0.7 < results["rms"] / results["theoretical_rms"] < 1.5
    middle = (results["beam_major_arcsec"] * results["beam_minor_arcsec"]) ** 0.5
    assert 0.6 < middle / results["expected_beam_arcsec"] < 1.7


def test_the_finder_takes_the_set_and_finds_the_sources_in_place_and_flux(imaged, finder, tmp_path):
    out = tmp_path / "sources.fits"
    files = [f"{folder(imaged)}/standard.{name}.fits" for name in ("image.pbcor", "pb")]
    finder.search(finder.arguments(["--image", files[0], "--beam", files[1], "--out", str(out)]))
    found = sorted(fits.getdata(out, 1), key=lambda row: -row["flux"])
    assert len(found) == 2
    for row, (ra, dec, flux) in zip(found, SOURCES, strict=True):
        away = np.hypot((row["ra_deg"] - ra) * np.cos(np.radians(dec)), row["dec_deg"] - dec) * 3600
        assert away < 0.1
        assert row["flux"] == pytest.approx(flux, rel=0.05)


def test_images_and_visibilities_in_one_archive_each_give_the_set(imaged):
    assert outcomes(imaged)["e"]["status"] == "blocked"
    assert "no file or folder matches '**/*.ms'" in outcomes(imaged)["e"]["cause"]
    imaged.ok("process", "add", "standardise")
    imaged.ok("run", "standardise")
    found = imaged.outcomes().values()
    assert {one["target"]: one["status"] for one in found} == {**dict.fromkeys("abcd", "skipped"), "e": "ok"}


def test_imaging_changes_nothing_in_the_measurement_set(imaged):
    assert "changed_inputs" not in outcomes(imaged)["a"]
    assert imaged.ok("why", "tclean", "a", "--params", "small") == "a: does not run, up to date\n"


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
