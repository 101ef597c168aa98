"""Each dialog and button of judgements, clicked once in a browser as a person would; git is asked what was recorded."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
import yaml
from PIL import Image
from survey import Survey
from terminal import Terminal

pytestmark = [pytest.mark.service, pytest.mark.slow]


@pytest.fixture(scope="module")
def project(survey_template: Path, tmp_path_factory: pytest.TempPathFactory, require_service) -> Survey:
    """Steps, a run with one failure, and a blind sample of a target that someone else has flagged."""
    from stoa.cli.main import app

    top = tmp_path_factory.mktemp("judging") / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    survey = Survey(top, Terminal(app))
    survey.edit(".stoa/config.yaml", "schema: 1", "schema: 1\nsteps: {weblog: the weblog is read, accepted: ''}")
    survey.git("commit", "-qam", "steps")
    survey.does("b", "echo 'Error: no beam in header' >&2; exit 1")
    survey("run", "measure")
    mine = [survey.git("config", name).strip() for name in ("user.name", "user.email")]
    for who in (("Ben Cook", "ben@example.org"), mine):
        survey.git("config", "user.name", who[0])
        survey.git("config", "user.email", who[1])
        if who is not mine:
            survey.ok("flag", "c", "--reason", "artefacts", "-m", "stripes by the hundred")
    survey.ok("review", "draw", "1", "--to", "me", "--blind", "--target", "c")
    return survey


@pytest.fixture(scope="module")
def page(project: Survey, chrome) -> Iterator[browser.Visitor]:
    with browser.served(project.top) as address:
        context = chrome.new_context(viewport={"width": 1280, "height": 1400})
        yield browser.Visitor(context.new_page(), address)
        context.close()


@pytest.fixture
def visitor(page: browser.Visitor) -> Iterator[browser.Visitor]:
    """Someone at the dashboard, which shows no error in the end and has asked for nothing outside."""
    yield page
    assert page.faults() == 0
    assert page.outside == []


def recorded(project: Survey, before: str) -> list[dict[str, Any]]:
    """The records in git since a commit, which came in one commit."""
    assert len(project.subjects(before)) == 1
    paths = [path for path in project.changed(before) if path.endswith(".yaml")]
    return [yaml.safe_load(project.committed(path)) for path in sorted(paths)]


def dialog(visitor: browser.Visitor) -> Any:
    return visitor.page.get_by_role("dialog")


def test_a_tag_is_given_to_a_row_and_taken_back(visitor, project):
    before = project.head()
    visitor.open("targets").select(0, 0).see("1 target selected").click("Tag …")
    dialog(visitor).get_by_label("A new tag").fill("golden sample")
    visitor.confirm("Give the tag").see("tag golden sample given to a")
    (event,) = recorded(project, before)
    assert (event["kind"], event["target"], event["tag"]) == ("tag", "a", "golden sample")
    before = project.head()
    visitor.click("Take back").see("taken back")
    assert [event["kind"] for event in recorded(project, before)] == ["untag"]


def test_the_job_that_is_shown_is_tagged(visitor, project):
    before = project.head()
    visitor.open("review?at=b").see("no beam in header").ready().click("Tag …")
    dialog(visitor).get_by_label("A new tag").fill("odd")
    visitor.confirm("Give the tag").see("tag odd given to b")
    (event,) = recorded(project, before)
    assert (event["target"], event["tag"]) == ("b", "odd")
    visitor.open("review?tag=odd").see("1 of 1")


def test_a_run_is_tagged_and_found_by_its_tag(visitor, project):
    before = project.head()
    visitor.open("runs?run=last").see("Frozen definitions").ready().click("Tag …")
    dialog(visitor).get_by_label("A new tag").fill("submitted")
    visitor.confirm("Give the tag").see("tag submitted given to")
    (event,) = recorded(project, before)
    assert (event["target"], event["run"], event["tag"]) == ("", project.runs()[-1], "submitted")
    visitor.open("runs?tag=submitted&run=last").see("tags: submitted")


def test_a_step_is_recorded_in_the_dialog_and_by_its_button(visitor, project):
    before = project.head()
    visitor.open("targets").select(0, 1).see("1 target selected").click("Step …")
    dialog(visitor).get_by_role("radio", name="not-needed").click()
    visitor.ready().confirm("Record").see("weblog of b: not-needed")
    (event,) = recorded(project, before)
    assert (event["target"], event["step"], event["state"]) == ("b", "weblog", "not-needed")
    before = project.head()
    visitor.open("review?at=a").click("☐ weblog").see("☑ weblog")
    (event,) = recorded(project, before)
    assert (event["target"], event["step"], event["state"]) == ("a", "weblog", "done")


def test_work_is_assigned_and_is_the_queue_of_the_person(visitor, project):
    before = project.head()
    visitor.open("targets").select(0, 1).see("1 target selected").click("Assign …")
    visitor.confirm("Assign").see("assigned b to")
    (event,) = recorded(project, before)
    assert (event["target"], event["person"]) == ("b", project.git("config", "user.name").strip())
    visitor.open("review")
    visitor.page.get_by_role("button", name="Filter and order").click()
    visitor.page.get_by_role("radio", name="mine").click()
    visitor.ready().see("1 of 2")  # and the second look at c
    assert "queue=mine" in visitor.page.url


def test_filters_are_saved_as_a_selection(visitor, project):
    before = project.head()
    visitor.open("failures?status=failed").click("Save as selection …")
    dialog(visitor).get_by_label("Name").fill("bad ones")
    visitor.confirm("Save").see("selection bad ones saved: 1 target now")
    (event,) = recorded(project, before)
    assert event["name"] == "bad ones"
    assert "l.status IN ('failed')" in event["where"]
    visitor.open("review?select=bad+ones").see("1 of 1")


def test_a_blind_sample_hides_what_others_said_until_the_verdict(visitor, project):
    before = project.head()
    visitor.open("review?queue=mine&at=c").see("Blind: what others said is shown when you have judged.")
    assert visitor.page.get_by_text("stripes by the hundred").count() == 0
    visitor.click("Pass", exact=False)
    visitor.open("review?at=c").see(re.compile("stripes by the hundred"))
    (event,) = recorded(project, before)
    assert (event["kind"], event["target"]) == ("pass", "c")


def test_a_comment_has_a_picture_and_a_reply(visitor, project, tmp_path):
    Image.new("RGB", (40, 30), (200, 30, 30)).save(tmp_path / "cutout.png")
    before = project.head()
    visitor.open("review?at=a").ready()
    visitor.page.get_by_text("Picture, reply").click()
    visitor.page.locator("input[type=file]").set_input_files(tmp_path / "cutout.png")
    visitor.see("cutout.png").ready()
    visitor.page.get_by_placeholder("Comment on a").fill("a second source?")
    visitor.click("Comment").see(re.compile("comment: a second source"))
    (first,) = recorded(project, before)
    assert (first["target"], first["text"], first["picture"]) == ("a", "a second source?", f"{first['id']}.png")
    visitor.page.locator("[data-testid=stImage] img").first.wait_for()

    before = project.head()
    visitor.open("review?at=a").ready()
    visitor.page.get_by_text("Picture, reply").click()
    visitor.pick("Answers", re.compile("a second source"))
    visitor.page.get_by_placeholder("Comment on a").fill("a side lobe")
    visitor.ready().click("Comment").see(re.compile("↳ .*a side lobe"))
    (answer,) = recorded(project, before)
    assert (answer["text"], answer["reply_to"]) == ("a side lobe", first["id"])
