"""Tags, selections, the queue, blind samples, pictures and replies on the pages, without a browser."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO

import pages
from PIL import Image

from stoa.model import SCHEMA, Author, Review
from stoa.workspace.open import Workspace


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


def with_declared_steps(survey):
    survey.edit(".stoa/config.yaml", "schema: 1", "schema: 1\nsteps: {weblog: the weblog is read, accepted: ''}")
    survey.git("commit", "-qam", "steps")


def pressed(shown, key):
    shown.button(key=key).click().run()
    assert not shown.exception, shown.exception[0].stack_trace
    return shown


class Asking:
    """A dialog that a button opens; without a browser it stays open only if the button is clicked with each drawing."""

    def __init__(self, shown, opener):
        self.shown, self.opener = pressed(shown, opener), opener

    def put(self, kind, key, value):
        getattr(self.shown, kind)(key=key).set_value(value)
        pressed(self.shown, self.opener)
        return self

    def commit(self, key):
        self.shown.button(key=key).click()
        return pressed(self.shown, self.opener)


def test_a_tag_is_given_to_selected_rows_as_one_commit_and_taken_back(page, judged):
    before = judged.head()
    asking = Asking(pages.select(page("targets"), "targets", 0, 2), "targets Tag")
    assert "a\nc" in [code.value for code in asking.shown.code]
    asking.put("text_input", "tag new", "golden sample")
    assert judged.head() == before
    shown = asking.commit("commit tag")
    assert len(judged.subjects(before)) == 1
    assert judged.json("tag")["tags"] == {"golden sample": ["a", "c"]}
    shown.run()
    pressed(shown, next(each.key for each in shown.button if each.label == "Take back"))
    assert judged.json("tag")["tags"] == {}


def test_a_known_tag_is_taken_away_from_the_selected_rows_alone(page, judged):
    judged.ok("tag", "a", "b", "paper I")
    asking = Asking(pages.select(page("targets"), "targets", 0), "targets Tag")
    asking.put("segmented_control", "tag way", "Take away").put("selectbox", "tag old", "paper I").commit("commit tag")
    assert judged.json("tag")["tags"] == {"paper I": ["b"]}


def test_a_tag_without_words_is_told_and_nothing_is_written(page, judged):
    before = judged.head()
    shown = Asking(pages.select(page("targets"), "targets", 0), "targets Tag").commit("commit tag")
    assert "a tag has 1 to 80 printable characters" in pages.texts(shown)
    assert judged.head() == before


def test_a_step_is_recorded_for_the_whole_queue(page, judged):
    assert "Step …" not in [each.label for each in page("review").button]
    with_declared_steps(judged)
    before = judged.head()
    asking = Asking(page("review"), "review all Step")
    asking.put("segmented_control", "step state", "not-needed").commit("commit step")
    assert len(judged.subjects(before)) == 1
    assert {each["target"] for each in judged.json("reviews") if each["state"] == "not-needed"} == {"a", "b", "c"}


def test_work_is_assigned_to_a_person_and_a_step(page, judged):
    with_declared_steps(judged)
    asking = Asking(pages.select(page("targets"), "targets", 1), "targets Assign")
    asking.put("text_input", "assign person", "Ben Cook").put("selectbox", "assign step", "accepted")
    asking.commit("commit assign")
    assert [(each["target"], each["step"]) for each in judged.json("todo", "Ben Cook")["items"]] == [("b", "accepted")]


def test_steps_are_columns_with_their_state(page, judged):
    assert not [name for name in page("targets").dataframe[0].value if name.startswith("step ")]
    with_declared_steps(judged)
    judged.ok("step", "b", "weblog", "done")
    targets = page("targets").dataframe[0].value.set_index("target")
    assert dict(targets["step weblog"]) == {"a": "☐ undone", "b": "☑ done", "c": "☐ undone"}
    assert set(targets["step accepted"]) == {"☐ undone"}
    newest = page("overview").dataframe[1].value
    assert list(newest["step weblog"]) == ["☑ done"]
    queue = next(each.value for each in page("review").dataframe if "step weblog" in each.value)
    assert list(queue["step weblog"]) == ["☐ undone", "☑ done", "☐ undone"]


def test_a_blind_sample_hides_steps_and_flags_in_tables_too(page, judged):
    with_declared_steps(judged)
    judged.ok("flag", "a", "--reason", "artefacts")
    judged.ok("step", "a", "weblog", "done")
    judged.git("config", "user.name", "Ben Cook")
    judged.git("config", "user.email", "ben@example.org")
    judged.ok("review", "draw", "1", "--to", "me", "--blind", "--target", "a")
    row = page("targets").dataframe[0].value.set_index("target").loc["a"]
    assert (row["flags"], row["step weblog"]) == ("", "")
    did = " ".join(page("overview").dataframe[-1].value["what"])
    assert "measure@default" in did
    assert "artefacts" not in did


def test_what_people_see_differently_is_a_queue(page, judged):
    with_declared_steps(judged)
    judged.ok("step", "c", "weblog", "done")
    assert "disputed" in page("review", queue="disputed").segmented_control(key="queue").options
    judged.git("config", "user.name", "Ben Cook")
    judged.git("config", "user.email", "ben@example.org")
    judged.ok("step", "c", "weblog", "not-needed")
    assert number_shown(page("review", queue="disputed")) == "**1 of 1**"


def test_filters_are_saved_as_a_selection_that_follows_the_data(page, judged):
    judged.ok("tag", "a", "b", "paper I")
    assert page("review").button(key="save selection").disabled
    shown = page("review", tag=["paper I"], status=["failed"], has="NO beam")
    assert number_shown(shown) == "**1 of 1**"
    Asking(shown, "save selection").put("text_input", "selection name", "no beam").commit("commit selection")
    assert judged.ok("select", "no beam").split() == ["b"]
    judged.does("a", "echo 'Error: no beam in header' >&2; exit 1")
    judged("run", "measure", "--force")
    assert judged.ok("select", "no beam").split() == ["a", "b"]


def test_a_selection_holds_no_queue_of_one_person(page, judged):
    with_declared_steps(judged)
    judged.ok("assign", "a", "me")
    button = page("review", queue="mine", status=["ok"]).button(key="save selection")
    assert button.disabled
    assert "A tag can" in button.help


def test_who_may_only_look_cannot_tag_assign_or_save(page, judged, monkeypatch):
    with_declared_steps(judged)
    monkeypatch.setenv("STOA_UI_READ_ONLY", "1")
    shown = page("review", status=["ok"])
    for key in ("review all Tag", "review all Step", "review all Assign", "save selection"):
        assert shown.button(key=key).disabled


def test_what_was_asked_on_failures_can_be_saved_there(page, judged):
    judged.ok("flag", "b", "--reason", "check")
    asking = Asking(page("failures", flags="flagged"), "save selection")
    assert "flagged" in [code.value for code in asking.shown.code]
    asking.put("text_input", "selection name", "looked at").commit("commit selection")
    assert judged.ok("select", "looked at").split() == ["b"]


def test_an_image_group_that_is_tagged_alone_is_the_queue_of_its_tag(page, judged):
    review = Review(
        schema=SCHEMA, id="20261122T103000-k3f9q2", kind="tag", target="a", group="spw1", tag="golden",
        author=Author("Ben Cook", "ben@example.org"), time="2026-11-22T10:30:00Z",
    )  # fmt: skip
    with closing(Workspace(judged.top)) as ws:
        ws.store.add_reviews([review], "tag a")
    judged.ok("tag", "b", "golden")
    assert number_shown(page("review", tag=["golden"])) == "**1 of 1**"  # the outcome of `a` is of the whole target
    assert "b" in pages.texts(page("review", tag=["golden"]))


def test_a_run_is_tagged_and_runs_are_filtered_by_tag(page, judged):
    judged.ok("run", "measure", "--force", "--target", "a")
    first, last = judged.runs()
    shown = page("runs", run=first)
    assert "Tag" not in [each.label for each in shown.multiselect]
    Asking(shown, "runs Tag").put("text_input", "tag new", "submitted").commit("commit tag")
    assert judged.json("tag")["runs"] == {"submitted": [first]}
    table = page("runs", tag=["submitted"]).dataframe[0].value
    assert list(zip(table["run"], table["tags"], strict=True)) == [(first, "submitted")]
    assert set(page("runs").dataframe[0].value["run"]) == {first, last}
    before = judged.head()
    Asking(page("runs", run="measure@default"), "runs Tag").put("text_input", "tag new", "paper").commit("commit tag")
    assert judged.json("tag")["pairs"] == {"paper": ["measure@default"]}
    assert judged.subjects(before) == ["tag measure@default (paper)"]
    assert list(page("overview").dataframe[0].value["tags"]) == ["paper"]
