"""stoa step: what was looked at, by whom."""

from __future__ import annotations

import pytest
from stepped import with_steps
from survey import Survey


@pytest.fixture
def stepped(survey: Survey) -> Survey:
    """A project with two steps."""
    return with_steps(survey)


def test_steps_are_counted_with_who_did_them(stepped):
    assert stepped.ok("step", "a", "b", "weblog", "done").startswith("recorded the step for 2 targets (commit ")
    stepped.ok("step", "c", "weblog", "not-needed", "-m", "no new data")
    lines = stepped.ok("status").splitlines()
    name = stepped.git("config", "user.name").strip()
    assert lines[lines.index("steps") + 1 :][:2] == [
        f"  weblog: 2 of 3 done ({name} 2), 1 not needed", "  accepted: 0 of 3 done",
    ]  # fmt: skip
    assert stepped.json("status")["steps"][0] == {
        "step": "weblog", "targets": 3, "done": 2, "not_needed": 1, "by": {name: 2},
    }  # fmt: skip


def test_the_last_that_is_said_counts_and_all_stays_in_git(stepped):
    for state in ("done", "undone", "done", "undone"):
        stepped.ok("step", "a", "accepted", state)
    assert stepped.json("status")["steps"][1]["done"] == 0
    assert [row["state"] for row in stepped.json("reviews", "a")] == ["done", "undone", "done", "undone"]
    assert len(stepped.git("ls-tree", "--name-only", "HEAD:.stoa/reviews/a").split()) == 4
    assert "step accepted undone by" in stepped.ok("show", "a")
    assert stepped.subjects()[0] == "step a (accepted undone)"


def test_targets_are_chosen_by_expression_too(stepped):
    stepped.ok("step", "--where", "name != 'a'", "accepted", "done")
    found = stepped.ok("query", "SELECT target, state FROM steps WHERE step = 'accepted' ORDER BY target")
    assert found.split()[-4:] == ["b", "done", "c", "done"]
    stepped.ok("flag", "--where", "name IN (SELECT target FROM steps WHERE state = 'done')", "--reason", "check")
    assert stepped.json("status")["flags"] == {"check": ["b", "c"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", "weblog", "finished"), "a step is done, not-needed or undone, not 'finished'"),
        (("a", "webblog", "done"), "no step named 'webblog'; did you mean 'weblog'?"),
        (("x", "weblog", "done"), "no target named 'x'"),
        (("weblog", "done"), "which targets?"),
    ],
)
def test_what_is_not_understood_is_named(stepped, words, said):
    assert said in stepped.error("step", *words)[0]


def test_a_project_without_steps_says_how_to_declare_them(survey):
    error, hint = survey.error("step", "a", "weblog", "done")
    assert error == "error: this project has no steps of a review"
    assert "steps: {accepted: good for the paper}" in hint
    assert "steps" not in survey.ok("status")


@pytest.mark.parametrize(
    "line",
    ["state: finished", "step: ../x", "step: ''", "person: 7", "kind: step\nstep: weblog"],
)
def test_a_record_that_is_none_is_named_and_the_others_count(stepped, line):
    stepped.ok("step", "a", "weblog", "done")
    stepped.ok("step", "b", "weblog", "done")
    (file,) = (stepped.top / ".stoa/reviews/a").iterdir()
    key = line.split(":")[0]
    kept = [each for each in file.read_text().splitlines() if not each.startswith((f"{key}:", "state:"))]
    file.write_text("\n".join([*kept, line]) + "\n")
    stepped.git("commit", "--quiet", "--all", "--message", "by hand")
    assert stepped.json("status")["steps"][0]["done"] == 1
    assert f"reviews/a/{file.name}" in stepped("fsck").output
