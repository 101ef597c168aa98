"""Every page of the dashboard over the project of `stoa demo`, and every action; what was done is asked of git."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qs, urlparse

import browser
import pytest
from survey import Survey, wait_for

from stoa.ui import libraries

pytestmark = [pytest.mark.service, pytest.mark.slow]

PAGES = {
    "": "Newest failures",
    "failures": "Run again",
    "review?pair=sep%40deep": "1 of 41",
    "wall?pair=sep%40deep": "Sort by",
    "sky?pair=sep%40deep&catalogue=quasars.csv&sources=true": "39 outcomes on the map",
    "targets?target=A001_X2ca9_Xf03": "What is missing",
    "compare?a=sep%40default&b=sep%40deep&sky=true": "Sources that were gained",
    "catalogue?pair=sep%40deep&plot=signal+to+noise": "Match with a catalogue",
    "run?process=sep&set=deep": "Show the plan",
    "runs?run=last": "Frozen definitions",
}
"""Address of a page -> a text that it has when it is drawn."""

FLAGGED = "A001_X2ca9_Xf03"


@pytest.fixture(scope="module")
def project(demonstration: Survey, require_service) -> Survey:
    require_service("the image viewer", libraries.has_viewer(), "this build was made without a network")
    return demonstration


@pytest.fixture(scope="module")
def address(project: Survey, chrome) -> Iterator[str]:
    with browser.served(project.top) as found:
        yield found


@pytest.fixture
def visitor(chrome, address) -> Iterator[browser.Visitor]:
    context = chrome.new_context(viewport={"width": 1280, "height": 1400})
    yield browser.Visitor(context.new_page(), address)
    context.close()


def flags(project: Survey) -> set[tuple[str, str]]:
    return {(flag["target"], flag["reason"]) for flag in project.json("reviews", "--flags")}


def asked(visitor: browser.Visitor) -> dict[str, list[str]]:
    return parse_qs(urlparse(visitor.page.url).query)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_drawn_whole_and_fits_the_screen(visitor, path):
    visitor.open(path).see(PAGES[path]).ready()
    assert visitor.faults() == 0
    assert visitor.outside == []
    wider = "document.documentElement.scrollWidth - innerWidth"
    assert visitor.page.evaluate(wider) <= 0


def test_a_pair_of_the_overview_leads_to_its_failures(visitor):
    visitor.open().select(0, 1).click("Failures →")
    visitor.see("5 outcomes of 5 targets, 5 causes")
    assert asked(visitor)["pair"] == ["sep@default"]


def test_a_way_from_page_to_page_is_in_the_address(visitor):
    visitor.open("failures?pair=sep%40default").select(1, 1).see("1 target selected").click("Review →").see("1 of 1")
    assert asked(visitor) == {"pair": ["sep@default"], "has": ["A001_X1dcc_X847"]}
    visitor.page.reload()
    visitor.ready().see("A001_X1dcc_X847").see("1 of 1")


def test_a_newest_failure_is_commented_on(visitor, project):
    before = project.head()
    visitor.open().select(1, 0).see("1 target selected").click("Comment …")
    visitor.page.get_by_role("dialog").get_by_label("Comment").first.fill("blank: ask the observatory")
    visitor.confirm("Comment").see(re.compile("commented on A001_"))
    (subject,) = project.subjects(before)
    assert re.fullmatch(r"comment A001_\w+: blank: ask the observatory", subject)


def test_the_targets_of_two_causes_are_flagged_in_one_commit_and_cleared(visitor, project):
    before, flags_before = project.head(), flags(project)
    visitor.open("failures?pair=sep%40default").select(0, 3).ready().select(0, 4)
    visitor.see("the buttons are about all 2 that match").see("2 targets selected")
    visitor.click("Flag …").see("Flag 2 targets, as one commit:").confirm("Flag").see("flagged 2 targets")
    assert len(project.subjects(before)) == 1
    assert {name for name, _ in flags(project) - flags_before} == {"A001_Xc6e_Xca1", "A001_X2a1e_X790"}
    visitor.click("Clear flags …").confirm("Clear flags").see("cleared")
    assert flags(project) == flags_before
    visitor.click("Take back").see(re.compile("taken back"))
    assert len(flags(project)) == len(flags_before) + 2
    assert len(project.subjects(before)) == 3


def test_what_failed_is_run_again_from_its_page(visitor, project):
    before = project.runs()
    visitor.open("failures?pair=sep%40default").select(0, 3).see("--like").click("Start this").see(
        "started: stoa rerun"
    )
    wait_for(lambda: len(project.runs()) > len(before), "the run to be committed", 120)
    (new,) = set(project.runs()) - set(before)
    assert len(project.outcomes(new)) == 1


def test_a_verdict_goes_into_git_and_is_taken_back(visitor, project):
    flags_before = flags(project)
    visitor.open("review?pair=sep%40deep&has=A001_X125e").see("1 of 3").ready()
    visitor.press("2", "2 of 3").ready()
    assert flags(project) - flags_before == {("A001_X125e_Xbaa", "calibration")}
    visitor.page.keyboard.press("u")
    visitor.see("taken back: flagged A001_X125e_Xbaa").ready()
    assert flags(project) == flags_before


def test_a_job_is_commented_on_in_review(visitor, project):
    before = project.head()
    visitor.open("review?pair=sep%40deep&has=A001_X136a")
    visitor.page.get_by_placeholder("Comment on").first.fill("a double?")
    visitor.page.get_by_placeholder("Comment on").first.press("Enter")
    visitor.see("Judged by 1 person")
    assert project.subjects(before) == ["comment A001_X136a_X834: a double?"]


def test_the_next_unjudged_job_is_one_key_away(visitor, project):
    judged = {review["target"] for review in project.json("reviews")}
    visitor.open("review?pair=sep%40deep").see("1 of 41").ready()
    from playwright.sync_api import TimeoutError as Late  # not there where browser tests are skipped

    before = visitor.page.url
    for _ in range(6):  # a key that comes while the page is being drawn may be lost
        visitor.page.keyboard.press("n")
        with suppress(Late):
            visitor.page.wait_for_function(
                "(old) => location.href !== old", arg=before, timeout=browser.PATIENCE_MS / 6
            )
            break
    (at,) = asked(visitor)["at"]
    assert at.split(" ")[0] not in judged


def test_the_whole_queue_is_flagged_in_one_commit(visitor, project):
    before = project.head()
    visitor.open("review?pair=sep%40deep&has=A001_X1436")
    visitor.page.get_by_text("that match").first.click()
    visitor.click("Flag …").see("Flag 1 target, as one commit:").confirm("Flag").see("flagged A001_X1436_X350")
    assert len(project.subjects(before)) == 1
    visitor.click("Take back").see("taken back: flagged A001_X1436_X350")


def test_thumbnails_of_the_wall_are_drawn_and_judged(visitor, project):
    before = project.head()
    visitor.open("wall?pair=sep%40deep")
    visitor.page.wait_for_function(
        "[...document.querySelectorAll('.stoa-wall img')].filter(i => i.complete && i.naturalWidth).length >= 20",
        timeout=browser.PATIENCE_MS,
    )
    visitor.page.locator(".stoa-wall button").nth(3).click(modifiers=["Control"])
    visitor.see("1 target selected").click("Flag …").confirm("Flag").see("flagged A001_X136a_X834")
    assert len(project.subjects(before)) == 1
    visitor.click("Take back").see("taken back")


def test_a_target_is_flagged_where_its_headers_are(visitor, project):
    flags_before = flags(project)
    visitor.open("targets?named=Xf03").see("1 of 24 targets").select(0, 0).see("alma:2013.1.00898.S").ready()
    visitor.page.get_by_role("tab", name="Headers").click()
    visitor.ready().click("Flag …").confirm("Flag").see(f"flagged {FLAGGED}")
    assert {name for name, _ in flags(project) - flags_before} == {FLAGGED}
    visitor.click("Take back").see("taken back")


def test_a_changed_result_is_flagged_where_it_is_compared(visitor, project):
    flags_before = flags(project)
    visitor.open("compare?a=sep%40default&b=sep%40deep").see("Beyond the tolerance").ready()
    visitor.select(3, 0).see("1 target selected")
    visitor.page.get_by_role("button", name="Flag …").nth(1).click()
    visitor.confirm("Flag").see("flagged A001_X281c_Xe4")
    assert {name for name, _ in flags(project) - flags_before} == {"A001_X281c_Xe4"}
    visitor.click("Take back").see("taken back")


def test_the_counts_follow_the_slider_and_the_match_is_written(visitor, project):
    visitor.open("catalogue?pair=sep%40deep").see("kept").ready()
    slider = visitor.page.get_by_role("slider").first
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    visitor.see(re.compile(r"--keep 'snr >= ")).ready()
    kept, whole = (int(visitor.page.get_by_test_id("stMetric").nth(place).inner_text().split()[-1]) for place in (1, 0))
    assert 0 < kept < whole
    visitor.open("catalogue?pair=sep%40deep&with=quasars.csv").click("Match")
    visitor.see(re.compile(r"\d+ sources? of \d+ matched")).see(re.compile("wrote .*catalogues/"))


def test_a_run_is_started_from_its_plan(visitor, project):
    before = project.runs()
    visitor.open("run?process=sep&set=deep&targets=A001_X136a_X834&force=true").click("Show the plan")
    visitor.click("Start: 1 targets").see("started: stoa run sep")
    wait_for(lambda: len(project.runs()) > len(before), "the run to be committed", 120)
    assert list(project.statuses().values()) == ["ok"]


def test_what_a_run_rests_on_is_in_its_tabs(visitor, project):
    visitor.open("runs?run=last")
    visitor.page.get_by_role("tab", name="Frozen definitions").click()
    visitor.see("schema: 1")
    visitor.page.get_by_role("tab", name="Graph").click()
    visitor.page.get_by_test_id("stMermaidChart").wait_for(timeout=browser.PATIENCE_MS)
    visitor.page.get_by_role("tab", name="Commits").click()
    visitor.see(f"Stoa-Run: {project.runs()[-1]}")


def test_the_state_after_an_earlier_commit_is_a_slider_away(visitor):
    visitor.open("runs").see("Over time").ready()
    slider = visitor.page.get_by_role("slider").first
    slider.focus()
    slider.press("Home")
    visitor.see("36 ok, 2 failed, 3 blocked, 0 flagged")


def test_a_sync_sends_what_was_done_here(visitor, project, tmp_path_factory):
    hub = tmp_path_factory.mktemp("hub") / "hub.git"
    project.git("init", "--quiet", "--bare", str(hub))
    project.git("remote", "add", "origin", str(hub))
    visitor.open().click("Sync").see(re.compile(r"came in: .* Sent: \d+ commits"))
    assert project.git("--git-dir", str(hub), "rev-parse", "HEAD").strip() == project.head()


def test_others_flags_appear_by_themselves(visitor, project):
    visitor.open("failures?pair=sep%40default&flags=flagged&has=A001_X391d").see("No outcome that passes these filters")
    project.ok("flag", "A001_X391d_Xf0e", "--reason", "incomplete", "-m", "no image was delivered")
    visitor.see("1 outcome of 1 target, 1 cause")
    project.ok("unflag", "A001_X391d_Xf0e")
