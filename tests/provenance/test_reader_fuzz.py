"""Whatever is in a file, a reader gives a value or an error that can be printed."""

from __future__ import annotations

import msgspec
import pytest
import random_records as some
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import GOOD, check

from stoa.model import Outcome
from stoa.provenance.dialect import RecordError
from stoa.provenance.records import read_outcomes, write_outcomes

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
