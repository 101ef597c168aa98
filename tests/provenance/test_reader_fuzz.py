"""Whatever stands in a file, a reader gives a value or an error that can be printed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
import pytest
import random_records as some
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.errors import StoaError
from stoa.model import SCHEMA, Author, Outcome, ParameterSet, Review, Run, Status, Summary, Target
from stoa.provenance.definitions import (
    read_config,
    read_local,
    read_parameter_set,
    read_process,
)
from stoa.provenance.dialect import RecordError
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.records import (
    read_frozen_set,
    read_outcomes,
    read_review,
    read_run,
    read_summary,
    read_targets,
    write_outcomes,
    write_review,
    write_run,
    write_summary,
    write_targets,
)

ID = "20261122T103000-k3f9q2"
ME = Author("A", "a@example.org")
PROCESS = b"""\
schema: 1
name: peak
command: [python, "{script}"]
script: scripts/peak.py
inputs: {image: {role: [correctedImage, image]}}
params: {snr: {type: float, default: 5, min: 1, choices: [5, 6]}}
outputs: {table: {path: peak.csv, kind: catalogue}}
results: {rms: {type: float, unit: Jy, tolerance: 5%}}
timeout: 10m
memory: 2GB
skip_codes: [77]
"""
SET = ParameterSet(process="peak", name="deep", values={"snr": 5.5, "mode": "no", "n": 3})
GOOD: dict[Callable, bytes] = {
    read_outcomes: write_outcomes(
        [Outcome(schema=1, run=ID, target="a", status=Status.OK, duration_s=1e-9, results={"n": 3}, place="p:x")]
    ),
    read_targets: write_targets([Target("a", "alma", "x"), Target("b", "alma", "y")]),
    read_run: write_run(
        Run(
            schema=SCHEMA, id=ID, process="peak", params=SET, environment="host", engine="local", author=ME, host="h",
            started="x", asked=("stoa", "run"), jobs=1, targets=1, digests={"process": "ab"},
        )
    ),
    read_summary: write_summary(Summary(schema=SCHEMA, run=ID, finished="x", duration_s=1.5, counts={"ok": 1})),
    read_review: write_review(Review(schema=1, id=ID, kind="flag", target="a", author=ME, time="x", clears=(ID,))),
    read_frozen_set: b"process: peak\nname: deep\nvalues: {snr: 5.5, mode: 'no', n: 3}\n",
    read_process: PROCESS,
    read_environment: b"name: casa\nkind: host\nenviron: {A: b}\ninherit: [C]\n",
    read_config: b"schema: 1\nproject: p\nroots: {alma: data}\nreasons: {check: look}\n",
    read_local: b"roots: {alma: /data}\njobs: 4\n",
    partial(read_parameter_set, process=read_process(PROCESS, "p"), name="s"): b"schema: 1\nvalues: {snr: 5}\n",
}  # fmt: skip

TOKENS = [
    b"!!python/object/apply:os.system", b"!!timestamp", b"!!int", b"!!float", b"!!bool", b"!", b"*a", b"&a",
    b"<<", b"? ", b": ", b"- ", b"{", b"}", b"[", b"]", b",", b"'", b'"', b"|", b">", b"#", b"%", b"@", b"`", b"---\n",
    b"...\n", b"\n", b"\r", b"\t", b" ", b"\\u0000", b"\\ud800", b"\\x", b"\0", b"\x1b", b"\xff", b"\xc2\x85",
    b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"0001-01-01T00:00:00+23:59", b"2026-13-45", b"1:1:1", b"012", b"0x", b"0b2",
    b".nan", b".inf", b"1e999", b"9" * 5000, b"-9223372036854775809", b"null", b"~", b"no", b"../..", b"schema: 9",
]  # fmt: skip

token = st.sampled_from(TOKENS)
edit = st.tuples(st.integers(0, 10_000), st.integers(0, 8), token | st.binary(max_size=4) | some.texts.map(str.encode))


def spoilt(good: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """A good file with some bytes replaced."""
    for place, count, new in edits:
        place %= len(good) + 1
        good = good[:place] + new + good[place + count :]
    return good


def check(read: Callable, data: bytes) -> None:
    try:
        found = read(data, file="f.yaml")
        problems = [one for one in found if isinstance(one, RecordError)] if read is read_outcomes else []
    except StoaError as problem:
        problems = [problem]
    for problem in problems:
        assert problem.message.isprintable()
        assert len(problem.message) < 400


@pytest.mark.parametrize(("read", "good"), GOOD.items(), ids=lambda one: getattr(one, "__name__", "parameter_set"))
def test_the_files_that_are_spoilt_below_are_good(read, good):
    found = read(good, file="f.yaml")
    assert not any(isinstance(one, RecordError) for one in (found if read is read_outcomes else []))


@pytest.mark.parametrize("read", GOOD, ids=lambda one: getattr(one, "__name__", "parameter_set"))
@settings(max_examples=80)
@given(edits=st.lists(edit, min_size=1, max_size=4))
def test_a_spoilt_file_is_read_or_refused(read, edits):
    check(read, spoilt(GOOD[read], edits))


@pytest.mark.parametrize("read", GOOD, ids=lambda one: getattr(one, "__name__", "parameter_set"))
@settings(max_examples=30)
@given(parts=st.lists(token | st.binary(max_size=3), max_size=12))
def test_no_file_at_all_is_refused(read, parts):
    check(read, b"".join(parts))


@settings(max_examples=80)
@given(edits=st.lists(edit, min_size=1, max_size=3))
def test_what_is_read_of_a_spoilt_outcome_can_be_written_again(edits):
    for found in read_outcomes(spoilt(GOOD[read_outcomes], edits), "f.yaml"):
        if isinstance(found, Outcome):
            assert list(read_outcomes(write_outcomes([found]), "f.yaml")) == [found]
            assert msgspec.json.decode(msgspec.json.encode(found), type=Outcome) == found
