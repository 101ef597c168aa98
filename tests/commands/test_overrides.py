"""Values that rules of a parameter set give to some targets: which, from where, and what goes stale."""

from __future__ import annotations

import json

import pytest

RULES = """\
process: measure
values: {snr: 6}
rules:
- {where: "name IN ('a', 'b')", values: {snr: 4, deep: true}, doc: faint ones}
- {where: "name = 'b'", values: {snr: 3, n: 9}}
"""


@pytest.fixture
def ruled(survey):
    folder = survey.top / ".stoa/params/measure"
    folder.mkdir(parents=True)
    (folder / "mixed.yaml").write_text(RULES, encoding="utf-8")
    survey.edit("measure.sh", 'echo "snr', 'cp stoa-job.json job.json; echo "snr')
    return survey


def test_a_set_with_a_rule_is_written_on_the_command_line(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4", "--set", "n=5")
    words = ("params", "new", "mixed", "--process", "measure", "--base", "deep", "--where", "name = 'a'")
    survey.ok(*words, "--set", "n=9", "--set", "mode=slow")
    survey.ok("params", "new", "more", "--process", "measure", "--base", "mixed", "--set", "deep=true", "--set", "n=7")
    shown = ("params", "show", "--process", "measure", "--target")
    values = {
        (name, target): survey.json(*shown, target, name)["values"] for name in ("mixed", "more") for target in "ab"
    }
    assert values == {
        ("mixed", "a"): {"snr": 4.0, "mode": "slow", "deep": False, "n": 9},
        ("mixed", "b"): {"snr": 4.0, "mode": "fast", "deep": False, "n": 5},
        ("more", "a"): {"snr": 4.0, "mode": "slow", "deep": True, "n": 7},
        ("more", "b"): {"snr": 4.0, "mode": "fast", "deep": True, "n": 7},
    }
    assert survey.git("log", "-1", "--format=%s").strip() == (
        "parameter set more of measure: snr=4, deep=true, n=7, 1 rule"
    )
    assert {row["set"]: row["values"] for row in survey.json("params", "list")}["mixed"] == "snr=4, n=5, 1 rule"


def test_a_rule_that_cannot_be_understood_writes_no_set(survey):
    words = ("params", "new", "mixed", "--process", "measure", "--where")
    assert survey.error(*words, "name = 'a'")[0].startswith("error: `--where` says for which targets values count")
    assert "band_" in survey.error(*words, "band_ = 3", "--set", "n=9")[0]
    assert not (survey.top / ".stoa/params/measure/mixed.yaml").exists()


def told(survey, target: str) -> dict:
    place = survey.outcomes()[target]["place"].replace(":", "/", 1)
    return json.loads((survey.top / place / "job.json").read_text())["params"]


def test_each_target_has_its_own_values(ruled):
    ruled.ok("run", "measure", "--params", "mixed")
    assert told(ruled, "a") == {"snr": 4.0, "mode": "fast", "deep": True, "n": 3}
    assert told(ruled, "b") == {"snr": 4.0, "mode": "fast", "deep": True, "n": 9}
    assert told(ruled, "c") == {"snr": 6.0, "mode": "fast", "deep": False, "n": 3}


def test_the_outcome_records_what_a_rule_gave_and_the_run_the_rules(ruled):
    ruled.ok("run", "measure", "--params", "mixed")
    found = ruled.outcomes()
    assert found["b"]["overrides"] == {
        "snr": {"value": 4.0, "rule": 1}, "deep": {"value": True, "rule": 1}, "n": {"value": 9, "rule": 2},
    }  # fmt: skip
    assert "overrides" not in found["c"]
    rules = ruled.json("show", "last")["run"]["params"]["rules"]
    assert [rule["where"] for rule in rules] == ["name IN ('a', 'b')", "name = 'b'"]
    assert "  values by rule: snr=4 (rule 1), deep=true (rule 1)" in ruled.ok("show", "a").splitlines()


def test_where_a_value_comes_from_is_shown(ruled):
    lines = ruled.ok("params", "show", "mixed", "--process", "measure", "--target", "b").splitlines()
    assert [" ".join(line.split()[:5]) for line in lines[1:]] == [
        "snr 4 rule 1: faint", "mode fast default", "deep true rule 1: faint", "n 9 rule 2: name",
    ]  # fmt: skip
    lines = ruled.ok("params", "show", "mixed", "--process", "measure").splitlines()
    assert lines[1].split()[:4] == ["snr", "6", "set", "mixed"]
    assert lines[-2:] == [
        "rule 1: snr=4, deep=true where name IN ('a', 'b') (faint ones)", "rule 2: snr=3, n=9 where name = 'b'",
    ]  # fmt: skip
    assert (
        ruled.error("params", "show", "mixed", "--process", "measure", "--target", "d")[0]
        == "error: no target named 'd'"
    )


def reasons(survey) -> dict[str, str]:
    jobs = survey.json("plan", "measure", "--params", "mixed")["jobs"]
    return {job["target"]: job["reason"] for job in jobs}


def test_only_targets_whose_values_change_are_stale(ruled):
    ruled.ok("run", "measure", "--params", "mixed")
    assert set(reasons(ruled).values()) == {"up to date"}
    ruled.edit(".stoa/params/measure/mixed.yaml", "n: 9", "n: 8")
    assert reasons(ruled) == {"a": "up to date", "b": "parameter n: 9 -> 8", "c": "up to date"}
    ruled.edit(".stoa/params/measure/mixed.yaml", "snr: 6", "snr: 7")
    assert reasons(ruled) == {"a": "up to date", "b": "parameter n: 9 -> 8", "c": "parameter snr: 6 -> 7"}
    assert ruled.json("status")["pairs"][0]["stale"] == 2


def test_rules_that_give_the_same_make_nothing_stale(ruled):
    ruled.ok("run", "measure", "--params", "mixed")
    ruled.edit(".stoa/params/measure/mixed.yaml", "name IN ('a', 'b')", "name < 'c'")
    assert set(reasons(ruled).values()) == {"up to date"}


def test_the_command_line_comes_before_rules(ruled):
    ruled.ok("run", "measure", "--params", "mixed", "--set", "snr=6")
    assert told(ruled, "a") == {"snr": 6.0, "mode": "fast", "deep": True, "n": 3}
    assert ruled.json("show", "last")["run"]["params"]["name"] == "mixed+snr=6"


def test_a_rule_over_the_metadata(survey, archive):
    made = archive(2, {1: "no beam"})
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    survey.git("rm", "--quiet", ".stoa/targets/data.yaml")
    survey.ok("meta", "build")
    (survey.top / ".stoa/params/measure").mkdir(parents=True)
    rule = "process: measure\nrules:\n- {where: \"problems LIKE '%no-beam%'\", values: {snr: 9}}\n"
    (survey.top / ".stoa/params/measure/default.yaml").write_text(rule, encoding="utf-8")
    survey.ok("run", "measure")
    assert sorted("overrides" in outcome for outcome in survey.outcomes().values()) == [False, True]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("snr: 4,", "snr: 400,", "parameter 'snr' of process 'measure' must be at most 100, got 400 ({file}, line"),
        ("n: 9", "m: 9", "process 'measure' has no parameter 'm' ({file}, line 5)"),
        (
            'where: "name = ',
            'were: "name = ',
            "unknown field 'were' of rules[1]; did you mean 'where'? ({file}, line 5)",
        ),
        (
            "name = 'b'",
            "nam = 'b'",
            "rule 2 of parameter set 'mixed': this SQL cannot be answered: no such column: nam",
        ),
        ("name = 'b'", "status = 'ok'", "rule 2 of parameter set 'mixed': this SQL cannot be answered: no such"),
    ],
)
def test_a_wrong_rule(ruled, old, new, message):
    ruled.edit(".stoa/params/measure/mixed.yaml", old, new)
    file = ".stoa/params/measure/mixed.yaml"
    assert ruled.error("run", "measure", "--params", "mixed")[0].startswith("error: " + message.format(file=file))
    assert ruled.runs() == []


def test_a_run_with_rules_is_reproduced(ruled):
    ruled.ok("run", "measure", "--params", "mixed")
    assert ruled.json("reproduce")["counts"] == {"identical": 3}


def test_a_comparison_of_sets_says_which_rules_differ(ruled):
    folder = ruled.top / ".stoa/params/measure"
    text = (folder / "mixed.yaml").read_text()
    (folder / "other.yaml").write_text(text.replace("n: 9", "n: 8").replace("name IN ('a', 'b')", "name = 'a'"))
    said = ruled.ok("params", "diff", "--process", "measure", "mixed", "other")
    assert "n: 9 -> 8" in said or "n=8" in said
    assert "name = 'a'" in said
    ruled.ok("run", "measure@mixed")
    ruled.ok("run", "measure@other")
    assert [word for word in ruled.json("diff", "measure@mixed", "measure@other")["definitions"] if "rule" in word]
