"""All three finders over images of every kind, by STOA in one project: each source as it was made, and by all alike."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from finder_truth import FINDERS, program
from image_kinds import KINDS
from survey import Survey
from terminal import Terminal

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("finders"),
    pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning"),
]
PACKAGES = {"sextractor": "Debian package source-extractor", "aegean": "PyPI package AegeanTools"}
ROLES = "schema: 1\nrules:\n- {name: final, role: correctedImage, stem: '\\.final$'}\ngroup_ends: [final]\n"
SEARCHED = [name for name, kind in KINDS.items() if not kind.cause]


def folder_of(kind: str) -> str:
    """A folder's name for a kind."""
    return f"k{list(KINDS).index(kind):02}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, require_service: Callable[..., None]) -> dict[str, Any]:
    """Rows, or the cause, by finder and kind; a run for each finder."""
    from stoa.cli.main import app

    for name, package in PACKAGES.items():
        require_service(name, program(name), package)
    top, data = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("images")
    cli = Terminal(app)
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    rules = []
    for name, kind in KINDS.items():
        (data / folder_of(name)).mkdir()
        kind.write(data / folder_of(name))
        if kind.parameters:
            values = {one: json.loads(v) if v[0].isdigit() else v for one, v in kind.parameters.items()}
            rules.append({"where": f"name = '{folder_of(name)}'", "values": values})
    cli.ok("init", cwd=top)
    (top / ".stoa" / "roles.yaml").write_text(ROLES, encoding="utf-8")
    cli.ok("root", "add", "kinds", data, cwd=top)
    cli.ok("target", "add", "kinds", "k*", cwd=top)
    cli.ok("meta", "build", cwd=top)
    return {finder: _run(finder, top, rules, cli) for finder in FINDERS}


def _run(finder: str, top: Path, rules: list[dict[str, Any]], cli: Terminal) -> dict[str, Any]:
    cli.ok("process", "add", finder, cwd=top)
    environment = []
    if finder != "sep":
        cli.ok("env", "add", finder, "--environ", f"{finder.upper()}={program(finder)}", cwd=top)
        environment = ["--env", finder]
    parameters = top / ".stoa" / "params" / finder / "default.yaml"
    parameters.parent.mkdir(parents=True, exist_ok=True)
    parameters.write_text(json.dumps({"schema": 1, "process": finder, "values": {}, "rules": rules}), encoding="utf-8")
    run = cli.json("run", finder, "-j", "2", *environment, cwd=top)["run"]
    found: dict[str, Any] = {}
    causes = {one["target"]: one.get("cause", "") for one in Survey(top, cli).outcomes(run).values()}
    for name in KINDS:
        table = next((top / "products" / finder / run).glob(f"{folder_of(name)}/*/sources.fits"), None)
        found[name] = np.array(fits.getdata(table, 1)) if table else causes[folder_of(name)]
    return found


@pytest.mark.parametrize("name", SEARCHED)
def test_every_finder_gives_the_source_as_it_was_made(runs: dict[str, Any], name: str) -> None:
    for finder, tables in runs.items():
        assert not isinstance(tables[name], str), f"{finder}: {tables[name]}"
        KINDS[name].check(tables[name])


@pytest.mark.parametrize("name", SEARCHED)
def test_the_finders_agree_within_their_errors(runs: dict[str, Any], name: str) -> None:
    """They see the same noise: what they make of one source differs by less than what the noise does to it."""
    for one, other in combinations(FINDERS, 2):
        (first,), (second,) = runs[one][name], runs[other][name]
        for column, error, scale in (
            ("peak_flux", "e_peak_flux", 1.0), ("flux", "e_flux", 1.0), ("dec_deg", "e_dec_arcsec", 3600.0),
            ("ra_deg", "e_ra_arcsec", 3600.0 * np.cos(np.radians(first["dec_deg"]))),
        ):  # fmt: skip
            apart = scale * abs(first[column] - second[column])
            assert apart < min(first[error], second[error]), f"{one} and {other}: {column}"
            assert 0.7 < first[error] / second[error] < 1.4, f"{one} and {other}: {error}"


@pytest.mark.parametrize("name", sorted(set(KINDS) - set(SEARCHED)))
def test_every_finder_tells_the_true_cause(runs: dict[str, Any], name: str) -> None:
    causes = {tables[name] for tables in runs.values()}
    assert len(causes) == 1
    assert KINDS[name].cause in causes.pop()
