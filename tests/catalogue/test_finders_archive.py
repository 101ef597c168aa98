"""All three finders over the example archive, against its truth table and against the same work done by STOA."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from finder_truth import (
    FINDERS,
    REPOSITORY,
    Image,
    images,
    judge,
    middle,
    offsets,
    program,
    read,
    scatter,
    search_all,
    shipped,
)

from stoa.catalogue.match import match
from stoa.catalogue.tables import read_table

QUASARS = REPOSITORY / "examples" / "quasars.csv"

PROGRAMS = {
    "sextractor": "Debian package source-extractor",
    "aegean": "PyPI package AegeanTools on PATH or in .venv-aegean, where `make test` puts it",
}
PLANTED = Counter(
    {
        "ImageError: no beam: the header has no BMAJ and there is no BEAMS table (parameter beam_arcsec gives one)": 1,
        "ImageError: the file is cut off or damaged": 1,
        "ImageError: all pixels are NaN": 1,
    }
)
pytestmark = [
    pytest.mark.filterwarnings("ignore:File may have been truncated"),
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("finders"),
]


@pytest.fixture(scope="module", params=FINDERS)
def finder(request: pytest.FixtureRequest, require_service: Callable[..., None]) -> str:
    if request.param in PROGRAMS:
        require_service(request.param, program(request.param), PROGRAMS[request.param])
    return str(request.param)


@pytest.fixture(scope="module")
def found(finder: str) -> list[Image]:
    """What the finder makes of every image, in a plain loop."""
    return search_all(finder)


def test_three_images_fail_each_for_what_was_planted(found: list[Image]) -> None:
    assert Counter(image.cause for image in found if image.cause) == PLANTED


def test_everything_of_signal_to_noise_seven_is_found_and_nothing_else(found: list[Image]) -> None:
    verdict = judge(found)
    assert verdict.wanted == 62
    assert verdict.found == 62
    assert verdict.sources >= 60
    assert verdict.false == 0


@pytest.mark.parametrize("name", ["peak_flux", "flux"])
def test_fluxes_are_unbiased(found: list[Image], name: str) -> None:
    ratios = np.array(judge(found).ratios[name])
    assert abs(middle(ratios) - 1) < 0.02
    assert scatter(ratios) < 0.06


@pytest.mark.parametrize("name", ["peak_flux", "flux", "ra", "dec"])
def test_residuals_are_as_large_as_their_errors(found: list[Image], name: str) -> None:
    """The standard deviation of 28 or 29 residuals is known to 13 per cent; that of a median deviation were 22."""
    verdict = judge(found)
    pulls, snr = np.array(verdict.pulls[name]), np.array(verdict.snr)
    for part in (pulls[snr < 30], pulls[(snr >= 30) & (snr < 300)]):
        assert len(part) > 25
        assert 0.5 < part.std() < 1.5
        assert np.abs(part).max() < 4


@pytest.mark.parametrize("name", ["peak_flux", "flux"])
def test_calibrators_are_right_to_what_the_cleaning_left(found: list[Image], name: str) -> None:
    """Five of a signal to noise of 777 to 3779: the errors are below 0.1 per cent, what CLEAN left is above it."""
    verdict = judge(found)
    bright = np.array(verdict.ratios[name])[np.array(verdict.snr) > 300]
    assert len(bright) == 5
    assert np.abs(bright - 1).max() < 0.005


def test_matches_with_quasars_are_exactly_the_true_ones(found: list[Image], examples: Path) -> None:
    """Every source within 5 arcsec of a quasar is a true one that the truth table says so of, and none is missing."""
    quasars = read_table(examples / "quasars.csv")
    truth = read("truth")
    for image in found:
        if image.cause or image.row["kind"] == "cube" or not len(image.sources):
            continue
        table = Table({name: image.sources[name] for name in ("ra_deg", "dec_deg", "snr")})
        matched = match(table, quasars, 5.0).table
        mine = [one for one in truth if all(one[key] == image.row[key] for key in ("folder", "target", "intent"))]
        near = [one for one in mine if one["within_5arcsec"] == "True"]
        for row in matched:
            apart = [np.hypot(*offsets(row, one)) for one in near if one["nearest_quasar"] == row["cat_name"]]
            assert min(apart, default=99.0) < image.beam_arcsec, image.row["file"]
        for one in near:
            if float(one["snr"]) >= 7:
                assert any(np.hypot(*offsets(row, one)) < image.beam_arcsec for row in matched), image.row["file"]


def test_where_the_gain_comes_from_is_recorded(found: list[Image]) -> None:
    with_beam = {id(files) for files in images() if "primaryBeam" in files}
    for files, image in zip(images(), found, strict=True):
        if not image.cause:
            assert image.results["gain_is_model"] is ("primaryBeam" not in files)
            assert all(bool(flags & 4) is image.results["gain_is_model"] for flags in image.sources["flags"])
    assert with_beam


def test_stoa_finds_what_the_plain_loop_finds(
    finder: str, found: list[Image], example_archive: Path, tmp_path: Path, cli
) -> None:
    """The same images, the same failures for the same reasons, the same number of sources in each."""
    top = tmp_path / "quasars"
    top.mkdir()
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    for words in (
        ("init",),
        ("root", "add", "alma", str(example_archive)),
        ("target", "add", "alma", "**/product"),
        ("meta", "build"),
        ("process", "add", finder),
    ):
        cli.ok(*words, cwd=top)
    setting = _environment(finder, top, cli)
    said = cli.json("run", finder, "-j", "2", *setting, cwd=top)
    assert said["counts"] == {"ok": 36, "failed": 2, "blocked": 3}
    assert Counter(image.cause for image in found if image.cause) == PLANTED
    by_file = {image.row["file"]: image for image in found}
    with_products = 0
    for path in (top / "products").rglob("stoa-job.json"):
        image = by_file[Path(_job(path)["inputs"]["image"]).name]
        if (path.parent / "sources.fits").is_file() and not image.cause:
            with_products += 1
            mine = np.array(fits.getdata(path.parent / "sources.fits", 1))
            assert len(mine) == len(image.sources), image.row["file"]
            assert np.allclose(mine["flux"], image.sources["flux"], rtol=1e-6)
    assert with_products == 36
    limits = cli.json("catalogue", "limits", finder, str(QUASARS), cwd=top)
    table = read_table(top / limits["files"][0])
    assert limits["images"] == 36
    assert len(table) == limits["limits"] > 0
    assert (table["flux_limit"] >= 5 * table["rms"] * (1 - 1e-6)).all()  # never below what the search would take
    assert ((table["gain"] >= 0.299) & (table["gain"] <= 1)).all()
    assert limits["above"] == 1  # within the radius is the wing of a bright source, in an image of unit JY/BEAM
    assert not table["gain_is_model"].any()  # of all with an object, only that one has no file of its primary beam


def _environment(finder: str, top: Path, cli) -> tuple[str, ...]:
    """The option for an environment that says where the finder's program is."""
    if finder == "sep":
        return ()
    cli.ok("env", "add", "tools", "--environ", f"{finder.upper()}={program(finder)}", cwd=top)
    return "--env", "tools"


