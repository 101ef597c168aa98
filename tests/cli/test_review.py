"""stoa review: samples for a second look, blind ones, agreement, disputes."""

from __future__ import annotations

import subprocess

import pytest
from survey import Survey

import stoa


@pytest.fixture
def two(looked, tmp_path) -> tuple[Survey, Survey]:
    """Ann's project after a run (a ok, b failed, c skipped), and Ben's clone; both sync with one hub."""
    hub = tmp_path / "hub.git"
    looked.git("init", "--quiet", "--bare", str(hub))
    looked.git("remote", "add", "origin", str(hub))
    for key, value in (("user.name", "Ann Lee"), ("user.email", "ann@example.org")):
        looked.git("config", key, value)
    looked.ok("sync")
    subprocess.run(["git", "clone", "--quiet", hub, tmp_path / "ben"], check=True)
    ben = Survey(tmp_path / "ben", looked.terminal)
    for key, value in (("user.name", "Ben Cook"), ("user.email", "ben@example.org")):
        ben.git("config", key, value)
    return looked, ben


def share(*clones: Survey) -> None:
    for each in (*clones, *clones[:1]):
        each.ok("sync")


def test_a_sample_has_its_share_of_every_kind_of_target(two):
    ann, _ = two
    ann.ok("flag", "c")
    text = ann.ok("review", "draw", "3", "--to", "ben", "--sample", "first", "--seed", "7", "-m", "for the paper")
    assert [line.split() for line in text.splitlines()[1:4]] == [
        ["failed", "1", "1"], ["ok", "1", "1"], ["skipped,", "flagged", "1", "1"],
    ]  # fmt: skip
    assert "sample first: 3 targets for ben, seed 7 (commit " in text
    (found,) = ann.json("review", "list")
    assert found["sample"]["targets"] == ["a", "b", "c"]
    assert (found["judged"], found["first"]) == ([], ["c"])
    assert "for the paper" in ann.ok("review", "list")


