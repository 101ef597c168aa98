"""stoa params: named values of a process."""

from __future__ import annotations

import pytest


def test_a_parameter_set_holds_what_differs_from_the_defaults(survey):
    before = survey.head()
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4", "--set", "n=3", "--doc", "go deeper")
    assert survey.subjects(before) == ["parameter set deep of measure: snr=4"]
    assert survey.committed(".stoa/params/measure/deep.yaml") == (
        "schema: 1\nprocess: measure\ndoc: go deeper\nvalues:\n  snr: 4.0\n"
    )


def test_a_parameter_set_can_start_from_another(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    survey.ok("params", "new", "deeper", "--process", "measure", "--base", "deep", "--set", "mode=slow")
    values = survey.json("params", "show", "deeper", "--process", "measure")["values"]
    assert values == {"snr": 4.0, "mode": "slow", "deep": False, "n": 3}


def test_parameter_sets_are_listed_beside_a_process_that_cannot_be_read(survey):
    (survey.top / ".stoa/processes/broken.yaml").write_text("schema: 1\nname: broken\ncommand: [x\n", encoding="utf-8")
    rows = {row["process"]: (row["set"], row["values"], row["problem"][:8]) for row in survey.json("params", "list")}
    assert rows == {
        "broken": ("default", "", "not YAML"),
        "measure": ("default", "all defaults", ""),
    }
    assert survey("params", "list", "--process", "broken").exit_code == 1


def test_parameter_sets_are_listed_shown_and_compared(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4", "--set", "deep=true")
    assert survey.ok("params", "list").splitlines()[1:] == [
        "measure  deep     snr=4, deep=true",
        "measure  default  all defaults",
    ]
    assert survey.ok("params", "show", "deep", "--process", "measure").splitlines()[1] == (
        "snr        4      set deep  seed clip in sigma"
    )
    assert survey.ok("params", "diff", "default", "deep", "--process", "measure").splitlines() == [
        "parameter snr: 5 -> 4",
        "parameter deep: false -> true",
    ]
    assert survey.ok("params", "diff", "deep", "deep", "--process", "measure") == "the sets are equal\n"


@pytest.mark.parametrize("text", ["no", "012", "1:30", "2026-11-22", "1e5", "~", "null", "a\tb", "é"])
def test_a_text_that_yaml_would_reinterpret_stays_as_it_was_typed(survey, text):
    survey.edit(".stoa/processes/measure.yaml", "choices: [fast, slow]", "doc: any")
    survey.ok("params", "new", "odd", "--process", "measure", "--set", f"mode={text}")
    assert survey.json("params", "show", "odd", "--process", "measure")["values"]["mode"] == text
