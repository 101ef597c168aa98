"""Names of targets: the same in any order of adding, by a pattern, and folders that are links."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import permutations

import pytest


@pytest.fixture
def made(survey):
    """Makes folders below the root `data` (without its own) and gives the project."""

    def make(*paths: str):
        for path in paths:
            (survey.top / "data" / path).mkdir(parents=True)
        return survey

    return make


def names(survey) -> dict[str, str]:
    return {row["path"]: row["name"] for row in survey.json("target", "list")}


@pytest.mark.parametrize("order", list(permutations(["2019/m31", "2020/m31", "2020/m33"])))
def test_names_do_not_depend_on_the_order_of_adding(made, order):
    survey = made(*order)
    for path in order:
        survey.ok("target", "add", "data", path)
    found = names(survey)
    assert [found[path] for path in sorted(order)] == ["2019_m31", "2020_m31", "m33"]


def test_names_are_made_by_a_pattern(made):
    survey = made("2019/m31/night 1", "2020/m31/night 1")
    survey.ok("target", "add", "data", "*/*/*", "--name", "{-2}-{1}")
    assert names(survey)["2020/m31/night 1"] == "m31-2020"


@pytest.mark.parametrize(
    ("pattern", "word"), [("{-2}", "to more than one target"), ("{7}", "has 3 parts"), ("{x}", "has {x}, and")]
)
def test_a_pattern_that_gives_no_name_for_each_is_refused(made, pattern, word):
    survey = made("2019/m31/n1", "2020/m31/n1")
    before = survey.head()
    assert word in survey.error("target", "add", "data", "*/*/*", "--name", pattern)[0]
    assert survey.head() == before


def test_folders_that_are_links_are_found(made, tmp_path):
    survey = made("2016.1.1.S/product")
    (tmp_path / "disk2/member/product").mkdir(parents=True)
    (survey.top / "data/2017.1.9.S").symlink_to(tmp_path / "disk2")
    survey.ok("target", "add", "data", "**/product")
    assert {"2016.1.1.S/product", "2017.1.9.S/member/product"} <= names(survey).keys()


def test_a_folder_that_is_reached_twice_is_one_target(made):
    survey = made("x1/product")
    (survey.top / "data/latest").symlink_to("x1")
    told = survey("target", "add", "data", "*/product").stderr
    assert "left out latest/product: it is the same folder as x1/product, through a link" in told.splitlines()
    assert "latest/product" not in names(survey)
    assert "left out latest/product" in survey("target", "add", "data", "latest/product").stderr


def test_a_folder_that_another_root_has_is_no_second_target(made):
    survey = made("x1/product", "x2/product")
    survey.ok("target", "add", "data", "x1/product")
    before = names(survey)
    survey.ok("root", "add", "again", "data")
    survey.ok("root", "add", "above", ".")
    survey.ok("root", "add", "below", "data/x1")
    for root, path in (("again", "x1/*"), ("above", "data/x1/product"), ("below", "product")):
        result = survey("target", "add", root, path)
        assert result.stdout.startswith("added 0 targets")
        assert ":x1/product)" in result.stderr
        assert result.stderr.startswith(f"left out what another root has as targets: {root}:")
    assert names(survey) == before
    assert not (survey.top / ".stoa/patterns/again.yaml").exists()
    assert survey("target", "add", "again", "*/product").stdout.startswith("added 1 target")
    survey.ok("target", "remove", before["x1/product"])
    survey.ok("target", "add", "again", "x1/product")
    assert "x1/product" in names(survey)


def test_a_link_that_leads_back_ends_the_search(made):
    survey = made("x1/product")
    (survey.top / "data/x1/up").symlink_to("..")
    survey.ok("target", "add", "data", "**/product")
    assert [path for path in names(survey) if "product" in path] == ["x1/product"]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_names_are_the_same_in_every_locale(made, locale):
    survey = made("Véron σ")
    environ = os.environ | {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "stoa", "target", "add", "data", "V*"]
    subprocess.run(command, cwd=survey.top, env=environ, check=True, capture_output=True)
    text = survey.committed(".stoa/targets/data.yaml")
    assert ("Veron_sigma" in text, "Véron σ" in text) == (True, True)
