"""Queries that a person types: they read, they end, and they do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from indexed import FIRST, Records, contents, outcome, run_files

import stoa.provenance.index as module
from stoa.model import Status
from stoa.provenance.index import Index, QueryError

FOR_EVER = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT {} FROM r"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    records = Records(tmp_path / "repo")
    records.put(run_files(FIRST, outcome(FIRST, "a"), outcome(FIRST, "b", Status.FAILED, cause="no beam")))
    yield records.index(tmp_path / "index.sqlite")
    records.close()


def test_columns_and_rows(index):
    sql = "SELECT target AS name, status, json_extract(record, '$.cause') FROM outcomes ORDER BY 1"
    assert index.select(sql) == (
        ["name", "status", "json_extract(record, '$.cause')"], [("a", "ok", None), ("b", "failed", "no beam")],
    )  # fmt: skip


def test_arguments_and_no_rows(index):
    assert index.select("SELECT target FROM latest WHERE status = ?", ["timeout"]) == (["target"], [])


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM outcomes", "UPDATE outcomes SET status = 'ok'", "INSERT INTO cleared VALUES ('a', 'b')",
        "DROP TABLE outcomes", "CREATE TABLE x(y)", "CREATE TEMP TABLE x(y)", "ALTER TABLE runs ADD COLUMN x",
        "REPLACE INTO seen VALUES ('runs', '')", "VACUUM", "VACUUM INTO 'copy.sqlite'", "ATTACH 'other.sqlite' AS o",
        "DETACH main", "PRAGMA user_version = 1", "PRAGMA user_version", "SELECT * FROM pragma_user_version",
        "BEGIN IMMEDIATE", "COMMIT", "SAVEPOINT s", "REINDEX", "ANALYZE", "SELECT load_extension('x')",
        "CREATE VIRTUAL TABLE t USING fts5(x)", "WITH x AS (SELECT 1) DELETE FROM runs",
        "SELECT * FROM (DELETE FROM runs RETURNING run)", "EXPLAIN DELETE FROM runs",
    ],
)  # fmt: skip
def test_what_would_do_more_than_read_is_refused(index, sql, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before, files = contents(index), sorted(tmp_path.iterdir())
    with pytest.raises(QueryError, match="cannot be answered"):
        index.select(sql)
    assert (contents(index), sorted(tmp_path.iterdir())) == (before, files)
    assert not index.connection.in_transaction


@pytest.mark.parametrize("sql", ["", "  ", "-- a comment", ";"])
def test_no_statement_is_said_to_be_none(index, sql):
    with pytest.raises(QueryError, match="it is not a SELECT"):
        index.select(sql)


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE runs", "SELECT 1; --\nSELECT 2"])
def test_several_statements_are_refused(index, sql):
    with pytest.raises(QueryError, match="one statement at a time"):
        index.select(sql)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC 1", 'near "SELEC": syntax error'), ("SELECT x FROM runs", "no such column: x"),
        ("SELECT * FROM nowhere", "no such table: nowhere"), ("SELECT ?", "write the value itself"),
        ("SELECT '\ud800'", "surrogates not allowed"), ("SELECT '\0'", "null"),
        ("SELECT zeroblob(500000000)", "too big"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(index, sql, words):
    with pytest.raises(QueryError, match=words):
        index.select(sql)


def test_a_query_without_end_is_stopped(index):
    with pytest.raises(QueryError, match=r"it takes longer than 0\.2 s"):
        index.select(FOR_EVER.format("max(n)"), within_s=0.2)
    assert index.select("SELECT count(*) FROM outcomes") == (["count(*)"], [(2,)])


def test_rows_without_end_are_stopped(index, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    with pytest.raises(QueryError, match="it gives more than 100 rows; say LIMIT"):
        index.select(FOR_EVER.format("n"))
    assert len(index.select(FOR_EVER.format("n") + " LIMIT 100")[1]) == 100


def test_a_statement_of_our_own_that_was_used_before_is_refused_all_the_same(index):
    index.rows("DELETE FROM cleared")
    with pytest.raises(QueryError, match="it may only read"):
        index.select("DELETE FROM cleared")
