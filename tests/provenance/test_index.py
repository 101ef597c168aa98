"""What the index says of a commit, and that it says the same however it got there."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from indexed import (
    COLUMNS,
    FIRST,
    SECOND,
    THIRD,
    Records,
    contents,
    head,
    outcome,
    read_meta,
    review,
    run_files,
    summary,
)

from stoa.model import Status
from stoa.provenance.git import Repository
from stoa.provenance.index import Index, decode_outcome, decode_run
from stoa.provenance.records import write_outcomes, write_run

EVENTS = [f"20261122T12000{n}-bbbbbb" for n in range(3)]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path / "repo")
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index.sqlite"


def latest(index: Index) -> list[tuple]:
    return index.rows("SELECT target, grp, run, attempt, status FROM latest ORDER BY target, grp")


def problems(index: Index) -> list[tuple]:
    return index.rows("SELECT path, message FROM problems ORDER BY path, message")


def test_outcomes_with_their_results_are_rows(records, file):
    ok = outcome(FIRST, "a", duration_s=2.5, memory_mb=80.0, exit_code=0, results={"rms": 1.5e-5, "n": 3, "bad": None})
    records.put(run_files(FIRST, ok, outcome(FIRST, "b", Status.FAILED, cause="no beam", exit_code=1)))
    index = records.index(file)
    sql = (
        "SELECT target, process, params, status, cause, exit_code, duration_s, memory_mb FROM outcomes ORDER BY target"
    )
    assert index.rows(sql) == [
        ("a", "sep", "default", "ok", "", 0, 2.5, 80.0),
        ("b", "sep", "default", "failed", "no beam", 1, 0.0, 0.0),
    ]
    assert index.rows("SELECT name, value FROM results ORDER BY name") == [("bad", None), ("n", 3), ("rms", 1.5e-5)]


def test_a_record_is_kept_as_it_stands_in_git(records, file):
    line = b'- {"schema": 1, "run": "%b", "target": "a", "status": "ok", "later": "\xc3\xa4"}\n' % FIRST.encode()
    records.put({f"runs/{FIRST}/run.yaml": write_run(head(FIRST)), f"runs/{FIRST}/outcomes-0000.yaml": line})
    record = records.index(file).rows("SELECT record FROM outcomes")[0][0]
    assert record.encode() == line[2:-1]
    assert decode_outcome(record) == outcome(FIRST, "a")


def test_a_run_has_its_summary_once_it_is_there(records, file):
    records.put(run_files(FIRST, outcome(FIRST, "a")))
    index = records.index(file)
    assert index.rows("SELECT run, finished, summary FROM runs") == [(FIRST, None, None)]
    records.put({f"runs/{FIRST}/summary.yaml": summary(FIRST, ok=1)})
    assert records.update(index).rows("SELECT duration_s FROM runs") == [(60.0,)]
    assert decode_run(index.rows("SELECT record FROM runs")[0][0]) == head(FIRST)


def test_the_later_run_and_the_later_attempt_count(records, file):
    records.put(run_files(SECOND, outcome(SECOND, "a", attempt=2), outcome(SECOND, "a", Status.KILLED)))
    index = records.index(file)
    assert latest(index) == [("a", "", SECOND, 2, "ok")]
    records.put(run_files(FIRST, outcome(FIRST, "a", Status.FAILED), outcome(FIRST, "b")))
    assert latest(records.update(index)) == [("a", "", SECOND, 2, "ok"), ("b", "", FIRST, 1, "ok")]


def test_pairs_of_process_and_set_have_latest_outcomes_of_their_own(records, file):
    records.put(run_files(FIRST, outcome(FIRST, "a")) | run_files(SECOND, outcome(SECOND, "a"), params="deep"))
    sql = "SELECT params, run FROM latest ORDER BY params"
    assert records.index(file).rows(sql) == [("deep", SECOND), ("default", FIRST)]


def test_outcomes_of_image_groups_take_the_place_of_one_of_the_whole_target(records, file):
    records.put(run_files(FIRST, outcome(FIRST, "a", Status.BLOCKED), outcome(FIRST, "b", Status.BLOCKED)))
    records.put(run_files(SECOND, outcome(SECOND, "a", group="x"), outcome(SECOND, "a", group="y")))
    rows = records.index(file).rows("SELECT target, grp, run FROM current ORDER BY target, grp")
    assert rows == [("a", "x", SECOND), ("a", "y", SECOND), ("b", "", FIRST)]


def test_a_batch_that_is_added_to_a_run_is_read_alone(records, file):
    records.put(run_files(FIRST, outcome(FIRST, "a")))
    index = records.index(file)
    number = index.rows("SELECT id FROM outcomes")
    records.put({f"runs/{FIRST}/outcomes-0001.yaml": write_outcomes([outcome(FIRST, "b")])})
    assert records.update(index).rows("SELECT id FROM outcomes WHERE target = 'a'") == number
    assert latest(index) == [("a", "", FIRST, 1, "ok"), ("b", "", FIRST, 1, "ok")]


def test_an_update_to_the_same_commit_writes_nothing(records, file):
    records.put(run_files(FIRST, outcome(FIRST, "a")))
    index = records.index(file)
    before = file.stat().st_mtime_ns
    records.put({"roles.yaml": b"schema: 1\n"})
    records.update(index)
    assert file.stat().st_mtime_ns == before


def test_a_line_that_cannot_be_read_is_named_and_its_neighbours_count(records, file):
    data = write_outcomes([outcome(FIRST, "a")]) + b"- {torn\n" + write_outcomes([outcome(FIRST, "b")])
    records.put({f"runs/{FIRST}/run.yaml": write_run(head(FIRST)), f"runs/{FIRST}/outcomes-0000.yaml": data})
    index = records.index(file)
    assert [row[0] for row in latest(index)] == ["a", "b"]
    [(path, message)] = problems(index)
    assert path == f"runs/{FIRST}/outcomes-0000.yaml"
    assert message.startswith("not a record: ")
    assert message.endswith(f"(runs/{FIRST}/outcomes-0000.yaml, line 2)")


def test_a_file_of_rubbish_gives_a_hundred_problems_and_their_number(records, file):
    records.put({f"runs/{FIRST}/run.yaml": write_run(head(FIRST)), f"runs/{FIRST}/outcomes-0000.yaml": b"x\n" * 500})
    found = [message for _, message in problems(records.index(file))]
    assert len(found) == 101
    assert [message for message in found if message.startswith("and 400 more lines")]


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 10**40])
def test_an_integer_that_no_table_holds_is_a_problem_of_its_line(records, file, number):
    bad = f'- {{"schema": 1, "run": "{FIRST}", "target": "a", "status": "ok", "results": {{"n": {number}}}}}\n'
    data = bad.encode() + write_outcomes([outcome(FIRST, "b", results={"n": (1 << 63) - 1})])
    records.put({f"runs/{FIRST}/run.yaml": write_run(head(FIRST)), f"runs/{FIRST}/outcomes-0000.yaml": data})
    index = records.index(file)
    assert [row[0] for row in latest(index)] == ["b"]
    assert "more than 64 bits" in problems(index)[0][1]


@pytest.mark.parametrize(("old", "new"), [(b"jobs: 1", b"jobs: 1" + b"0" * 30), (b"host: node", b'host: "\\ud83d"')])
def test_a_run_with_a_value_that_no_table_holds_is_a_problem(records, file, old, new):
    data = write_run(head(FIRST)).replace(old, new)
    records.put({f"runs/{FIRST}/run.yaml": data} | run_files(SECOND, outcome(SECOND, "a")))
    index = records.index(file)
    assert index.rows("SELECT run FROM runs") == [(SECOND,)]
    assert [path for path, _ in problems(index)] == [f"runs/{FIRST}/run.yaml"]


def test_outcomes_that_came_before_their_run_count_when_it_comes(records, file):
    files = run_files(FIRST, outcome(FIRST, "a"))
    alone = {name: data for name, data in files.items() if "outcomes" in name}
    records.put(alone)
    index = records.index(file)
    assert (latest(index), len(problems(index))) == ([], 1)
    records.put(files)
    assert latest(records.update(index)) == [("a", "", FIRST, 1, "ok")]
    assert problems(index) == []


def test_a_second_outcome_of_an_attempt_does_not_count_and_is_said(records, file):
    files = run_files(FIRST, outcome(FIRST, "a", Status.FAILED))
    records.put(files)
    index = records.index(file)
    records.put({f"runs/{FIRST}/outcomes-0001.yaml": write_outcomes([outcome(FIRST, "a"), outcome(FIRST, "b")])})
    assert latest(records.update(index)) == [("a", "", FIRST, 1, "failed"), ("b", "", FIRST, 1, "ok")]
    assert [message.partition(" (")[0] for _, message in problems(index)] == [
        "attempt 1 at a has a second outcome, which does not count"
    ]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"runs/{SECOND}/run.yaml", "is in the folder of another one"),
        (f"runs/{SECOND}/summary.yaml", "is in the folder of another one"),
        (f"reviews/b/{EVENTS[0]}.yaml", "a review of 'a' is in"),
        ("runs/rubbish/run.yaml", "'rubbish' is not a run"),
    ],
)
def test_a_record_in_a_wrong_place_is_a_problem(records, file, path, words):
    data = {"run.yaml": write_run(head(FIRST)), "summary.yaml": summary(FIRST, ok=1)}
    moved = data.get(path.rpartition("/")[2]) or next(iter(review(EVENTS[0], "a").values()))
    records.put(run_files(SECOND) | {path: moved})
    assert [message for _, message in problems(records.index(file)) if words in message]


def test_a_run_that_is_rewritten_or_deleted_gives_way_to_the_one_before(records, file):
    records.put(run_files(FIRST, outcome(FIRST, "a"), outcome(FIRST, "b")))
    records.put(run_files(SECOND, outcome(SECOND, "a", Status.FAILED), outcome(SECOND, "b", Status.FAILED)))
    index = records.index(file)
    records.put(run_files(SECOND, outcome(SECOND, "b", Status.TIMEOUT)))
    assert latest(records.update(index)) == [("a", "", FIRST, 1, "ok"), ("b", "", SECOND, 1, "timeout")]
    records.put(dict.fromkeys(run_files(SECOND)))
    assert latest(records.update(index)) == [("a", "", FIRST, 1, "ok"), ("b", "", FIRST, 1, "ok")]
    assert index.rows("SELECT run FROM runs") == [(FIRST,)]


def test_an_index_follows_a_branch_switched_back_and_forth(records, file, tmp_path):
    records.put(run_files(FIRST, outcome(FIRST, "a")) | review(EVENTS[0], "a", reason="check"))
    records.switch("other", create=True)
    records.put(run_files(SECOND, outcome(SECOND, "a")) | review(EVENTS[1], "a", "unflag", clears=(EVENTS[0],)))
    index = records.index(file)
    there = contents(index)
    records.switch("main")
    assert latest(records.update(index)) == [("a", "", FIRST, 1, "ok")]
    assert contents(index) == contents(records.index(tmp_path / "fresh.sqlite"))
    records.switch("other")
    assert contents(records.update(index)) == there


def test_a_flag_is_open_until_it_is_cleared(records, file):
    records.put(review(EVENTS[0], "a", reason="artefacts", text="stripes") | review(EVENTS[0], "b", reason="artefacts"))
    index = records.index(file)
    records.put(review(EVENTS[1], "a", "unflag", clears=(EVENTS[0],)) | review(EVENTS[2], "a", "comment", text="fine"))
    assert records.update(index).rows("SELECT target, reason FROM open_flags") == [("b", "artefacts")]
    sql = "SELECT id, kind, text, author FROM reviews WHERE target = 'a' ORDER BY id"
    assert index.rows(sql) == [
        (EVENTS[0], "flag", "stripes", "Ada"), (EVENTS[1], "unflag", "", "Ada"), (EVENTS[2], "comment", "fine", "Ada"),
    ]  # fmt: skip


def test_a_review_that_is_gone_no_longer_clears(records, file):
    clearing = review(EVENTS[1], "a", "unflag", clears=(EVENTS[0],))
    records.put(review(EVENTS[0], "a", reason="check") | clearing)
    index = records.index(file)
    assert index.rows("SELECT * FROM open_flags") == []
    records.put(dict.fromkeys(clearing))
    assert records.update(index).rows("SELECT target FROM open_flags") == [("a",)]


def test_documents_are_rows_and_what_cannot_be_read_is_said(records, file):
    records.put({"meta/a.xml": b"<a/>", "meta/b.xml": b"bad", "meta/c.xml": b"huge", "meta/notes.txt": b"no document"})
    index = records.index(file)
    assert index.rows("SELECT * FROM metadata") == [("a", 4, "<")]
    rows = index.rows("SELECT target, document, problem FROM documents ORDER BY target")
    assert rows[:2] == [("a", b"<a/>", None), ("b", None, "the document of b is bad")]
    assert [path for path, _ in problems(index)] == ["meta/b.xml", "meta/c.xml"]


def test_a_document_that_changes_is_read_anew_and_one_that_goes_is_forgotten(records, file):
    records.put({"meta/a.xml": b"bad", "meta/b.xml": b"<b/>"})
    index = records.index(file)
    records.put({"meta/a.xml": b"<aaa/>", "meta/b.xml": None})
    assert records.update(index).rows("SELECT * FROM metadata") == [("a", 6, "<")]
    assert index.rows("SELECT target, oid FROM documents") == [("a", records.files()[".stoa/meta/a.xml"])]
    assert problems(index) == []


def test_other_metadata_columns_or_another_reader_make_the_index_anew(records, file):
    records.put({"meta/a.xml": b"<a/>"})
    assert records.index(file).rows("SELECT * FROM metadata") == [("a", 4, "<")]
    assert records.index(file, {"size": "INTEGER"}).rows("SELECT * FROM metadata") == [("a", 4)]
    with closing(Index(file, {"size": "INTEGER"}, reader="2")) as newer:
        assert newer.rows("SELECT * FROM metadata") == []
    assert records.index(file).rows("SELECT * FROM metadata") == [("a", 4, "<")]


def test_an_index_of_no_commit_is_empty(tmp_path, git, file):
    git(tmp_path, "init", "--quiet", "empty")
    with closing(Index(file, COLUMNS)) as index, closing(Repository(tmp_path / "empty")) as repository:
        index.update(repository.snapshot(), ".stoa", read_meta)
        assert latest(index) == []


def test_questions_in_one_block_are_answered_from_one_state(records, file):
    records.put(run_files(FIRST, outcome(FIRST, "a")))
    index = records.index(file)
    with index.reading():
        records.put(run_files(THIRD, outcome(THIRD, "a")))
        records.update(index)
        assert latest(index) == [("a", "", FIRST, 1, "ok")]
    assert latest(records.update(index)) == [("a", "", THIRD, 1, "ok")]


ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, {} FROM n"


def test_rows_in_any_order_have_one_digest_and_other_rows_another(records, file):
    index = records.index(file)
    rows = ROWS.format("i % 7")
    assert index.digest(rows) == index.digest(f"{rows} ORDER BY 2, 1 DESC")
    others = [ROWS.format("i % 7.0"), f"{rows} WHERE i > 1", f"{rows} UNION ALL SELECT 3, 3", ROWS.format("NULL")]
    assert len({index.digest(sql) for sql in (rows, *others)}) == 1 + len(others)


def test_a_digest_of_many_rows_takes_the_memory_of_few(records, file):
    index = records.index(file)
    tracemalloc.start()
    try:
        index.digest(ROWS.format("hex(zeroblob(500))"))  # 20 MB
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
