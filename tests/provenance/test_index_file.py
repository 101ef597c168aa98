"""The index's file: deleted, damaged, torn, in use by many, or nowhere to be written."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from indexed import COLUMNS, FIRST, SECOND, THIRD, Records, contents, outcome, run_files

import stoa.provenance.index as module
from stoa.errors import StoaError
from stoa.provenance.index import Index

SUPPORT = Path(__file__).parents[1] / "support"
SECONDS = [f"20261122T1100{n:02d}-cccccc" for n in range(60)]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path / "repo")
    made.put(run_files(FIRST, *(outcome(FIRST, f"t{n}", results={"n": n}, log="x" * 500) for n in range(300))))
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index.sqlite"


def worker(records: Records, file: Path, times: int, limit: int | str = "") -> subprocess.Popen[str]:
    words = [sys.executable, SUPPORT / "index_worker.py", records.top, file, str(times), str(limit)]
    environ = os.environ | {"PYTHONPATH": f"{SUPPORT}{os.pathsep}{SUPPORT.parents[1]}"}
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ)


def count(index: Index) -> int:
    return index.rows("SELECT count(*) FROM latest")[0][0]


def test_a_deleted_file_is_made_anew(records, file):
    before = contents(records.index(file))
    file.unlink()
    assert contents(records.index(file)) == before


@pytest.mark.parametrize("content", [b"", b"x", b"no database " * 1000, b"SQLite format 3\0" + b"\0" * 5000])
def test_a_file_that_is_no_index_is_made_anew(records, file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    assert count(records.index(file)) == 300


def test_a_file_that_is_cut_off_anywhere_is_made_anew(records, file):
    index = records.index(file)
    whole = file.read_bytes()
    before = contents(index)
    for length in (1, 99, 100, 4096, 8192, 8200, len(whole) // 2, len(whole) - 8192, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert contents(records.index(file)) == before


def test_pages_of_zeros_are_noticed_by_an_open_index(records, file):
    index = records.index(file)
    with file.open("r+b") as stream:
        stream.seek(8192)
        stream.write(bytes(file.stat().st_size - 8192))
    records.put(run_files(SECOND, outcome(SECOND, "new")))
    assert count(records.update(index)) == 301
    with index.reading():
        assert count(index) == 301


def test_damage_is_mended_in_the_middle_of_reading(records, file):
    index = records.index(file)
    with closing(Index(file, COLUMNS)) as other:
        other.update(records.repository.snapshot(), ".stoa", lambda _target, _data: ({}, b""))
        file.write_bytes(file.read_bytes()[:8192] + os.urandom(file.stat().st_size - 8192))
        with other.reading():
            assert count(other) == 300
    assert count(index) == 300


def test_an_index_from_before_a_power_cut_in_a_commit_is_whole(records, file):
    records.index(file).close()
    before = file.read_bytes()
    with closing(sqlite3.connect(file, isolation_level=None)) as cut:
        cut.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the end
        cut.execute("BEGIN IMMEDIATE")
        cut.execute("DELETE FROM latest")
        cut.execute("DELETE FROM outcomes")
        torn, journal = file.read_bytes(), file.with_name(file.name + "-journal").read_bytes()
        cut.execute("ROLLBACK")
    assert torn != before
    file.write_bytes(torn)
    file.with_name(file.name + "-journal").write_bytes(journal)
    assert count(records.index(file)) == 300


def test_where_no_file_can_be_made_the_index_is_kept_in_memory(records, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    assert count(records.index(tmp_path / "cache" / "index.sqlite")) == 300


@pytest.mark.parametrize("limit", [1, 20_000, 200_000])
def test_a_full_disk_costs_time_and_no_answer(records, file, limit):
    with worker(records, file, 1, limit) as process:
        said, _ = process.communicate(timeout=60)
    assert said.split() == ["ready", "300", "300", "300"]
    assert count(records.index(file)) == 300


def test_a_full_disk_does_not_harm_what_was_there(records, file):
    records.index(file).close()
    records.put(run_files(SECOND, *(outcome(SECOND, f"u{n}", log="x" * 500) for n in range(300))))
    with worker(records, file, 1, file.stat().st_size) as process:
        said, _ = process.communicate(timeout=60)
    assert said.split() == ["ready", "600", "300", "600"]
    assert count(records.index(file)) == 600


def test_many_processes_at_once_see_whole_states_that_only_grow(records, file):
    processes = [worker(records, file, 25) for _ in range(4)]
    for number, run in enumerate(SECONDS[:20]):
        records.put(run_files(run, *(outcome(run, f"u{number}-{n}", results={"n": n}) for n in range(10))))
    for process in processes:
        said, _ = process.communicate(timeout=120)
        rows = [tuple(map(int, line.split())) for line in said.splitlines()[1:]]
        assert len(rows) == 25
        assert all(outcomes == results == latest for outcomes, results, latest in rows)
        assert rows == sorted(rows)
        assert {row[0] % 10 for row in rows} == {0}
    assert contents(records.index(file)) == contents(records.index(file.with_name("fresh.sqlite")))


def test_processes_that_find_the_file_damaged_all_get_their_answer(records, file):
    records.index(file).close()
    file.write_bytes(b"no database " * 1000)
    processes = [worker(records, file, 3) for _ in range(4)]
    for process in processes:
        said, _ = process.communicate(timeout=120)
        assert said.split() == ["ready", *["300"] * 9]
    assert count(records.index(file)) == 300


def test_an_update_that_is_killed_leaves_nothing_half_done(records, file):
    chance = random.Random(1)
    for run in SECONDS[:4]:
        records.put(run_files(run, *(outcome(run, f"v{n}", log="x" * 2000) for n in range(500))))
    for _ in range(6):
        with worker(records, file, 1) as process:
            process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.4))
            process.kill()
    assert contents(records.index(file)) == contents(records.index(file.with_name("fresh.sqlite")))


def test_a_writer_that_never_ends_is_an_error_in_words(records, file, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.1)
    records.index(file)
    records.put(run_files(THIRD, outcome(THIRD, "a")))
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoaError, match="another command has kept the index for over"):
            records.index(file)
