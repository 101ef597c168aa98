"""`stoa query`: one SELECT over the index, as a table, JSON or CSV."""

from __future__ import annotations

import csv
import io

import pytest

from stoa.commands.query import query
from stoa.provenance.index import QueryError
from stoa.workspace.open import Workspace

COUNTS = "SELECT status, count(*) AS jobs FROM latest GROUP BY status ORDER BY status"


@pytest.fixture
def asked(survey):
    """One run: a and c are ok, b failed."""
    survey.does("b", "echo 'OSError: truncated' >&2; exit 3")
    survey("run", "measure")
    return survey


def test_a_table_goes_to_stdout_and_the_count_to_stderr(asked):
    result = asked("query", COUNTS)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["status  jobs", "failed     1", "ok         2"]
    assert result.stderr == "2 rows\n"


def test_json_has_columns_and_rows(asked):
    assert asked.json("query", COUNTS) == {"columns": ["status", "jobs"], "rows": [["failed", 1], ["ok", 2]]}


def test_csv_has_a_line_of_names(asked):
    asked.ok("comment", "a", "-m", 'one, "two"\nthree')
    found = asked.ok("query", "--csv", "SELECT target, text, NULL AS empty FROM reviews")
    assert list(csv.reader(io.StringIO(found))) == [["target", "text", "empty"], ["a", 'one, "two"\nthree', ""]]


def test_sql_from_standard_input(asked):
    assert asked("query", "-", "--csv", stdin="SELECT count(*) AS n\nFROM outcomes\n").stdout == "n\n3\n"


def test_nothing_that_a_terminal_would_obey_is_printed(asked):
    asked.ok("comment", "a", "-m", "red \x1b[31m alert")
    assert "red \\x1b[31m alert" in asked.ok("query", "SELECT text FROM reviews")


def test_bytes_are_counted_in_tables(asked):
    asked.ok("meta", "build")
    sql = "SELECT target, document FROM documents WHERE target = 'a'"
    assert asked.ok("query", sql).splitlines()[1].endswith(" bytes)")


def test_what_has_just_been_committed_is_there(asked):
    asked.ok("flag", "b", "--reason", "artefacts")
    assert asked.json("query", "SELECT target, reason FROM open_flags")["rows"] == [["b", "artefacts"]]


def test_json_and_csv_at_once_are_wrong_usage(asked):
    assert asked("query", "SELECT 1", "--json", "--csv").exit_code == 2


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT statsu FROM outcomes", "no such column: statsu; did you mean 'status'?"),
        ("SELECT duration_s FROM latest", "no such column: duration_s; there is one in outcomes and runs"),
        ("SELECT o.statsu FROM outcomes o", "no such column: o.statsu; did you mean 'status'?"),
        ("SELECT 1 FROM outcome", "no such table: outcome; did you mean 'outcomes'?"),
        ("DELETE FROM outcomes", "it may only read"),
        ("SELECT 1; SELECT 2", "You can only execute one statement at a time"),
    ],
)
def test_what_cannot_be_answered_is_an_error_with_a_hint(asked, sql, words):
    result = asked("query", sql)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: this SQL cannot be answered: ")
    assert words in result.stderr
    assert "hint: " in result.stderr
    assert asked.json("query", "SELECT count(*) FROM outcomes")["rows"] == [[3]]


def test_a_query_without_end_is_stopped(asked):
    ws = Workspace(asked.top)
    with pytest.raises(QueryError, match=r"it takes longer than 0\.1 s"):
        query(ws, "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", within_s=0.1)
    ws.close()
