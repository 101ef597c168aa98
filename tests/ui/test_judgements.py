"""Tags, selections, the queue, blind samples, pictures and replies on the pages, without a browser."""

from __future__ import annotations

from io import BytesIO

import pages
from PIL import Image


def drawn() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


def number_shown(test) -> str:
    return next(each.value for each in test.markdown if " of " in each.value)


def field(test, kind, label):
    return next(each for each in getattr(test, kind) if each.label == label)


def test_tags_selections_and_the_queue_are_filters_of_the_address(page, judged):
    assert "Tag" not in [each.label for each in page("review").multiselect]
    judged.ok("tag", "a", "b", "paper I")
    judged.ok("select", "bad ones", "--failed")
    judged.ok("review", "draw", "1", "--to", "me", "--target", "c")
    shown = page("review")
    field(shown, "multiselect", "Tag").select("paper I").run()
    assert number_shown(shown) == "**1 of 2**"
    field(shown, "multiselect", "Selection").select("bad ones").run()
    assert number_shown(shown) == "**1 of 1**"
    assert "b" in pages.texts(shown)
    assert number_shown(page("review", queue="mine")) == "**1 of 1**"


def test_a_pass_is_a_verdict(page, judged):
    shown = page("review")
    shown.button(key="verdict pass").click().run()
    assert not shown.exception
    assert [(each["kind"], each["target"]) for each in judged.json("reviews")] == [("pass", "a")]
    assert "b" in shown.query_params["at"]


def test_what_others_say_of_a_blind_sample_is_hidden_until_the_person_has_judged(page, judged):
    judged.ok("flag", "a", "--reason", "artefacts", "-m", "stripes")
    judged.git("config", "user.name", "Ben Cook")
    judged.git("config", "user.email", "ben@example.org")
    judged.ok("review", "draw", "1", "--to", "me", "--blind", "--target", "a")
    shown = page("review")
    text = pages.texts(shown)
    assert "stripes" not in text
    assert "Blind: what others said is shown when you have judged." in text
    shown.button(key="verdict pass").click().run()
    assert "stripes" in pages.texts(page("review"))


def test_a_comment_is_shown_with_its_picture_and_its_reply_below(page, judged, tmp_path):
    (tmp_path / "cutout.png").write_bytes(drawn())
    judged.ok("comment", "a", "-m", "a second source?", "--picture", tmp_path / "cutout.png")
    judged.ok("comment", "a", "-m", "another matter")
    first = judged.json("reviews")[0]["id"]
    shown = page("review")
    answers = field(shown, "selectbox", "Answers")
    answers.select(first)
    field(shown, "text_input", "Comment").set_value("a side lobe")
    next(each for each in shown.button if each.label == "Comment").click().run()
    assert not shown.exception
    assert judged.json("reviews", "a")[-1]["reply_to"] == first
    text = pages.texts(page("review"))
    assert text.index("a second source?") < text.index("↳ ") < text.index("another matter")
    assert len(page("review").get("image")) == 1
