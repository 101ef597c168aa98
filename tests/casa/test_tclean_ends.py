"""How `tclean` ends when real CASA crashes or has too little memory, and that parallel jobs share nothing."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import real_casa
from astropy.io import fits
from real_casa import PYTHON
from survey import Survey, wait_for
from terminal import Terminal

from stoa.cli.main import app

pytestmark = real_casa.MARKS

RUN = ("run", "tclean", "--set", "pixels=64", "--set", "niter=20")

IMAGES = ("image.pbcor", "image", "pb", "dirty", "residual", "model", "psf", "mask")


@pytest.fixture(scope="module")
def survey(line_visibilities, survey_template, tmp_path_factory) -> Survey:
    """Targets a and b with a measurement set each."""
    top = tmp_path_factory.mktemp("ends") / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    survey = Survey(top, Terminal(app))
    for target in "ab":
        shutil.copytree(line_visibilities, top / "data" / target / "line.ms")
    survey.ok("env", "add", "casa", "--casa", "--python", PYTHON)
    survey.ok("process", "add", "tclean")
    return survey


def latest(survey: Survey, target: str = "a") -> tuple[dict[str, Any], Path]:
    """The outcome of a target in the latest run, and the folder of its job."""
    outcome = survey.outcomes()[target]
    return outcome, survey.top / outcome["place"].replace(":", "/", 1)


def process_in(folder: Path) -> int:
    """Process whose working directory is a folder, 0 for none."""
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "cwd").readlink() == folder:
                return int(each.name)
        except OSError:
            continue
    return 0


def killed_while_cleaning(survey: Survey, number: signal.Signals) -> None:
    """Run target a, and send a signal to its process as soon as the second call of tclean has begun."""
    started = survey.start(*RUN, "--target", "a", "--force")
    (folder,) = wait_for(lambda: list(survey.top.glob("products/tclean/*/.work/a")), "the job's folder", 60)
    wait_for((folder / "clean.psf").is_dir, "the second call of tclean", 120)
    os.kill(process_in(folder.resolve()), number)
    said, errors = started.communicate(timeout=60)
    assert started.returncode == 3, said + errors


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "killed by SIGSEGV (Segmentation fault)"),
        (signal.SIGKILL, "killed by SIGKILL (by hand, or because memory ran out)"),
    ],
)
def test_a_crash_of_casa_names_its_signal_and_leaves_no_product(survey, number, words):
    killed_while_cleaning(survey, number)
    outcome, folder = latest(survey)
    assert (outcome["status"], outcome["cause"]) == ("killed", words)
    assert not outcome.get("outputs")
    assert not outcome.get("results")
    assert not list(folder.glob("standard.*"))
    if number == signal.SIGSEGV:
        where = (folder / "casa.log").read_text(encoding="utf-8").rpartition("Fatal Python error: ")[2]
        assert where.startswith("Segmentation fault")
        assert "in tclean\n" in where
        assert "clean.py" in where
    survey.ok(*RUN, "--target", "a", "--failed")
    assert latest(survey)[0]["status"] == "ok", "the same again, and nothing is in its way"


def limited(survey: Survey, memory: str, pixels: int) -> dict[str, Any]:
    """The outcome of target a with another memory limit."""
    survey.edit(".stoa/processes/tclean.yaml", "memory: 8GB", f"memory: {memory}")
    try:
        ran = survey("run", "tclean", "--set", f"pixels={pixels}", "--target", "a", "--force")
        assert ran.exit_code == 3, ran.output
        return latest(survey)[0]
    finally:
        survey.edit(".stoa/processes/tclean.yaml", f"memory: {memory}", "memory: 8GB")


def test_a_limit_below_what_casa_needs_is_refused_at_once(survey):
    outcome = limited(survey, "300MB", pixels=64)
    said = "memory limit of 300 MB reached: MemoryError: CASA itself needs 500 MB, and the limit is 300 MB (`memory`)"
    assert (outcome["status"], outcome["limit"], outcome["cause"]) == ("killed", "memory", said)


def test_a_limit_that_is_reached_inside_of_casa_is_the_cause(survey):
    outcome = limited(survey, "500MB", pixels=3000)
    assert (outcome["status"], outcome["limit"]) == ("killed", "memory"), outcome
    assert outcome["cause"].startswith("memory limit of 500 MB reached: ")
    assert not outcome.get("outputs")


def test_parallel_jobs_share_nothing_and_give_what_one_alone_gives(survey, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    made = []
    for targets in ("a", "ab"):
        survey.ok(*RUN, "--target", f"[{targets}]", "--force", "-j", "2")
        folders = [latest(survey, target)[1] for target in targets]
        made += [{name: fits.getdata(folder / f"standard.{name}.fits") for name in IMAGES} for folder in folders]
    assert not (tmp_path / ".casa").exists()
    alone, *together = made
    assert len(together) == 2
    for images in together:
        assert all(np.array_equal(alone[name], images[name], equal_nan=True) for name in IMAGES)
