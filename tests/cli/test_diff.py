"""stoa diff: definitions, statuses and results of two runs."""

from __future__ import annotations

import pytest


@pytest.fixture
def two(looked):
    """The run of `looked` and one with snr 4, in which a is ok again, b too, and c failed."""
    looked.does("b", "true")
    looked.does("c", "exit 1")
    looked("run", "measure", "--set", "snr=4")
    return looked


def test_a_diff_says_what_changed_in_definitions_statuses_and_results(two):
    first, second = two.runs()
    lines = two.ok("diff", "measure@default", "measure@default+snr=4").splitlines()
    assert lines == [
        f"measure@default (run {first}) -> measure@default+snr=4 (run {second})",
        "definitions",
        "  parameter snr: 5 -> 4",
        "statuses: 1 job with the same status",
        "  1 failed -> ok: b",
        "  1 skipped -> failed: c",
        "results, over the jobs that both have",
        "result  jobs  median a  median b  median change  beyond tolerance",
        "snr        1         5         4        -20.0 %  1 (of 5 %)",
        "",
        "most surprising",
        "target  result  a  b   change  surprise",
        "a       snr     5  4  -20.0 %       0.0",
    ]


def test_a_diff_says_which_outcomes_of_a_pair_rest_on_an_older_script(looked):
    first = looked.runs()[0]
    looked.edit("measure.sh", "snr $2", "SNR $2")
    looked("run", "measure", "--target", "a", "--force")
    looked("run", "measure", "--set", "snr=4")
    second = looked.runs()[1]
    lines = looked.ok("diff", "measure@default", "measure@default+snr=4").splitlines()
    number = len(looked.outcomes()) - 1
    share = f"  {number} of {number + 1} outcomes of measure@default"
    assert f"{share} rest on another script than run {second}: those of {first}" in lines
    assert looked.json("diff", first, second)["mixtures"] == []


def test_a_diff_names_targets_that_one_side_lacks(two):
    two.ok("run", "measure", "--target", "a", "--force")
    lines = two.ok("diff", two.runs()[0], "last").splitlines()
    assert f"  1 failed in {two.runs()[0]} only: b" in lines


def test_a_diff_names_the_fields_of_a_definition_that_changed_and_no_others(looked):
    looked.edit(".stoa/processes/measure.yaml", "default: 5, min: 1", "default: 5, min: 2")
    looked.edit(".stoa/processes/measure.yaml", '"{params.snr}"]', '"{params.snr}", --quiet]')
    looked.edit(".stoa/processes/measure.yaml", "doc: measures what there is\n", "")
    looked("run", "measure")
    assert looked.json("diff", *looked.runs())["definitions"] == [
        "definition: doc: measures what there is -> none",
        "definition: command: with --quiet",
        "definition: params.snr.min: 1 -> 2",
    ]


def test_a_diff_shows_how_the_script_changed(looked):
    looked.edit("measure.sh", "snr $2", "SNR $2")
    looked("run", "measure")
    report = looked.json("diff", *looked.runs())
    assert report["definitions"] == ["the script"]
    assert [line for line in report["script_diff"] if line[:2] in ("-e", "+e")] == [
        '-echo "snr $2" > table.txt',
        '+echo "SNR $2" > table.txt',
    ]


def test_a_diff_of_a_run_with_itself_says_that_nothing_differs(looked):
    lines = looked.ok("diff", "last", "last").splitlines()
    assert lines[1:] == [
        "definitions: no difference",
        "statuses: 3 jobs with the same status",
        "results, over the jobs that both have; equal: snr",
    ]


@pytest.mark.parametrize(
    ("a", "b", "change", "shown"), [(2, 6, 2.0, "+200.0 %"), (0, 3, None, "from 0"), (-2, -1, 0.5, "+50.0 %")]
)
def test_a_change_is_told_as_part_of_the_first_value(survey, a, b, change, shown):
    for value in (a, b):
        survey.does("a", f"echo '{{\"snr\": {value}}}' > stoa-result.json; echo > table.txt; exit 0")
        survey.ok("run", "measure", "--target", "a", "--force")
    report = survey.json("diff", *survey.runs())
    assert (report["changes"][0]["change"], report["results"][0]["median_change"]) == (change, change)
    assert survey.ok("diff", *survey.runs()).count(shown) == 2


def test_a_change_within_the_tolerance_is_no_surprise(looked):
    looked("run", "measure", "--set", "snr=5.1")
    report = looked.json("diff", *looked.runs())
    assert [(change["name"], change["beyond"]) for change in report["changes"]] == [("snr", False)]
    assert "most surprising" not in looked.ok("diff", *looked.runs())