def test_products_and_outcomes_of_warm_and_cold_jobs_are_the_same(
    finder: str, example_archive: Path, tmp_path: Path, cli
) -> None:
    """Byte for byte; outcomes but for the name of the run, times and memory."""
    top = tmp_path / "quasars"
    top.mkdir()
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    for words in (
        ("init",),
        ("root", "add", "alma", str(example_archive)),
        ("target", "add", "alma", "**/product"),
        ("meta", "build"),
        ("process", "add", finder),
    ):
        cli.ok(*words, cwd=top)
    setting = _environment(finder, top, cli)
    definition = top / ".stoa" / "processes" / f"{finder}.yaml"
    found = []
    for warm in ("true", "false"):
        text = definition.read_text().replace("warm: true ", f"warm: {warm} ")
        assert f"warm: {warm} " in text
        definition.write_text(text)
        run = cli.json("run", finder, "-j", "2", "--force", *setting, cwd=top)["run"]
        folder = top / "products" / finder / run
        files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
        own = ("stoa-job.json", "stoa-log.txt") if finder == "aegean" else ("stoa-job.json",)  # Aegean logs its times
        products = {name: file.read_bytes() for name, file in files.items() if not name.endswith(own)}
        records = [file.read_text() for file in sorted((top / ".stoa" / "runs" / run).glob("outcomes-*.yaml"))]
        lines = "".join(records).replace(run, "RUN").splitlines()
        found.append((products, sorted(_comparable(line, finder) for line in lines)))
    assert found[0] == found[1]
    assert len(found[0][0]) > 70


