"""The dashboard in a real browser; what was done is asked of git."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import browser
import numpy as np
import pytest
from astropy.io import fits
from survey import Survey, make_survey, wait_for
from terminal import Terminal

pytestmark = [pytest.mark.service, pytest.mark.slow]

HOSTILE = "<img src=x onerror=window.hacked=1> <script>window.hacked=1</script>"
PAGES = ("", "failures", "sky", "targets", "compare", "catalogue", "run", "runs")
WAITING = 'touch "$1/began"; while [ ! -e "$1/go" ]; do sleep 0.05; done'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """Three targets, two sets; `b` fails and says so in HTML, and someone comments in HTML."""
    from stoa.cli.main import app

    survey = make_survey(tmp_path_factory.mktemp("browser") / "survey", Terminal(app))
    for number, name in enumerate("abc"):
        header = fits.Header({"CTYPE1": "RA---SIN", "CRVAL1": 40.0 * number, "CRPIX1": 8.0, "CDELT1": -1e-4})
        header.update({"CTYPE2": "DEC--SIN", "CRVAL2": 10.0 * number, "CRPIX2": 8.0, "CDELT2": 1e-4})
        fits.writeto(survey.top / "data" / name / "image.fits", np.ones((16, 16), dtype=np.float32), header)
    survey.ok("meta", "build")
    survey.does("b", f"echo 'Error: {HOSTILE}' >&2; exit 1")
    survey("run", "measure")
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=7")
    survey("run", "measure@deep")
    survey.ok("comment", "a", "-m", HOSTILE)
    return survey


@pytest.fixture(scope="module")
def address(project: Survey, chrome) -> Iterator[str]:
    with browser.served(project.top) as found:
        yield found


@pytest.fixture
def guest(chrome) -> Iterator[Callable[[str], browser.Visitor]]:
    """Someone at another dashboard."""
    context = chrome.new_context(viewport={"width": 1280, "height": 1400})
    yield lambda address: browser.Visitor(context.new_page(), address)
    context.close()


@pytest.fixture
def visitor(chrome, address) -> Iterator[browser.Visitor]:
    context = chrome.new_context(viewport={"width": 1280, "height": 1400})
    yield browser.Visitor(context.new_page(), address)
    context.close()


def flags(survey: Survey) -> set[tuple[str, str]]:
    return {(flag["target"], flag["reason"]) for flag in survey.json("reviews", "--flags")}


def test_every_page_is_drawn_and_asks_nothing_of_the_outside(visitor):
    for name in PAGES:
        visitor.open(name)
        visitor.page.get_by_role("heading").first.wait_for()
        assert visitor.faults() == 0, name
    assert visitor.outside == []


def test_html_of_scripts_and_people_is_shown_as_text(visitor):
    for name in ("", "failures", "targets?target=a", "targets?target=b", "runs?run=last", "compare"):
        visitor.open(name)
        assert visitor.page.locator("img[src=x]").count() == 0
        assert visitor.page.evaluate("window.hacked") is None
    visitor.open("targets?target=b").see("<img src=x onerror=window.hacked=1>")


def test_a_failure_is_flagged_and_taken_back(visitor, project):
    before = project.head()
    visitor.open("failures?pair=measure%40deep").select(1, 0).see("1 target selected")
    visitor.click("Flag …").see("Flag 1 target, as one commit:")
    assert project.head() == before
    visitor.confirm("Flag").see("flagged b")
    assert len(project.subjects(before)) == 1
    assert {target for target, _ in flags(project)} == {"b"}
    visitor.click("Take back").see(re.compile("taken back: flagged b"))
    assert flags(project) == set()
    assert len(project.subjects(before)) == 2


def test_all_of_a_cause_are_commented_on_in_one_commit(visitor, project):
    before = project.head()
    visitor.open("failures?pair=measure%40deep").select(0, 0).see("the buttons are about all 1 that match")
    visitor.click("Comment …")
    visitor.page.get_by_role("dialog").get_by_label("Comment").first.fill("the beam is missing")
    visitor.confirm("Comment").see("commented on b")
    assert project.subjects(before) == ["comment b: the beam is missing"]


def test_rows_that_others_change_under_a_selection_are_not_acted_on(visitor, project):
    visitor.open("failures?pair=measure%40default").select(1, 0).see("1 target selected")
    project.does("a", "exit 1")
    project("run", "measure", "--force")  # `a` comes before `b` now
    visitor.wait_until_disabled("Flag …").see("0 targets selected")
    (project.top / "data/a/job.sh").unlink()
    project("rerun", "measure@default", "--failed")


def test_filters_are_in_the_address_and_come_back_with_it(visitor):
    visitor.open("failures?status=timeout").see("No outcome that passes these filters has failed.")
    visitor.open("failures?has=nothing").see("No outcome that passes these filters has failed.")
    field = visitor.page.get_by_label("Target, object or cause contains")
    field.fill("b")
    field.press("Enter")
    visitor.ready().see("All of them")
    asked = parse_qs(urlparse(visitor.page.url).query)
    assert asked["has"] == ["b"]
    visitor.page.reload()
    visitor.ready().see("All of them")
    kept = visitor.page.locator("input[aria-label='Target, object or cause contains'][value=b]")
    kept.wait_for(timeout=browser.PATIENCE_MS)  # the value comes to the field after the page
    assert parse_qs(urlparse(visitor.page.url).query)["has"] == ["b"]


def test_a_run_is_planned_started_watched_and_stopped(visitor, project):
    project.does("c", WAITING)
    before = project.head()
    visitor.open("run?process=measure&targets=c&force=true&jobs=1").click("Show the plan").see("1 of 1 job would run")
    assert project.head() == before
    visitor.click("Start: 1 targets").see(re.compile("running +measure@default"))
    wait_for((project.top / "data/c/began").exists, "the job to begin", 60)
    visitor.page.get_by_role("button", name="Stop at once").first.click()
    visitor.see("was told to stop at once")
    wait_for(lambda: project.head() != before, "the run to be committed", 60)
    (project.top / "data/c/go").touch()
    assert project.statuses() == {"c": "interrupted"}


def test_a_run_outlives_the_dashboard(guest, project):
    for name in ("began", "go"):
        (project.top / "data/c" / name).unlink(missing_ok=True)
    before = project.head()
    with browser.served(project.top) as address:
        page = guest(address)
        page.open("run?process=measure&targets=c&force=true").click("Show the plan").click("Start: 1 targets")
        wait_for((project.top / "data/c/began").exists, "the job to begin", 60)
    (project.top / "data/c/go").touch()
    wait_for(lambda: project.head() != before, "the run to be committed", 60)
    assert project.statuses() == {"c": "ok"}


def test_who_may_only_read_finds_no_button_that_acts(guest, project):
    with browser.served(project.top, "--read-only") as address:
        page = guest(address)
        page.open("failures?pair=measure%40deep").select(1, 0).see("1 target selected")
        assert not page.enabled("Flag …")
        assert not page.enabled("Sync")


def test_a_rectangle_on_the_map_selects_targets_by_name(visitor):
    visitor.open("sky?pair=measure%40deep").see("3 outcomes in all")
    canvas = visitor.page.locator("[data-testid=stEchartsChart] canvas, [data-testid*=Chart] canvas").first
    canvas.wait_for()
    visitor.page.wait_for_timeout(1000)  # the buttons of the map are drawn in the canvas: nothing says when
    place = canvas.bounding_box()
    visitor.page.mouse.click(place["x"] + place["width"] - 52, place["y"] + 22)
    visitor.page.mouse.move(place["x"] + 0.2 * place["width"], place["y"] + 0.2 * place["height"])
    visitor.page.mouse.down()
    visitor.page.mouse.move(place["x"] + 0.8 * place["width"], place["y"] + 0.8 * place["height"], steps=10)
    visitor.page.mouse.up()
    visitor.see("3 outcomes inside the region").see("3 targets selected")
    visitor.click("Flag …").see("Flag 3 targets, as one commit:")


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_pages_are_as_dark_as_the_reader_wants(chrome, address, scheme, is_dark):
    context = chrome.new_context(color_scheme=scheme)
    page = browser.Visitor(context.new_page(), address).open("runs").see("Over time").page
    colour = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    context.close()
    assert (sum(map(int, re.findall(r"\d+", colour)[:3])) < 3 * 128) == is_dark


def test_a_table_is_saved_as_a_file(visitor, tmp_path):
    visitor.open("failures?pair=measure%40deep").click("Export", exact=False)
    with visitor.page.expect_download() as coming:
        visitor.page.get_by_role("button", name="CSV", exact=True).click()
    shutil.copy(coming.value.path(), tmp_path / "table.csv")
    lines = Path(tmp_path, "table.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("target,group,pair")
    assert [line.split(",")[0] for line in lines[1:]] == ["b"]
