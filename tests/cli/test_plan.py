"""stoa plan: what a run would do."""

from __future__ import annotations

from plans import UP_TO_DATE, verdicts


def test_a_plan_says_what_a_run_would_do(survey):
    survey.ok("run", "measure", "--target", "a")
    survey.does("b", "exit 1")
    survey("run", "measure", "--target", "b")
    plan = survey.json("plan", "measure")
    assert verdicts(plan) == {
        "a": UP_TO_DATE, "b": (False, "failed: exit code 1"), "c": (True, "no outcome yet"),
    }  # fmt: skip
    assert (plan["process"], plan["params"], plan["to_run"]) == ("measure", "default", 1)