def test_the_seed_draws_the_same_again(survey):
    for number in range(20):
        (survey.top / f"data/t{number:02d}").mkdir()
    survey.ok("target", "add", "data", "t*")
    drawn = [
        survey.json("review", "draw", "5", "--to", "ben", "--sample", name, "--seed", seed)["sample"]["targets"]
        for name, seed in (("one", "1"), ("two", "1"), ("three", "2"))
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(each) for each in drawn] == [5, 5, 5]
    seeds = {survey.json("review", "draw", "1", "--to", "ben")["sample"]["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_the_person_finds_the_sample_in_their_queue(two):
    ann, ben = two
    ann.ok("review", "draw", "2", "--to", "ben@example.org", "--sample", "first", "--target", "[ab]")
    share(ann, ben)
    items = ben.json("todo")["items"]
    assert [(each["target"], each["sample"]) for each in items] == [("a", "first"), ("b", "first")]
    assert "second look (sample first)" in ben.ok("todo")
    ben.ok("review", "pass", "a")
    ben.ok("flag", "b", "--reason", "artefacts")
    assert ben.json("todo")["items"] == []
    assert ben.json("review", "list", "first")["judged"] == ["a", "b"]
    assert "judged by ben@example.org: 2 of 2" in ben.ok("review", "list", "first")


def test_a_blind_sample_hides_what_others_say_until_one_has_judged(two):
    ann, ben = two
    ann.ok("review", "draw", "3", "--to", "Ben Cook", "--blind", "--sample", "blind one")
    ann.ok("flag", "a", "--reason", "artefacts", "-m", "stripes")
    ann.ok("comment", "a", "-m", "look at the east")
    ann.ok("tag", "a", "golden")
    share(ann, ben)
    said = ben("reviews")
    assert "stripes" not in said.stdout
    assert "golden" in said.stdout
    assert "hidden until you have judged: a" in said.stderr
    assert "stripes" not in ben.ok("show", "a")
    assert "is hidden until you have judged" in ben.ok("show", "a")
    assert ben.json("show", "a")["open_flags"] == []
    assert "no flag is open" in ben("reviews", "--flags").stderr
    ben.ok("review", "pass", "a")
    assert "stripes" in ben.ok("reviews")
    assert "stripes" in ben.ok("show", "a")
    assert "look at the east" in ann.ok("show", "a")


def test_who_drew_it_is_blind_as_well(two):
    ann, ben = two
    ann.ok("review", "draw", "1", "--to", "ben", "--blind", "--target", "a")
    share(ann, ben)
    ben.ok("flag", "a", "-m", "stripes")
    share(ben, ann)
    assert "stripes" not in ann.ok("show", "a")
    assert ann.json("todo")["items"][0]["target"] == "a"
    ann.ok("review", "pass", "a")
    assert "stripes" in ann.ok("show", "a")


def test_others_and_samples_that_are_not_blind_see_all(two):
    ann, ben = two
    ann.ok("review", "draw", "1", "--to", "carol", "--blind", "--target", "a")
    ann.ok("review", "draw", "1", "--to", "ben", "--target", "b")
    ann.ok("flag", "a", "b", "-m", "stripes")
    share(ann, ben)
    assert ben.ok("reviews").count("stripes") == 2


def test_a_sample_that_is_removed_hides_nothing(two):
    ann, ben = two
    ann.ok("review", "draw", "1", "--to", "ben", "--blind", "--sample", "x", "--target", "a")
    ann.ok("flag", "a", "-m", "stripes")
    ann.ok("review", "remove", "x")
    share(ann, ben)
    assert "stripes" in ben.ok("show", "a")
    assert ben("review", "list").stdout == ""
    assert "no sample named 'x'" in ann.error("review", "remove", "x")[0]


def test_verdicts_that_differ_are_a_queue_until_one_gives_way(two):
    ann, ben = two
    ann.ok("review", "draw", "3", "--to", "ben", "--sample", "first")
    ann.ok("flag", "a", "b", "--reason", "artefacts")
    share(ann, ben)
    ben.ok("review", "pass", "a")
    ben.ok("flag", "b", "--reason", "artefacts")
    share(ben, ann)
    for each in (ann, ben):
        (found,) = each.json("todo", "--disputed")["items"]
        assert (found["target"], found["states"]) == ("a", {"Ann Lee": "artefacts", "Ben Cook": "pass"})
    assert "artefacts by Ann Lee, pass by Ben Cook" in ann.ok("todo", "--disputed")
    ann.ok("unflag", "a", "-m", "gone")
    assert ann.json("todo", "--disputed")["items"] == []


def test_flags_with_different_reasons_outside_of_samples_are_no_dispute(two):
    ann, ben = two
    ann.ok("flag", "a", "--reason", "artefacts")
    ben.ok("flag", "a", "--reason", "calibration")
    share(ann, ben)
    assert ann.json("todo", "--disputed")["items"] == []


def test_agreement_of_two_people(two):
    """a: both artefacts; b: Ann alone; c: neither. Kappa 0.4 by hand: (2/3 - 4/9) / (1 - 4/9)."""
    ann, ben = two
    ann.ok("review", "draw", "3", "--to", "ben", "--sample", "first")
    ann.ok("flag", "a", "b", "--reason", "artefacts")
    ann.ok("review", "pass", "c")
    share(ann, ben)
    ben.ok("flag", "a", "--reason", "artefacts")
    ben.ok("review", "pass", "b", "c")
    share(ben, ann)
    rows = ann.json("reviews", "--agreement")
    assert [row["reason"] for row in rows] == ["any flag", "artefacts"]
    assert [rows[1][key] for key in ("targets", "both", "only_a", "only_b", "neither")] == [3, 1, 1, 0, 1]
    assert rows[1]["kappa"] == pytest.approx(0.4)
    assert "0.40 ± " in ann.ok("reviews", "--agreement", "--sample", "first")
    assert "is too small" in ann("reviews", "--agreement").stderr


def test_what_is_said_after_the_other_has_spoken_is_no_agreement(two):
    ann, ben = two
    ann.ok("flag", "a", "--reason", "artefacts")
    share(ann, ben)
    ben.ok("review", "pass", "a")
    ben.ok("flag", "a", "--reason", "artefacts", "-m", "you are right")
    (row,) = (row for row in ben.json("reviews", "--agreement") if row["reason"] == "artefacts")
    assert (row["both"], row["only_a"]) == (0, 1)


def test_agreement_of_nobody_says_what_to_do(looked):
    assert "no two people have judged" in looked("reviews", "--agreement").stderr
    assert "no sample named 'x'" in looked.error("reviews", "--agreement", "--sample", "x")[0]


def test_who_has_flagged_a_target_does_not_pass_it(survey):
    survey.ok("flag", "a")
    assert "you have flagged 'a'" in survey.error("review", "pass", "a", "b")[0]
    survey.ok("unflag", "a")
    survey.ok("review", "pass", "a", "b")
    assert [row["kind"] for row in survey.json("reviews", "a")] == ["flag", "unflag", "pass"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2", "--to", " x"), "a name has 1 to 80 printable characters"),
        (("2", "--to", "ben", "--sample", "first"), "there is a sample 'first' already"),
        (("2", "--to", "ben", "--where", "name = 'z'"), "no target matches"),
        (("2", "--to", "ben", "--target", "zz"), "no target named 'zz'"),
        (("2", "--to", "me", "--target", "a"), "has judged each of these 1 targets"),
        (("2", "--to", "ben", "--process", "nothing"), "nothing has run yet"),
    ],
)
def test_what_cannot_be_drawn_is_named(survey, words, said):
    survey.ok("review", "draw", "1", "--to", "ben", "--sample", "first")
    survey.ok("flag", "a")
    assert said in survey.error("review", "draw", *words)[0]


def test_a_target_that_is_renamed_stays_in_its_sample(survey):
    survey.ok("review", "draw", "1", "--to", "me", "--target", "a")
    survey.ok("target", "rename", "a", "z")
    assert survey.json("todo")["items"][0]["target"] == "z"


def test_fsck_names_a_file_that_is_no_sample(survey):
    file = survey.top / ".stoa/samples/20260101T000000-aaaaaa.yaml"
    file.parent.mkdir()
    file.write_text("schema: 1\nid: 20260101T000000-aaaaaa\nname: x\ntargets: ['../x']\n", encoding="utf-8")
    survey.git("add", "-f", str(file))
    survey.git("commit", "-qm", "by hand")
    assert "samples/20260101T000000-aaaaaa.yaml" in survey("fsck").output
    assert survey.json("review", "list") == []


def test_from_python(survey):
    with stoa.open(survey.top) as project:
        made = project.draw_sample(2, person="ben", name="first", seed=1, blind=True)
        assert len(made.sample.targets) == 2
        project.pass_targets(*made.sample.targets)
        assert [each.first for each in project.samples()] == [made.sample.targets]
        assert project.agreement("first") == []
        project.remove_sample("first")
        assert project.samples() == []
