"""Judging one job after the other, without a browser."""

from __future__ import annotations

import json

import numpy as np
import pages
import pytest
from astropy.io import fits
from stepped import with_steps

from stoa.ui import pixels


def said(survey):
    return json.loads(survey.ok("reviews", "--json"))


def reviews(survey):
    return [
        (each["kind"], each["target"], each.get("reason", ""), bool(each.get("run")))
        for each in said(survey)["reviews"]
    ]


def press(test, label):
    return next(each for each in test.button if each.label == label).click().run()


def at(test):
    return test.query_params.get("at", [""])[0]


def test_next_and_previous_move_through_the_queue_and_the_address_says_where(page):
    shown = page("review")
    assert "**1 of 3**" in [each.value for each in shown.markdown]
    press(shown, "Next")
    assert (at(shown), "**2 of 3**" in [each.value for each in shown.markdown]) == ("b", True)
    press(shown, "Previous")
    assert at(shown) == "a"


def test_a_verdict_is_one_commit_about_the_outcome_that_was_seen_and_goes_on(page, judged, git):
    shown, before = page("review"), judged.head()
    shown.button(key="verdict check").click().run()
    assert not shown.exception
    assert reviews(judged) == [("flag", "a", "check", True)]
    assert git(judged.top, "rev-list", "--count", f"{before}..HEAD").strip() == "1"
    assert at(shown) == "b"


def test_a_step_is_recorded_by_a_click_and_opened_again_by_another(page, judged):
    assert not [each for each in page("review").button if str(each.key).startswith("step ")]
    with_steps(judged)
    shown = page("review")
    assert shown.button(key="step weblog").label == "☐ weblog"
    shown.button(key="step weblog").click().run()
    assert not shown.exception
    assert shown.button(key="step weblog").label == "☑ weblog"
    assert [(each["kind"], each["target"], each["state"]) for each in said(judged)["reviews"]] == [
        ("step", "a", "done")
    ]
    assert "weblog: 1 of 3 done" in pages.texts(page("overview"))
    shown.button(key="step weblog").click().run()
    assert shown.button(key="step weblog").label == "☐ weblog"
    assert said(judged)["reviews"][-1]["state"] == "undone"
    judged.ok("step", "a", "accepted", "not-needed")
    assert page("review").button(key="step accepted").label == "⊟ accepted"


def test_steps_of_others_are_hidden_in_a_blind_review(page, judged):
    with_steps(judged)
    judged.git("config", "user.email", "ben@example.org")
    judged.ok("step", "a", "weblog", "done")
    judged.git("config", "user.email", "ada@example.org")
    assert page("review", blind=True).button(key="step weblog").label == "☐ weblog"
    assert page("review").button(key="step weblog").label == "☑ weblog"


def test_a_verdict_is_taken_back_and_the_reader_is_back_there(page, judged):
    shown = page("review")
    shown.button(key="verdict check").click().run()
    press(shown, "Undo")
    assert [kind for kind, *_ in reviews(judged)] == ["flag", "unflag"]
    assert at(shown) == "a"
    assert json.loads(judged.ok("status", "--json"))["flags"] == {}


def test_a_verdict_is_about_the_target_on_the_screen_though_others_have_changed_the_queue(page, judged):
    shown = page("review", flags="not flagged")
    assert "Comment on a" in [each.placeholder for each in shown.text_input]
    judged.ok("flag", "a", "--reason", "artefacts")  # by someone else: `a` leaves this queue, and `b` is the first
    shown.button(key="verdict check").click().run()
    assert [(target, reason) for _, target, reason, _ in reviews(judged)] == [("a", "artefacts"), ("a", "check")]


def test_the_next_unjudged_one_is_found_and_told_when_there_is_none(page, judged):
    judged.ok("flag", "b", "--reason", "check")
    shown = press(page("review"), "Next unjudged")
    assert at(shown) == "c"
    judged.ok("comment", "a", "c", "-m", "seen")
    shown.run()
    press(shown, "Next unjudged")
    assert "every target of this queue has been judged" in pages.texts(shown)


def test_a_blind_review_hides_what_others_said_until_one_has_judged(page, judged, git):
    git(judged.top, "config", "user.email", "ben@example.org")
    judged.ok("flag", "a", "--reason", "artefacts", "-m", "stripes")
    git(judged.top, "config", "user.email", "ada@example.org")
    shown = page("review", blind=True)
    assert "stripes" not in pages.texts(shown)
    shown.session_state["onward"] = False
    shown.button(key="verdict check").click().run()
    assert "stripes" in pages.texts(shown)


