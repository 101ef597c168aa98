"""The project as it was at a commit or a date: looked at, and never written to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from found_sources import LOOK, table
from survey import Survey

import stoa
from stoa import StoaError


@pytest.fixture
def story(survey, monkeypatch):
    """One run on each of two days, a flag between them; the tag `first` names the end of the first day."""
    (survey.top / ".stoa/processes/measure.yaml").unlink()
    (survey.top / ".stoa/processes/find.yaml").write_text(LOOK, encoding="utf-8")
    (survey.top / "find.sh").write_text('cp "$1/table" sources.csv\n', encoding="utf-8")
    for name in "abc":
        (survey.top / "data" / name / "table").write_text(table((10.0, -30.0, 20.0)), encoding="utf-8")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "a finder")
    survey.ok("run", "find", "--target", "a", "--target", "b")
    survey.git("tag", "first")
    survey.ok("flag", "a", "--reason", "artefacts")
    for name in "abc":
        (survey.top / "data" / name / "table").write_text(
            table((11.0, -30.0, 8.0), (12.0, -30.0, 9.0)), encoding="utf-8"
        )
    survey.ok("run", "find", "--force")
    return survey


def test_what_was_known_then_is_shown(story):
    assert story.json("status")["pairs"][0]["counts"] == {"ok": 3}
    then = story.json("status", "--at", "first")
    assert then["pairs"][0]["counts"] == {"ok": 2}
    assert (then["flags"], story.json("status")["flags"]) == ({}, {"artefacts": ["a"]})
    assert [row["target"] for row in story.json("results", "find", "--at", "first")["rows"]] == ["a", "b"]
    assert len(story.json("runs", "--at", "first")) == 1
    assert "artefacts" not in story.ok("show", "a", "--at", "first")


def test_a_catalogue_of_then_is_written_beside_those_of_now(story):
    commit = story.git("rev-parse", "first").strip()
    said = story.json("catalogue", "stack", "find@default", "--at", "first")
    assert said["files"] == [f"catalogues/find@default-at-{commit[:10]}{suffix}" for suffix in (".vot", ".fits")]
    assert said["sources"] == 2
    assert story.json("catalogue", "stack", "find@default")["sources"] == 6


def test_two_states_of_a_pair_can_be_compared_as_tables(story):
    story.ok("catalogue", "stack", "find@default", "--at", "first", "--out", "before.vot")
    story.ok("catalogue", "stack", "find@default", "--out", "after.vot")
    assert (story.top / "before.vot").exists()
    assert (story.top / "after.vot").exists()


def test_what_is_published_is_the_state_of_then(story):
    said = story.ok("publish", "find@default", "--to", "paper", "--at", "first", "--stale-ok")
    assert said.startswith("published find@default in paper: 2 jobs (2 ok), 2 sources")


def test_looking_changes_nothing(story):
    before = story.git("status", "--porcelain"), story.head(), story.git("for-each-ref")
    for words in (("status",), ("diff", "find@default", "find@default"), ("reviews",), ("query", "SELECT 1")):
        story.ok(*words, "--at", "first")
    assert (story.git("status", "--porcelain"), story.head(), story.git("for-each-ref")) == before
    assert story.ok("fsck")


@pytest.mark.parametrize("name", ["main~1", "first", "first^{commit}", "heads/main"])
def test_names_of_git_are_understood(story, name):
    story.git("branch", "-M", "main")
    assert f"as of commit {story.git('rev-parse', name)[:10]}" in story("status", "--at", name).stderr


def test_a_date_is_the_last_commit_until_then(survey, monkeypatch):
    days = []
    for day in ("2026-03-01T10:00:00Z", "2026-03-02T23:59:59Z", "2026-03-04T00:00:00+02:00"):
        monkeypatch.setenv("GIT_COMMITTER_DATE", day)
        survey.git("commit", "--quiet", "--allow-empty", "--message", day)
        days.append(survey.head()[:10])
    first, second, third = days
    for when, commit in (
        ("2026-03-01", first), ("2026-03-01T10:00", first), ("2026-03-02", second), ("2026-03-03T21:59", second),
        ("2026-03-03T22:00Z", third), ("2026-03-04 00:00+02:00", third), ("2026-03-09", third),
    ):  # fmt: skip
        assert f"as of commit {commit}" in survey("status", "--at", when).stderr, when


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("nonsense", "there is no commit, tag or branch 'nonsense'"),
        ("yesterday", "there is no commit, tag or branch 'yesterday'"),
        ("--all", "there is no commit, tag or branch '--all'"),
        ("2026-13-01", "there is no date '2026-13-01'"),
        ("1990-01-01", "no commit is as old as 1990-01-01"),
        ("HEAD:.stoa", "there is no commit, tag or branch 'HEAD:.stoa'"),
    ],
)
def test_what_is_no_commit_is_named(survey, when, words):
    assert words in survey.error("status", f"--at={when}")[0]


def test_before_there_was_a_project(survey):
    tree = survey.git("hash-object", "-t", "tree", "-w", "/dev/null").strip()
    commit = survey.git("commit-tree", "-m", "nothing", tree).strip()
    assert f"there was no project yet at {commit}" in survey.error("status", "--at", commit)[0]


def test_the_copies_in_the_cache_are_few(survey):
    for number in range(8):
        survey.git("commit", "--quiet", "--allow-empty", "--message", f"{number}")
    for number in range(8):
        survey.ok("status", "--at", f"HEAD~{number}")
    assert len([each for each in (survey.top / ".stoa/cache/at").iterdir() if each.is_dir()]) == 5


def test_from_python(story):
    with stoa.open(story.top) as project, project.at("first") as then:
        assert [len(each.outcomes("find", "default")) for each in (then, project)] == [2, 3]
        with pytest.raises(StoaError, match="only be looked at"):
            then.flag("a", reason="artefacts")


@pytest.fixture
def twice(survey) -> tuple[Survey, str]:
    """A project with two judgements, that others may clone in part; and the commit before the second one."""
    survey.ok("flag", "a", "-m", "before")
    before = survey.head()
    survey.ok("flag", "b", "-m", "after")
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        survey.git("config", key, "true")
    return survey, before


def _cloned(survey: Survey, place: Path, *options: str) -> Survey:
    command = ["git", "clone", "--quiet", *options, f"file://{survey.top}", str(place)]
    subprocess.run(command, check=True, capture_output=True)
    return Survey(place, survey.terminal)


@pytest.mark.parametrize("when", ["HEAD~1", "2020-01-01", "whole commit"])
def test_a_shallow_clone_says_that_it_does_not_reach_back_and_how_it_does(twice, tmp_path, when):
    survey, before = twice
    shallow = _cloned(survey, tmp_path / "shallow", "--depth", "1")
    message, hint = shallow.error("reviews", "--at", before if when == "whole commit" else when)
    assert "this clone is shallow" in message
    assert "git fetch --unshallow" in hint
    assert "after" in shallow.ok("reviews", "--at", "HEAD")
    shallow.git("fetch", "--quiet", "--unshallow")
    assert "after" not in shallow.ok("reviews", "--at", before)


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_partial_clone_fetches_what_an_earlier_state_needs(twice, tmp_path, kind):
    survey, before = twice
    partial = _cloned(survey, tmp_path / "partial", f"--filter={kind}")
    said = partial.ok("reviews", "--at", before)
    assert "before" in said
    assert "after" not in said
    assert [row["name"] for row in partial.json("target", "list")] == ["a", "b", "c"]


def test_a_partial_clone_whose_origin_is_gone_says_so(twice, tmp_path):
    survey, before = twice
    partial = _cloned(survey, tmp_path / "partial", "--filter=tree:0")
    survey.top.rename(tmp_path / "elsewhere")
    lines = partial.error("reviews", "--at", before)
    assert len(" ".join(lines)) > 20
    assert "Traceback" not in "".join(lines)
