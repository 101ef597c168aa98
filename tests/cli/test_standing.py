"""Stale means one thing: status, plan, why, run, stack, diff and publish ask the same judge."""

from __future__ import annotations

import json

import pytest
from plans import verdicts

LOOK = """\
name: look
script: measure.sh
command: [sh, "{script}", "{target}", "1", "{image}"]
inputs: {image: {role: [correctedImage, image]}}
"""


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A busy machine takes its time."""
    monkeypatch.setattr("stoa.commands.status.LOOK_S", 60.0)


@pytest.fixture
def sky(survey, archive):
    """Two targets of an archive, one without an image; the process `look` has run over both."""
    made = archive(2, {1: "empty"})
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    (survey.top / ".stoa/processes/look.yaml").write_text(LOOK, encoding="utf-8")
    survey.git("rm", "--quiet", ".stoa/targets/data.yaml")
    survey.ok("meta", "build")
    survey("run", "look")
    survey.folders = [made.folder(0), made.folder(1)]
    survey.names = sorted(survey.statuses(), key=lambda name: survey.statuses()[name] == "blocked")
    assert [survey.statuses()[name] for name in survey.names] == ["ok", "blocked"]
    return survey


def stale(survey, *words: str) -> dict[str, str]:
    """Target -> why it is stale, as status says."""
    targets = survey.json("status", *words)["targets"]
    return {target["name"]: next(iter(target["stale"].values())) for target in targets if target["stale"]}


def image(folder):
    return next(file for file in folder.rglob("*.fits") if "image" in file.name or "pbcor" in file.name)


def change(file) -> None:
    with file.open("ab") as stream:
        stream.write(b"\0" * 2880)


def test_a_changed_input_is_seen_by_status_as_by_why(sky):
    assert stale(sky) == {}
    change(image(sky.folders[0]))
    assert stale(sky) == {sky.names[0]: "input image was delivered again"}
    assert "input image was delivered again" in sky.ok("why", "look", sky.names[0])


def test_a_touched_input_is_not_stale(sky):
    image(sky.folders[0]).touch()
    assert stale(sky) == {}


def test_a_blocked_outcome_whose_cause_is_gone_is_stale_everywhere_and_runs(sky):
    source = image(sky.folders[0])
    (sky.folders[1] / source.name).write_bytes(source.read_bytes())
    sky.ok("meta", "build")
    assert stale(sky) == {sky.names[1]: "what was missing is there now"}
    assert sky.json("status")["pairs"][0]["causes"] == []
    assert verdicts(sky.json("plan", "look"))[sky.names[1]] == (True, "what was missing is there now")
    sky.ok("run", "look")
    assert sky.statuses() == {sky.names[1]: "ok"}


def test_what_still_blocks_is_said_as_it_is_now(sky):
    (sky.folders[1]).rename(sky.folders[1].with_name("gone"))
    cause = sky.json("status")["pairs"][0]["causes"][0]["cause"]
    assert cause in sky.ok("why", "look", sky.names[1])


def test_a_look_that_would_take_too_long_is_remembered_from_the_last_plan(sky, monkeypatch):
    monkeypatch.setattr("stoa.commands.status.LOOK_S", 0.0)
    change(image(sky.folders[0]))
    assert stale(sky) == {}
    assert sky.json("status")["pairs"][0]["looked"]  # as the run did
    assert stale(sky, "--look") == {sky.names[0]: "input image was delivered again"}
    assert stale(sky) == {sky.names[0]: "input image was delivered again"}
    sky.ok("run", "look")
    assert stale(sky) == {}


def test_a_look_that_never_was_is_said(sky, monkeypatch):
    monkeypatch.setattr("stoa.commands.status.LOOK_S", 0.0)
    for file in (sky.top / ".stoa/cache/looks").iterdir():
        file.unlink()
    assert "inputs were not checked for changes (`stoa status --look`)" in sky.ok("status")


def test_a_why_amends_what_was_remembered(sky, monkeypatch):
    monkeypatch.setattr("stoa.commands.status.LOOK_S", 0.0)
    change(image(sky.folders[0]))
    sky.ok("why", "look", sky.names[0])
    assert set(stale(sky)) == {sky.names[0]}


def test_a_process_that_is_gone_makes_all_outcomes_stale(survey):
    survey.ok("run", "measure")
    (survey.top / ".stoa/processes/measure.yaml").unlink()
    assert set(stale(survey).values()) == {"no process named 'measure' is defined here"}


@pytest.fixture
def doubtful(found):
    """Stacked sources of a pair of which two outcomes are stale, one target is flagged, and one has no outcome."""
    found.edit(".stoa/processes/find.yaml", "outputs:", "params: {n: {type: int, default: 1}}\noutputs:")
    found.ok("run", "find", "--target", "a", "--force")
    (found.top / "data/d").mkdir()
    found.ok("target", "add", "data", "d")
    found.ok("flag", "a")
    return found


def test_a_stacked_catalogue_says_what_it_rests_on(doubtful):
    result = doubtful("catalogue", "stack", "find@default")
    assert "2 of 3 outcomes stale (parameter n: none -> 1)" in result.stderr
    assert "1 target flagged" in result.stderr
    counts = doubtful.json("catalogue", "stack", "find@default")["standing"]
    assert (counts["outcomes"], counts["stale"], counts["flagged"], counts["missing"]) == (3, 2, 1, 1)
    assert doubtful.json("status")["pairs"][0]["stale"] == 2
    text = (doubtful.top / "catalogues/find@default.vot").read_text()
    assert all(f'name="{name}"' in text for name in ("stale", "flagged", "missing"))


def test_a_comparison_says_what_it_rests_on(doubtful):
    said = doubtful.ok("diff", doubtful.runs()[0], "find@default")
    assert "find@default: 2 of 3 outcomes stale" in said


def test_stale_outcomes_are_published_only_when_that_is_accepted(doubtful):
    first, hint = doubtful.error("publish", "find@default", "--to", "paper")
    assert "2 of 3 outcomes of find@default are stale: parameter n: none -> 1" in first
    assert "--stale-ok" in hint
    assert not (doubtful.top / "paper").exists()
    doubtful.ok("publish", "find@default", "--to", "paper", "--stale-ok")
    for name in ("README.md", "methods.tex", "ro-crate-metadata.json"):
        text = (doubtful.top / "paper" / name).read_text(encoding="utf-8")
        assert "2 of 3 outcomes are stale" in text
        assert "1 of 3 targets have open flags" in text
        assert "1 targets of the project have no outcome" in text
    crate = json.loads((doubtful.top / "paper/ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert crate["@graph"]
