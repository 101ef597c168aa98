"""stoa results: what a process reported for each target."""

from __future__ import annotations

import csv
import io

import pytest

SCRIPT = """\
#!/bin/sh
[ "$1" = c ] && { echo 'Error: no beam' >&2; exit 1; }
case $1 in a) n=3;; b) n=12;; esac
echo "{\\"rms\\": $n.5e-5, \\"n_sources\\": $n, \\"band\\": \\"B$n\\"}" > stoa-result.json
"""

PROCESS = """\
schema: 1
name: count
script: count.sh
command: [sh, "{script}", "{name}"]
results:
  n_sources: {type: int}
  rms: {type: float, unit: Jy/beam}
  band: {type: str}
"""


@pytest.fixture
def counted(survey):
    """A process that reports three numbers for a and b and fails for c."""
    (survey.top / "count.sh").write_text(SCRIPT, encoding="utf-8")
    (survey.top / ".stoa/processes/count.yaml").write_text(PROCESS, encoding="utf-8")
    survey("run", "count")
    return survey


def test_one_row_per_target_with_units_and_the_failed_ones(counted):
    assert counted.ok("results", "count").splitlines() == [
        "target  status  n_sources  rms [Jy/beam]  band",
        "a       ok              3        3.5e-05  B3",
        "b       ok             12       0.000125  B12",
        "c       failed",
    ]


@pytest.mark.parametrize(
    ("options", "order"),
    [
        (["--sort", "n_sources"], "abc"),
        (["--sort", "-rms"], "bac"),
        (["--where", "n_sources > 3"], "b"),
        (["--where", "status = 'failed'"], "c"),
        (["--where", "rms < 1e-4 AND band LIKE 'B%'"], "a"),
        (["--where", "n_files IS NULL", "--sort", "-target"], "cba"),
    ],
)
def test_rows_are_chosen_and_sorted(counted, options, order):
    assert "".join(row["target"] for row in counted.json("results", "count@default", *options)["rows"]) == order


def test_comma_separated_values_have_every_column(counted):
    rows = list(csv.DictReader(io.StringIO(counted.ok("results", "count", "--csv"))))
    assert [(row["target"], row["rms"], row["cause"]) for row in rows] == [
        ("a", "3.5e-05", ""), ("b", "0.000125", ""), ("c", "", "Error: no beam"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["count", "--sort", "rmss"], "no column named 'rmss'; did you mean 'rms'?"),
        (["count", "--where", "rmss > 1"], "no such column: rmss; did you mean 'rms'?"),
        (["measure@default"], "nothing has run as 'measure@default'"),
    ],
)
def test_a_mistake_is_named(counted, words, word):
    assert word in counted.error("results", *words)[0]


def test_a_run_of_other_parameters_is_a_table_of_its_own(counted):
    counted.edit(".stoa/processes/count.yaml", "results:", "params: {k: {type: int, default: 1}}\nresults:")
    counted.ok("run", "count", "--set", "k=2", "--target", "a")
    assert [row["target"] for row in counted.json("results", "count@default+k=2")["rows"]] == ["a"]


def test_the_view_of_the_index_has_what_a_query_needs(counted):
    counted.ok("run", "count", "--target", "a", "--force")
    sql = (
        "SELECT target, value, current FROM results WHERE process = 'count' AND name = 'n_sources' ORDER BY target, run"
    )
    assert counted.json("query", sql)["rows"] == [["a", 3, 0], ["a", 3, 1], ["b", 12, 1]]


def test_a_flag_is_shown(counted):
    counted.ok("flag", "b", "--reason", "artefacts")
    assert [row["flags"] for row in counted.json("results", "count")["rows"]] == ["", "artefacts", ""]


def test_the_only_pair_of_a_process_needs_no_name(survey):
    survey.ok("env", "add", "other")
    survey.ok("run", "measure", "--env", "other")
    assert survey.json("results", "measure")["environment"] == "other"
