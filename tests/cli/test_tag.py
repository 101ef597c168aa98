"""stoa tag: targets, image groups, runs and pairs under a word."""

from __future__ import annotations

import shutil

import pytest
from alma_archive import make_archive

import stoa

LOOK = """\
schema: 1
name: look
script: look.sh
command: [sh, "{script}", "{image}"]
over: image
inputs: {image: {role: [correctedImage, image]}}
outputs: {copy: {path: out.fits}}
results: {n: {type: int}}
"""


@pytest.fixture
def images(survey):
    """Two targets with two images each, and a process over images; gives the jobs."""
    make_archive(survey.top / "archive", 2, {}, size=16)
    for image in (survey.top / "archive").rglob("*pbcor*.fits"):
        shutil.copy(image, image.with_name(f"second_{image.name}"))
    survey.ok("target", "remove", "a", "b", "c")
    survey.ok("root", "add", "archive", "archive")
    survey.ok("target", "add", "archive", "**/product")
    survey.ok("meta", "build")
    (survey.top / ".stoa/processes/look.yaml").write_text(LOOK)
    (survey.top / "look.sh").write_text('cp "$1" out.fits; echo "{\\"n\\": 1}" > stoa-result.json\n')
    return [(job["target"], job["group"]) for job in survey.json("plan", "look")["jobs"]]


def test_targets_are_tagged_listed_and_chosen_by_tag(survey):
    assert survey.ok("tag", "a", "b", "golden sample").startswith("tagged 2 targets (commit ")
    survey.ok("tag", "--where", "name = 'c'", "paper I")
    assert survey.json("tag")["tags"] == {"golden sample": ["a", "b"], "paper I": ["c"]}
    assert [line.split()[-1] for line in survey.ok("tag").splitlines()[1:]] == ["b", "c"]
    chosen = "name IN (SELECT target FROM tags WHERE tag = 'golden sample')"
    assert len(survey.ok("target", "list", "--where", chosen).splitlines()) == 3
    survey.ok("run", "measure", "--where", chosen)
    assert survey.statuses() == {"a": "ok", "b": "ok"}


def test_a_tag_is_taken_away_and_given_again(survey):
    survey.ok("tag", "a", "x")
    survey.ok("tag", "a", "x", "--remove")
    assert survey.json("tag")["tags"] == {}
    survey.ok("tag", "a", "x")
    assert survey.json("tag")["tags"] == {"x": ["a"]}
    assert [row["kind"] for row in survey.json("reviews", "a")] == ["tag", "untag", "tag"]
    assert "tag x by" in survey.ok("show", "a")


def test_who_has_the_tag_is_left_as_it_is(survey):
    survey.ok("tag", "a", "x")
    survey.ok("tag", "a", "b", "x")
    assert len(survey.json("reviews", "a")) == 1
    assert "has the tag 'x' already" in survey.error("tag", "a", "b", "x")[0]
    assert "lacks the tag 'x' already" in survey.error("tag", "c", "x", "--remove")[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", ""), "a tag has 1 to 80 printable characters"),
        (("a", " x"), "a tag has 1 to 80 printable characters"),
        (("a", "x" * 81), "a tag has 1 to 80 printable characters"),
        (("a", "y", "--remove"), "no target has the tag 'y'"),
        (("x",), "which targets?"),
    ],
)
def test_what_is_no_tag_is_named(survey, words, said):
    assert said in survey.error("tag", *words)[0]


def test_a_target_that_is_renamed_keeps_its_tags(survey):
    survey.ok("tag", "a", "x")
    survey.ok("target", "rename", "a", "z")
    assert survey.json("tag")["tags"] == {"x": ["z"]}


def test_from_python(survey):
    with stoa.open(survey.top) as project:
        project.tag("a", "b", tag="golden")
        project.tag("b", tag="golden", remove=True)
        assert project.tags() == {"golden": ["a"]}


def jobs_of(survey, *words):
    return [(job["target"], job["group"]) for job in survey.json("plan", "look", *words)["jobs"]]


def test_of_a_tagged_image_group_it_alone_is_run_and_shown(survey, images):
    target, group = images[0]
    assert len(images) == 4
    survey.ok("run", "look")
    survey.ok("tag", target, "golden", "--group", group)
    assert survey.json("tag")["groups"] == {"golden": [[target, group]]}
    assert survey.json("tag")["tags"] == {}
    assert jobs_of(survey, "--tag", "golden") == [(target, group)]
    rows = survey.json("results", "look", "--tag", "golden")["rows"]
    assert [(row["target"], row["group"]) for row in rows] == [(target, group)]
    assert "1 job with the same status" in survey.ok("diff", "look@default", "look@default", "--tag", "golden")
    survey.ok("rerun", "look@default", "--tag", "golden")
    assert list(survey.outcomes()) == [f"{target} {group}"]
    survey.ok("run", "look", "--force", "--tag", "golden")
    assert list(survey.outcomes()) == [f"{target} {group}"]
    assert f"tags: golden ({group})" in survey.ok("show", target)
    assert "no target has the tag 'golden'" in survey.error("target", "list", "--tag", "golden")[0]


