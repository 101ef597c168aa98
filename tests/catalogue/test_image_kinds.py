"""Images of every kind, read without STOA: sep gives the source as it was made, or the true cause.

`test_finders_agree.py` has the same kinds searched by all three finders, with what STOA knows of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from finder_truth import SCRIPTS, shipped
from image_kinds import KINDS, PEAK, SPELLINGS, Change, Kind, beams_table

ALL = KINDS | SPELLINGS
Find = Callable[..., tuple[Any, dict[str, Any]]]


@pytest.fixture
def find(find_sep: ModuleType, tmp_path: Path) -> Find:
    """Rows and results of an image of a kind."""

    def run(kind: Kind, *options: str) -> tuple[Any, dict[str, Any]]:
        path, out = kind.write(tmp_path), tmp_path / "sources.fits"
        words = ["--image", str(path), "--out", str(out)]
        if kind.gain is not None:
            words += ["--beam", str(kind.beam(tmp_path))]
        for name, value in kind.parameters.items():
            words += [f"--{name.replace('_', '-')}", value]
        results = find_sep.search(find_sep.arguments([*words, *options]))
        return fits.getdata(out, 1), results

    return run


@pytest.mark.parametrize("name", [name for name, kind in ALL.items() if not kind.cause])
@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
def test_the_source_is_found_as_it_was_made(find: Find, name: str, tmp_path: Path, monkeypatch) -> None:
    kind = ALL[name]
    if kind.role:  # the name says nothing; STOA's facts do
        job = {"inputs": {"image": str(tmp_path / kind.name)}, "facts": {"image": {"role": kind.role}}}
        (tmp_path / "stoa-job.json").write_text(json.dumps(job), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
    kind.check(find(kind)[0])


@pytest.mark.parametrize("name", [name for name, kind in ALL.items() if kind.cause])
def test_what_cannot_be_searched_says_why(find: Find, find_sep: ModuleType, name: str) -> None:
    with pytest.raises(find_sep.finding.ImageError, match=ALL[name].cause):
        find(ALL[name])


def test_another_unit_fails_or_is_searched_as_it_is(find: Find, find_sep: ModuleType) -> None:
    kind = Kind({"BUNIT": "adu", "TELESCOP": "NTT", "CTYPE3": "", "CTYPE4": ""}, freq_ghz=np.nan)
    with pytest.raises(find_sep.finding.ImageError, match=r"unit is 'adu'.*other_unit=search"):
        find(kind)
    rows, _ = find(kind, "--other-unit", "search", "--image-is", "flat")
    assert list(rows["peak_flux"]) == pytest.approx([0.1], rel=0.05)
    assert rows.columns["peak_flux"].unit == "adu"


@pytest.mark.parametrize(("answer", "code"), [("skip", 77), ("fail", 1)])
def test_another_unit_may_be_no_failure(tmp_path: Path, answer: str, code: int) -> None:
    path = str(Kind({"BUNIT": "adu"}).write(tmp_path))
    command = [sys.executable, str(SCRIPTS / "find_sep.py"), "--image", path, "--other-unit", answer]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].startswith("OtherUnitError: the unit is 'adu'")


def test_a_position_angle_of_galactic_coordinates_is_turned_to_icrs(tmp_path: Path) -> None:
    with shipped("fitsimage") as fitsimage:
        image = fitsimage.read_image(KINDS["galactic"].write(tmp_path))
    image.close()
    ends = [SkyCoord(150.0, lat, unit="deg", frame="galactic").icrs for lat in (2.0, 2.001)]
    assert image.turn_deg(48, 48) % 360 == pytest.approx(ends[0].position_angle(ends[1]).deg, abs=0.01)


def test_beams_on_both_sides_of_ninety_degrees_have_one_of_their_angles(tmp_path: Path) -> None:
    change: Change = beams_table("arcsec", [0.51, 0.5, 0.52], [0.41, 0.4, 0.42], [89.0, -89.5, -88.0])
    path = Kind(dict.fromkeys(("BMAJ", "BMIN", "BPA")), change).write(tmp_path)
    with shipped("fitsimage") as fitsimage, fitsimage.read_image(path) as image:
        assert image.beam.major * 3600 == pytest.approx(0.51)
        assert image.beam.pa == pytest.approx(89.0)
        assert [beam.pa for beam in image.beams] == pytest.approx([89.0, -89.5, -88.0])


def test_an_image_that_is_corrected_by_its_role_has_the_peak_on_the_sky(find: Find) -> None:
    rows, _ = find(KINDS["corrected by its role"], "--image-is", "corrected")
    assert rows["peak_flux"][0] == pytest.approx(0.2, rel=0.05)


def test_another_telescope_has_no_primary_beam_to_model(find: Find, find_sep: ModuleType) -> None:
    with pytest.raises(find_sep.finding.ImageError, match=r"TELESCOP is 'VLA'.*dish_m.*image_is=flat"):
        find(KINDS["VLA without a dish"])
    rows, results = find(KINDS["another telescope"])
    assert (rows["gain"][0], results["gain_is_model"]) == (1.0, False)


def test_a_border_of_zeros_counts_as_blank(find: Find) -> None:
    assert find(KINDS["zeros outside"])[1]["rms"] == pytest.approx(1e-3, rel=0.15)


def test_facts_may_say_that_the_dish_is_not_known(find: Find, monkeypatch, tmp_path: Path) -> None:
    nothing = {"primary_beam": None, "frequency": None, "beam": None}
    job = {"inputs": {"image": str(tmp_path / Kind().name)}, "facts": {"image": nothing}}
    (tmp_path / "stoa-job.json").write_text(json.dumps(job), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Kind().check(find(Kind())[0])


def test_latitude_first_is_searched_on_request_alone(find: Find, find_sep: ModuleType) -> None:
    with pytest.raises(find_sep.finding.ImageError, match="latitude axis comes before.*latitude_first=search"):
        find(KINDS["latitude first"], "--latitude-first", "fail")


def test_a_beam_that_cannot_be_is_none(find: Find) -> None:
    kind = Kind({"BMAJ": 0.5, "BMIN": 0.5})
    kind.check(find(kind, "--beam-arcsec", "0.5")[0])


def test_an_image_that_does_not_lie_around_zero_fails_or_loses_its_level(find: Find, find_sep: ModuleType) -> None:
    """Noise about zero would be that of the level, and nothing would stand out of it."""

    def lift(hdus: fits.HDUList) -> None:
        hdus[0].data = hdus[0].data + np.float32(0.25)

    kind = Kind(change=lift)
    with pytest.raises(find_sep.finding.ImageError, match=r"pixels lie around 0\.25 .*level=subtract"):
        find(kind)
    rows, results = find(kind, "--level", "subtract")
    kind.check(rows)
    assert results["level"] == pytest.approx(0.25, abs=2e-4)


def test_the_plane_that_is_searched_is_the_one_that_is_named(find: Find, find_sep: ModuleType) -> None:
    def add(hdus: fits.HDUList) -> None:
        plane = hdus[0].data
        hdus[0].data = np.concatenate([plane, plane * 0.5, plane * 0.1, plane * 0.1])

    kind = Kind(change=add)
    kind.check(find(kind)[0])
    rows, _ = find(kind, "--stokes", "Q")
    assert rows["peak_flux"][0] == pytest.approx(PEAK / 2, rel=0.03)
    with pytest.raises(find_sep.finding.ImageError, match="has Stokes I, Q, U, V and not XX"):
        find(kind, "--stokes", "XX")


@pytest.mark.parametrize(("code", "name"), [(2.0, "Q"), (4.0, "V"), (-7.0, "XY")])
def test_a_plane_that_is_not_the_total_intensity_is_not_taken_for_it(
    find: Find, find_sep: ModuleType, code: float, name: str
) -> None:
    kind = Kind({"CRVAL4": code})
    with pytest.raises(find_sep.finding.ImageError, match=f"has Stokes {name} and not I .parameter stokes"):
        find(kind)
    kind.check(find(kind, "--stokes", name)[0])


def test_one_of_two_parallel_hands_stands_in_and_a_note_says_so(find: Find, capsys: pytest.CaptureFixture[str]) -> None:
    kind = Kind({"CRVAL4": -5.0})
    kind.check(find(kind)[0])
    assert "note: the plane is XX, which is Stokes I only for what is not polarised" in capsys.readouterr().out
