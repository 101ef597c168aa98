"""A pair is a process, a parameter set and an environment: how it is written, and that two environments stay apart."""

from __future__ import annotations

import pytest

from stoa.errors import StoaError
from stoa.workspace.names import Pair, split_pair, written

SETS = {"default", "deep", "deep+blue", "default+snr=1e+20"}
ENVIRONMENTS = {"host", "casa", "gcc+12"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sep", ("sep", "", "")),
        ("sep@deep", ("sep", "deep", "")),
        ("sep@deep+casa", ("sep", "deep", "casa")),
        ("sep@default+snr=4", ("sep", "default+snr=4", "")),
        ("sep@default+snr=4+casa", ("sep", "default+snr=4", "casa")),
        ("sep@default+snr=4+n=2+casa", ("sep", "default+snr=4+n=2", "casa")),
        ("sep@default+mode=a%2Bb", ("sep", "default+mode=a%2Bb", "")),
        ("sep@deep+cassa", ("sep", "deep", "cassa")),  # said to be no environment later
        ("sep@deep+blue", ("sep", "deep+blue", "")),  # a set of old
        ("sep@deep+blue+casa", ("sep", "deep+blue", "casa")),
        ("sep@default+snr=1e+20", ("sep", "default+snr=1e+20", "")),  # a set of old
        ("sep@deep+gcc+12", ("sep", "deep", "gcc+12")),  # an environment of old
    ],
)
def test_a_pair_is_read_in_one_way(text, parts):
    assert split_pair(text, SETS, ENVIRONMENTS) == parts


@pytest.mark.parametrize("text", ["@deep", "sep@", "sep@+casa", "sep@deep+"])
def test_a_pair_without_a_part_is_refused(text):
    with pytest.raises(StoaError, match="is not a PROCESS@SET"):
        split_pair(text, SETS, ENVIRONMENTS)


@pytest.mark.parametrize("params", ["default", "deep", "default+snr=4", "default+mode=a%2Bb"])
@pytest.mark.parametrize("environment", ["host", "casa"])
def test_what_is_written_is_read_as_it_was(params, environment):
    text = written(Pair("sep", params, environment), "host")
    process, found, where = split_pair(text, {"default"}, {"host", "casa"})
    assert (process, found, where or "host") == ("sep", params, environment)


@pytest.fixture
def both(survey):
    """A process that has run in its own environment and in `other`."""
    survey.ok("env", "add", "other", "--environ", "PLACE=other")
    survey.does("c", 'test "$PLACE" = other || exit 1')
    survey("run", "measure")
    survey.ok("run", "measure@default+other")
    return survey


def test_outcomes_of_two_environments_stay_side_by_side(both):
    found = {pair["name"]: pair["counts"] for pair in both.json("status")["pairs"]}
    assert found == {"measure@default": {"ok": 2, "failed": 1}, "measure@default+other": {"ok": 3}}
    assert both.json("run", "measure", "--env", "other")["up_to_date"] == {"up to date": 3}
    assert both.json("run", "measure")["up_to_date"] == {"up to date": 2, "failed before": 1}
    assert "measure @ default+other: ok" in both.ok("show", "c")


def test_diff_compares_two_environments(both):
    found = both.json("diff", "measure@default", "measure@default+other")
    assert found["definitions"][0] == "environment: host -> other"
    assert found["transitions"] == [{"before": "failed", "after": "ok", "jobs": [["c", ""]]}]


def test_each_environment_is_asked_by_its_name(both):
    assert both.json("why", "measure@default+other", "c")[0]["state"] == "ok"
    assert both.json("why", "measure", "c")[0]["state"] == "failed"
    assert both.json("status", "--process", "measure@default+other")["pairs"][0]["environment"] == "other"
    assert both.json("status", "--process", "measure", "--env", "host")["pairs"][0]["name"] == "measure@default"
    assert both.error("run", "measure@default+other", "--env", "host")[0].startswith("error: 'measure@default+other'")
    assert "which one? measure@default, measure@default+other" in both.error("rerun", "measure")[1]


def test_a_rerun_of_a_pair_stays_in_its_environment(both):
    both.ok("rerun", "measure@default+other", "--target", "a")
    assert both.json("show", "last")["run"]["environment"] == "other"


def test_a_process_that_names_a_different_environment_is_a_different_pair(both):
    both.edit(".stoa/processes/measure.yaml", "outputs:", "environment: other\noutputs:")
    found = {pair["name"]: pair["counts"] for pair in both.json("status")["pairs"]}
    assert found == {"measure@default+host": {"ok": 2, "failed": 1}, "measure@default": {"ok": 3}}


def test_the_environment_that_a_rule_chose_belongs_to_the_pair_of_the_one_with_the_rule(survey):
    survey.ok("env", "add", "other", "--environ", "PLACE=other")
    with (survey.top / ".stoa/environments/host.yaml").open("a", encoding="utf-8") as file:
        file.write("rules:\n- {where: \"target = 'a' OR n_files IS NULL\", environment: other}\n")
    survey.ok("run", "measure")
    assert {outcome.get("environment") for outcome in survey.outcomes().values()} <= {"other", None}
    assert [pair["name"] for pair in survey.json("status")["pairs"]] == ["measure@default"]


@pytest.mark.parametrize("kind", [("params", "new", "a+b", "--process", "measure"), ("env", "add", "a+b")])
def test_no_new_set_or_environment_has_a_plus_in_its_name(survey, kind):
    assert "'a+b'" in survey.error(*kind)[0]


def test_a_value_with_a_plus_names_its_set_in_one_way(survey):
    survey.edit(".stoa/processes/measure.yaml", "choices: [fast, slow]", "choices: [fast, slow, a+b]")
    survey.ok("run", "measure", "--set", "mode=a+b", "--set", "snr=1e1")
    [pair] = survey.json("status")["pairs"]
    assert (pair["name"], pair["environment"]) == ("measure@default+snr=10+mode=a%2Bb", "host")
    assert survey.json("why", "measure", "a")[0]["state"] == "new"
    assert survey.ok("rerun", pair["name"], "--target", "a")
