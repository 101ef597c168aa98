"""Ten thousand outcomes of each of two parameter sets in a real browser: every page opens, and the actions act."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from survey import Survey
from terminal import Terminal

pytestmark = [pytest.mark.service, pytest.mark.slow]

MANY = 10_000

MAKE = """\
import sys
from contextlib import closing
from pathlib import Path
import synthetic
top, many = Path(sys.argv[1]), int(sys.argv[2])
with closing(synthetic.make_project(top / "project", many, top / "data")) as workspace:
    for number in (0, 1):
        workspace.store.commit(dict(synthetic.one_run(number, many, many)), "a run", author=synthetic.AUTHOR)
    synthetic.add_documents(workspace, many)
"""

PAGES = {
    "": "Newest failures",
    "failures": "4 causes",
    "review": f"1 of {MANY}",
    "wall": "Sort by",
    "sky": f"{MANY} outcomes on the map",
    "targets": f"{MANY} of {MANY} targets",
    "compare": "Beyond the tolerance",
    "catalogue": "Process and set",
    "run": "Show the plan",
    "runs": "Over time",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    from stoa.cli.main import app

    top = tmp_path_factory.mktemp("many")
    where = Path(__file__).resolve().parents[2] / "benchmarks"
    subprocess.run([sys.executable, "-c", MAKE, top, str(MANY)], cwd=where, check=True, capture_output=True)
    survey = Survey(top / "project", Terminal(app))
    survey.ok("process", "add", "sep")
    return survey


@pytest.fixture(scope="module")
def visitor(project: Survey, chrome) -> Iterator[browser.Visitor]:
    with browser.served(project.top) as address:
        context = chrome.new_context(viewport={"width": 1280, "height": 1400})
        yield browser.Visitor(context.new_page(), address)
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_drawn(visitor, path):
    visitor.open(path).see(PAGES[path]).ready()
    assert visitor.faults() == 0
    assert visitor.outside == []


def test_a_filter_a_verdict_and_all_that_match(visitor, project):
    before = project.head()
    visitor.open("review?pair=sep%40deep&has=A001_X10ff").see("1 of 1").ready()
    visitor.press("1", "flagged A001_X10ff")
    assert len(project.subjects(before)) == 1
    visitor.open("review?pair=sep%40deep&has=A001_X11").see(re.compile(r"1 of 256$")).ready()
    visitor.page.get_by_text("All 256 that match").first.click()
    visitor.click("Flag …").see("Flag 256 targets, as one commit:").confirm("Flag").see("flagged 256 targets")
    assert len(project.subjects(before)) == 2
    assert len(project.json("reviews", "--flags")) == 257
    visitor.click("Take back").see("taken back: flagged 256 targets")
    assert len(project.json("reviews", "--flags")) == 1


def test_all_of_a_cause_are_flagged_in_one_commit(visitor, project):
    before = project.head()
    visitor.open("failures?pair=sep%40deep").see("4 causes").select(0, 0).see("the buttons are about all")
    said = visitor.page.get_by_text("the buttons are about all").first.inner_text()
    (number,) = re.findall(r"\d+", said)
    assert int(number) > 900
    visitor.click("Flag …").see(f"Flag {number} targets, as one commit:").confirm("Flag")
    visitor.see(f"flagged {number} targets")
    assert len(project.subjects(before)) == 1
