"""A mixed archive, images here and visibilities there: one `stoa run --all` gives the standard set and searches it.

The counts are those that ``docs/casa.md`` states.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import real_casa
from real_casa import PYTHON
from survey import Survey
from terminal import Terminal

from stoa.cli.main import app

REPOSITORY = Path(__file__).resolve().parents[2]
EMPTY, ONLY_A_README, CUT_OFF = "A001_X1dcc_X847", "A001_X391d_Xf0e", "A001_X1917_X451"
WITHOUT_BEAM, BLANK = "A001_X2a1e_X790", "A001_Xc6e_Xca1"

pytestmark = real_casa.MARKS


@pytest.fixture(scope="module")
def mixed(visibilities, tmp_path_factory) -> Survey:
    """The example archive, where two folders without a sound image have visibilities; searched as it is, then all."""
    top = tmp_path_factory.mktemp("mixed") / "project"
    Terminal(app).ok("demo", top, "--data-only")
    for name in (EMPTY, CUT_OFF):
        (product,) = (top / "archive").glob(f"**/member.uid___{name}/product")
        shutil.copytree(visibilities, product / "calibrated" / visibilities.name)
    survey = Survey(top, Terminal(app))
    survey.git("init", "--quiet")
    survey.ok("init")
    survey.ok("root", "add", "alma", "archive")
    survey.ok("target", "add", "alma", "**/product")
    survey.ok("meta", "build")
    survey.ok("process", "add", "sep")
    survey("run", "sep")
    survey.ok("env", "add", "casa", "--casa", "--python", PYTHON)
    for name in ("standardise", "tclean"):
        survey.ok("process", "add", name)
    survey.ok(
        "params", "new", "default", "--process", "tclean", "--set", "field=double", "--set", "pixels=64",
        "--set", "niter=20",
    )  # fmt: skip
    with (top / ".stoa/processes/sep.yaml").open("a") as definition:
        definition.write("over_products_of: [standardise, tclean]\n")
    ran = survey("run", "--all", "-j", "2")
    assert ran.exit_code == 3, ran.output
    return survey


def outcomes(survey: Survey, number: int) -> dict[str, dict[str, Any]]:
    return survey.outcomes(survey.runs()[number])


def statuses(found: dict[str, dict[str, Any]]) -> Counter[str]:
    return Counter(one["status"] for one in found.values())


def modelled_beams(found: dict[str, dict[str, Any]]) -> int:
    """How many images a finder searched with a primary beam of its own."""
    return sum(one.get("results", {}).get("gain_is_model", False) for one in found.values())


def findings(survey: Survey, names: Iterable[str]) -> tuple[set[str], Counter[str]]:
    """Targets that `meta check` names with an error or a warning, and how often each problem is there."""
    rows = [
        (one["target"], problem["code"])
        for one in survey.json("meta", "check", *names)
        for problem in one["problems"]
        if problem["level"] != "info"
    ]
    return {target for target, _ in rows}, Counter(code for _, code in rows)


def stated(pattern: str) -> tuple[int, ...]:
    """Numbers of the page that stand in the place of the groups of a pattern."""
    page = " ".join((REPOSITORY / "docs" / "casa.md").read_text(encoding="utf-8").split())
    found = re.search(pattern, page)
    assert found, pattern
    return tuple(map(int, found.groups()))


def test_every_image_and_every_measurement_set_gets_the_set_where_it_can(mixed):
    images, vis = outcomes(mixed, 1), outcomes(mixed, 2)
    assert statuses(images) == {"ok": 37, "failed": 2, "skipped": 2}
    assert statuses(vis) == {"ok": 2, "skipped": 22}
    assert stated(r"`standardise` \| (\d+) ok, (\d+) failed, (\d+) skipped") == (37, 2, 2)
    assert stated(r"`tclean` \| (\d+) ok, (\d+) skipped") == (2, 22)
    assert {name for name, one in vis.items() if one["status"] == "ok"} == {EMPTY, CUT_OFF}
    causes = {one["target"]: one["cause"] for one in images.values() if one["status"] == "failed"}
    assert causes.keys() == {WITHOUT_BEAM, CUT_OFF}
    assert "was not taken: truncated" in causes[CUT_OFF]


def test_failures_of_the_finder_for_missing_products_are_gone(mixed):
    before, after = outcomes(mixed, 0), outcomes(mixed, 3)
    assert statuses(before) == {"ok": 36, "failed": 2, "blocked": 3}
    assert statuses(after) == {"ok": 38, "failed": 1}
    assert stated(r"`sep` before \| (\d+) ok, (\d+) failed, (\d+) blocked") == (36, 2, 3)
    assert stated(r"`sep` \| (\d+) ok, (\d+) failed \|") == (38, 1)
    (failed,) = (one for one in after.values() if one["status"] == "failed")
    assert failed["target"].startswith(BLANK)
    assert modelled_beams(after) == 0
    assert stated(r"took a Gaussian for the primary beam of (\d+) images") == (modelled_beams(before),)


def test_meta_check_says_what_was_mended(mixed):
    targets = mixed.json("target", "list")
    names, problems = findings(mixed, (one["name"] for one in targets if one["root"] == "alma"))
    made = [one["name"] for one in targets if one["root"] == "products"]
    sets, left = findings(mixed, made)
    assert stated(r"`stoa meta check` names (\d+) of the (\d+) folders") == (len(names), 24)
    assert stated(r"and (\d+) of the (\d+) sets") == (len(sets), len(made))
    assert problems.keys() - left.keys() == {
        "truncated", "no-fits", "tarball", "no-primary-beam", "no-beam",
    }  # fmt: skip
    assert left.keys() == {"beam-elsewhere", "blank", "no-object", "no-date-obs", "no-telescope"}


def test_the_status_names_the_targets_without_a_set_and_why(mixed):
    said = mixed.ok("status", "sep")
    page = (REPOSITORY / "docs/casa.md").read_text(encoding="utf-8")
    for line in (
        "  runs over the products of standardise (37 of 21 targets), tclean (2 of 2 targets)\n",
        f"  none of 1 target (standardise failed, tclean skipped): {WITHOUT_BEAM}\n",
        f"  none of 1 target (standardise skipped, tclean skipped): {ONLY_A_README}\n",
    ):
        assert line in said
        assert line in page


def test_again_nothing_is_left_to_do(mixed):
    assert mixed("run", "--all").exit_code == 0
    assert len(mixed.runs()) == 4