def test_a_filter_without_rows_says_what_to_do(page):
    assert "Take a filter away" in pages.texts(page("review", has="nothing like this"))


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "\x1b[31mred\x1b[0m", "x" * 1_000_000])
def test_what_a_script_printed_is_shown_as_text(page, judged, text):
    judged.does("b", f"cat <<'END'\n{text}\nEND\nexit 1")
    judged("run", "measure", "--force")
    shown = page("review", has="b")
    shown.query_params["at"] = "b"
    shown.run()
    log = next(each.value for each in shown.code if each.value)
    assert "\x1b" not in log
    assert len(log) < 30_000
    assert all("<img" not in each.value for each in shown.markdown)


def test_where_the_pixels_are_not_the_page_says_so_and_judging_goes_on(page, judged):
    (judged.top / ".stoa/processes/measure.yaml").write_text(
        (judged.top / ".stoa/processes/measure.yaml").read_text(encoding="utf-8") + "inputs: {image: {role: image}}\n",
        encoding="utf-8",
    )
    header = fits.Header({"CTYPE1": "RA---SIN", "CRVAL1": 10.0, "CRPIX1": 4.0, "CDELT1": -1e-4})
    header.update({"CTYPE2": "DEC--SIN", "CRVAL2": 2.0, "CRPIX2": 4.0, "CDELT2": 1e-4})
    for name in "abc":
        fits.writeto(judged.top / "data" / name / "image.fits", np.ones((8, 8), dtype=np.float32), header)
    judged.ok("meta", "build")
    judged("run", "measure")
    assert "is not below root" not in pages.texts(page("review"))
    (judged.top / "data/a/image.fits").unlink()
    said = pages.texts(page("review"))
    assert "image.fits is not below root 'data' on this machine" in said
    assert "`stoa root add data PATH`" in said
    shown = page("review")
    shown.button(key="verdict check").click().run()
    assert reviews(judged) == [("flag", "a", "check", True)]


def test_a_clone_without_the_root_says_how_it_gets_one(judged, monkeypatch):
    monkeypatch.setattr(pixels, "KNOWN_S", 1e-9)
    assert pixels.roots_without_place(["data:a/image.fits", "products:x.fits"]) == {}
    local = judged.top / ".stoa/local.yaml"
    local.write_text(local.read_text(encoding="utf-8").replace("data: ", "other: "), encoding="utf-8")
    (problem,) = pixels.roots_without_place(["data:a/image.fits"]).values()
    assert problem.hint == "`stoa root add data PATH` says where it is"


@pytest.fixture
def without_pixels(drawn, tmp_path):
    """A run with an image for each target in the store of the project, and no product on this machine."""
    (drawn.top / "products").rename(tmp_path / "elsewhere")
    return drawn


def stills(shown):
    return [each for each in shown.get("html") if "stoa-still" in str(each.proto.body)]


def test_without_pixels_the_thumbnail_that_came_with_the_records_is_shown(page, without_pixels):
    shown = page("review")
    assert "came with the records" in pages.texts(shown)
    assert stills(shown)


def test_a_button_fetches_the_image_from_the_store(page, without_pixels):
    head = without_pixels.head()
    shown = press(page("review"), "Fetch")
    assert not shown.exception
    assert not stills(shown)
    assert "✓ fetched map.fits" in pages.texts(shown)
    assert len(list((without_pixels.top / ".stoa/cache/products").glob("??/*/map.fits"))) == 1
    assert without_pixels.head() == head, "what one machine has is no record"
    assert stills(press(shown, "Next")), "the others are still in the store alone"


def test_who_may_only_read_fetches_nothing(page, without_pixels, monkeypatch):
    monkeypatch.setenv("STOA_UI_READ_ONLY", "1")
    shown = page("review")
    assert next(each for each in shown.button if each.label == "Fetch").disabled


def test_an_image_that_is_not_in_the_store_is_said_to_be_absent(page, without_pixels, tmp_path):
    (tmp_path / "store").rename(tmp_path / "gone")
    shown = press(page("review"), "Fetch")
    assert "is not in the store" in pages.texts(shown)
