"""What scripts import: `report` and `job`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.utils.masked import Masked

from stoa import __version__, project
from stoa.exec.job import report as report_module
from stoa.exec.job.importable import place_module
from stoa.exec.job.report import job, report
from stoa.model import ResultSpec


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.setenv("STOA_OUT", str(tmp_path))
    return tmp_path


def reported(folder: Path) -> dict[str, object]:
    return json.loads((folder / "stoa-result.json").read_text())


def test_results_are_added_to_those_reported_before(out):
    report(n=3, rms=1.5)
    report(rms=2.5, band="B6", good=True, none=None)
    assert reported(out) == {"n": 3, "rms": 2.5, "band": "B6", "good": True, "none": None}
    assert [p.name for p in out.iterdir()] == ["stoa-result.json"]


def test_numpy_scalars_become_plain_numbers(out):
    report(a=np.float32(0.5), b=np.int64(3), c=np.bool_(True), d=np.array([[7]]), e=np.longdouble(1.5), f=np.str_("x"))
    assert reported(out) == {"a": 0.5, "b": 3, "c": True, "d": 7, "e": 1.5, "f": "x"}


def test_numbers_that_are_not_finite_are_null(out):
    report(a=float("nan"), b=np.float64("-inf"))
    assert reported(out) == {"a": None, "b": None}


def test_masked_values_are_null_and_not_the_number_below_the_mask(out):
    pixels = np.ma.masked_invalid([np.nan, np.nan])
    report(a=pixels.max(), b=np.ma.masked, c=np.ma.array([7.0], mask=[True]), d=np.ma.array([7.0], mask=[False]))
    report(e=Masked(3 * u.one, mask=True), f=Masked(3.0, mask=False))
    assert reported(out) == {"a": None, "b": None, "c": None, "d": 7.0, "e": None, "f": 3.0}


@pytest.mark.parametrize("value", [np.array([1.0, 2.0]), np.array([]), np.ma.array([1.0, 2.0], mask=[True, True])])
def test_an_array_is_refused_by_name(out, value):
    with pytest.raises(TypeError, match="result 'rms' must be a single value, not (ndarray|MaskedArray) of several"):
        report(rms=value)


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, object(), b"x", 1j])
def test_what_is_no_single_value_is_refused_by_name(out, value):
    with pytest.raises(TypeError, match="result 'rms' must be a number, string or boolean"):
        report(rms=value)
    assert not (out / "stoa-result.json").exists()


def test_without_stoa_the_current_directory_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("STOA_OUT", raising=False)
    monkeypatch.chdir(tmp_path)
    report(n=1)
    assert reported(tmp_path) == {"n": 1}


def test_the_description_of_the_job_is_read(out):
    (out / "stoa-job.json").write_text('{"params": {"snr": 5.0}}')
    assert job()["params"]["snr"] == 5.0


def test_the_file_names_are_those_of_the_project():
    assert report_module._JOB_FILE == project.JOB_FILE
    assert report_module._RESULT_FILE == project.RESULT_FILE


def test_the_import_needs_the_standard_library_only():
    code = (
        "import sys, stoa.exec.job.report\n"
        "print([m for m in ('msgspec', 'numpy', 'astropy', 'yaml') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_processes_of_one_job_that_report_at_once_lose_nothing(out):
    code = (
        "import sys; from stoa.exec.job.report import report; [report(**{f'r{sys.argv[1]}_{n}': n}) for n in range(20)]"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(n)]) for n in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert len(reported(out)) == 60


def test_a_job_reports_through_the_engine(run, monkeypatch):
    repository = str(Path(project.__file__).parents[1])
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": repository}
    code = "from stoa import job, report; report(n=job()['schema'], rms=float('nan'))"
    declared = {"n": ResultSpec(type="int"), "rms": ResultSpec(type="float")}
    outcome = run(argv=(sys.executable, "-c", code), environ=environ, results=declared)
    assert outcome.results == {"n": 1, "rms": None}


BY_HAND = (
    "from stoa import job; params = job()['params']; print(params['snr'], params.get('n', 2), job()['inputs']['image'])"
)


def by_hand(place: Path, code: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in a project by hand, with the module that jobs get where STOA is not installed."""
    (place / "try.py").write_text(code, encoding="utf-8")
    given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(place_module(place / "python")), **environ}
    return subprocess.run(
        [sys.executable, "-S", "try.py"], cwd=place, env=given, capture_output=True, text=True, check=False
    )


def test_the_single_file_gives_what_a_script_imports(tmp_path):
    done = by_hand(tmp_path, "from stoa import report; report(n=3)", {"STOA_OUT": str(tmp_path)})
    assert (done.returncode, reported(tmp_path)) == (0, {"n": 3}), done.stderr


def test_a_script_that_is_tried_by_hand_takes_values_from_variables(tmp_path):
    done = by_hand(tmp_path, BY_HAND, {"STOA_PARAM_SNR": "4", "STOA_INPUT_IMAGE": "a.fits"})
    assert done.stdout == "4 2 a.fits\n", done.stderr


def test_a_value_that_is_missing_by_hand_is_named(tmp_path):
    done = by_hand(tmp_path, BY_HAND, {})
    assert "parameter 'snr' has no value: set STOA_PARAM_SNR, or use `stoa run`" in done.stderr


def test_an_installed_stoa_takes_the_place_of_the_single_file(tmp_path):
    code = "import stoa; print(stoa.__version__)"
    environ = os.environ | {
        "PYTHONPATH": f"{place_module(tmp_path / 'p')}{os.pathsep}{Path(project.__file__).parents[1]}"
    }
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == f"{__version__}\n"


@pytest.mark.parametrize("version", [(3, 8), (3, 9)])
def test_the_module_is_python_that_casa_reads(version):
    ast.parse(Path(report_module.__file__).read_text(encoding="utf-8"), feature_version=version)