def test_image_groups_have_the_tags_of_their_target_and_all_tags_count(survey, images):
    one, two = sorted({target for target, _ in images})
    group = next(group for target, group in images if target == two)
    survey.ok("run", "look")
    survey.ok("tag", one, "golden")
    survey.ok("tag", two, "golden", "--group", group)
    assert jobs_of(survey, "--tag", "golden") == [job for job in images if job[0] == one] + [(two, group)]
    survey.ok("tag", two, "paper")
    assert jobs_of(survey, "--tag", "golden", "--tag", "paper") == [(two, group)]
    survey.ok("select", "both", "--tag", "paper", "--where", "n_images > 0")
    assert jobs_of(survey, "--tag", "golden", "--select", "both") == [(two, group)]
    survey.ok("tag", two, "golden", "--group", group, "--remove")
    assert {target for target, _ in jobs_of(survey, "--tag", "golden")} == {one}


def test_runs_are_tagged_and_listed_by_tag(survey):
    survey.ok("run", "measure")
    survey.ok("run", "measure", "--force", "--target", "a")
    first, last = survey.runs()
    assert survey.ok("tag", "--run", first, "submitted").startswith(f"tagged run {first} (commit ")
    survey.ok("tag", "--run", "last", "draft")
    assert survey.json("tag")["runs"] == {"draft": [last], "submitted": [first]}
    assert [row["run"] for row in survey.json("runs", "--tag", "submitted")] == [first]
    assert survey.ok("runs").splitlines()[1].endswith("submitted")
    assert "tags: submitted" in survey.ok("show", first)
    survey.ok("tag", "--run", first, "submitted", "--remove")
    assert survey.json("tag")["runs"] == {"draft": [last]}
    assert "no tag named 'submitted'" in survey.error("runs", "--tag", "submitted")[0]
    survey.ok("tag", "a", "golden")
    assert survey.error("runs", "--tag", "golden")[0] == "error: no run has the tag 'golden'"


def test_pairs_are_tagged_listed_by_tag_and_keep_their_tags_when_renamed(survey):
    survey.ok("run", "measure")
    survey.ok("run", "measure", "--set", "snr=7")
    survey.ok("tag", "--run", "measure@default+snr=7", "paper I")
    assert survey.json("tag")["pairs"] == {"paper I": ["measure@default+snr=7"]}
    assert [pair["name"] for pair in survey.json("status", "--tag", "paper I")["pairs"]] == ["measure@default+snr=7"]
    assert "tagged paper I" in survey.ok("status")
    assert "tags: paper I" in survey.ok("show", "measure@default+snr=7")
    assert [row["tag"] for row in survey.json("reviews", "measure@default+snr=7")] == ["paper I"]
    survey.ok("process", "rename", "measure", "gauge")
    assert survey.json("tag")["pairs"] == {"paper I": ["gauge@default+snr=7"]}
    survey.ok("tag", "--run", "gauge@default+snr=7", "paper I", "--remove")
    assert survey.json("tag")["pairs"] == {}
    assert survey.json("fsck")["findings"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", "x", "--run", "last"), "a tag is on a run or a pair, or on targets"),
        (("--run", "last", "x", "--group", "g"), "a tag is on a run or a pair, or on targets"),
        (("--run", "measure@none", "x"), "nothing has run as 'measure@none'"),
        (("--run", "last", "x", "--remove"), "lacks the tag 'x' already"),
        (("a", "x", "--group", "g"), "has no outcome of image group g"),
    ],
)
def test_what_cannot_be_tagged_is_named(survey, words, said):
    survey.ok("run", "measure", "--target", "a")
    before = survey.head()
    assert said in survey.error("tag", *words)[0]
    assert survey.head() == before


def test_runs_and_pairs_from_python(survey):
    survey.ok("run", "measure", "--target", "a")
    with stoa.open(survey.top) as project:
        project.tag(run="last", tag="draft")
        project.tag(run="measure@default", tag="paper")
        assert project.tags("runs") == {"draft": survey.runs()}
        assert project.tags(of="pairs") == {"paper": ["measure@default"]}
        assert project.tags() == {}