def _comparable(line: str, finder: str) -> str:
    """An outcome without times and memory; Aegean's log has times and temporary folders of its own."""
    import json

    outcome = json.loads(line.removeprefix("- "))
    differ = ("start", "duration_s", "cpu_s", "memory_mb", *(("log",) if finder == "aegean" else ()))
    return json.dumps({name: value for name, value in outcome.items() if name not in differ})


def _job(path: Path) -> dict[str, Any]:
    import json

    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_missing_program_is_named_with_its_package(name: str, image, tmp_path: Path) -> None:
    with shipped(f"find_{name}") as script:
        options = ["--image", str(image([(48, 48, 0.1)])), "--program", "no-such-program", "--out", str(tmp_path / "s")]
        with pytest.raises(script.finding.ProgramError, match="'no-such-program' is not a program here") as raised:
            script.search(script.arguments(options))
    message = f"ProgramError: {raised.value}"
    assert {"sextractor": "Debian package source-extractor", "aegean": "pip install AegeanTools"}[name] in message
    assert len(message) < 200  # what a record keeps of a cause


def test_a_program_that_fails_is_quoted(image, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho '\033[31mno memory\033[0m' >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    with shipped("find_sextractor") as script:
        options = ["--image", str(image([(48, 48, 0.1)])), "--program", str(broken), "--out", str(tmp_path / "s")]
        with pytest.raises(script.finding.ProgramError, match="broken ended with exit status 3, saying: no memory"):
            script.search(script.arguments(options))


def test_aegean_with_the_noise_of_bane(image, tmp_path: Path, require_service: Callable[..., None]) -> None:
    require_service("aegean", program("aegean"), PROGRAMS["aegean"])
    with shipped("find_aegean") as script:
        path = image([(48, 48, 0.1), (20, 70, 0.05)], shape=(1, 1, 128, 128))
        options = ["--image", str(path), "--program", program("aegean"), "--out", str(tmp_path / "s.fits")]
        results = script.search(script.arguments([*options, "--background", "bane"]))
    rows = fits.getdata(tmp_path / "s.fits", 1)
    assert results["n_sources"] == 2
    assert rows["peak_flux"] * rows["gain"] == pytest.approx([0.1, 0.05], rel=0.05)
    assert len(set(rows["rms"] * rows["gain"])) == 2  # a map, not one number
    assert rows["rms"] * rows["gain"] == pytest.approx(1e-3, rel=0.3)


@pytest.mark.parametrize("folder", ["a[1]", "with, comma", "with blank", "100%"])
def test_source_extractor_works_below_any_folder(image, require_service, tmp_path: Path, folder: str) -> None:
    require_service("sextractor", program("sextractor"), PROGRAMS["sextractor"])
    place = tmp_path / folder
    place.mkdir()
    path = image([(48, 48, 0.1)]).rename(place / "J0000[1],x.image.fits")
    with shipped("find_sextractor") as script:
        results = script.search(script.arguments(["--image", str(path), "--out", str(place / "sources.fits")]))
    assert results["n_sources"] == 1
