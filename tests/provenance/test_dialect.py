"""One record a line that JSON and YAML readers see alike, and block YAML for people."""

from __future__ import annotations

import math

import pytest
import random_records as some
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.provenance.dialect import MAX_LINE, RecordError, block, line, strip_line
from stoa.provenance.yamltree import DefinitionError, read_yaml

keys = some.texts.filter(bool)
trees = st.recursive(
    some.values | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1e16, b"1.0e+16"),
        (1e-05, b"1.0e-05"),
        (-2.5e-07, b"-2.5e-07"),
        (5e-324, b"5.0e-324"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (9999999999999998.0, b"9999999999999998.0"),
        (0.0001, b"0.0001"),
        (3.0, b"3.0"),
        (-0.0, b"-0.0"),
        (3, b"3"),
        (2**63 - 1, b"9223372036854775807"),
        (True, b"true"),
        (None, b"null"),
        ("1e16", b'"1e16"'),
        ("\x7f\x85\u2028\ufeff\uffff", b'"\\u007f\\u0085\\u2028\\ufeff\\uffff"'),
        ("\U0001f600 é", '"\U0001f600 é"'.encode()),
        ('tab\t "quoted" \\ \x1b\0', b'"tab\\t \\"quoted\\" \\\\ \\u001b\\u0000"'),
        ([1, [2.0]], b"[1, [2.0]]"),
    ],
)
def test_a_value_is_written_so_that_every_reader_sees_it(value, written):
    assert line({"v": value, "w": {}}) == b'- {"v": %b, "w": {}}\n' % written


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "a record cannot hold nan: it has to be a finite number or null"),
        (-math.inf, "a record cannot hold -inf: it has to be a finite number or null"),
        (2**63, "a record cannot hold an integer of more than 64 bits"),
        ("\ud800", "a record cannot hold text that is not Unicode (a lone surrogate)"),
        ({"k" * 201: 1}, "a record cannot hold a key of more than 200 characters"),
        ({"\udce9": 1}, "a record cannot hold text that is not Unicode (a lone surrogate)"),
        (b"x", "a record cannot hold a value of type bytes"),
        ([[math.inf]], "a record cannot hold inf: it has to be a finite number or null"),
    ],
)
@pytest.mark.parametrize("write", [line, block])
def test_what_not_every_reader_can_read_is_not_written(write, value, message):
    with pytest.raises(RecordError) as caught:
        write({"v": value})
    assert caught.value.message == message


def test_no_record_is_written_that_is_too_long_or_deep_to_be_read():
    with pytest.raises(RecordError, match=r"^a record of 1000009 bytes is too long \(at most 1000000\)$"):
        line({"v": "é" * (MAX_LINE // 2)})
    deep: dict = {}
    for _ in range(20):
        deep = {"v": deep}
    with pytest.raises(RecordError, match=r"^a record cannot hold more than 20 levels$"):
        line(deep)


@settings(max_examples=40)
@given(st.dictionaries(keys, trees, max_size=4))
def test_plain_yaml_and_our_own_reader_agree_on_block_records(record):
    written = block(record)
    assert repr(yaml.load(written, Loader=yaml.SafeLoader)) == repr(record)
    assert repr(read_yaml(written, "b.yaml").plain()) == repr(record)


@pytest.mark.parametrize(
    "word", ["1e5", "y", "N", "0o17", ".5", "1.5.2", "+1", "no", "2026-11-22", "1_000", "12:30:45"]
)
def test_a_text_that_some_reader_takes_for_something_else_stands_in_quotes(word):
    assert block({"v": word}) == f"v: '{word}'\n".encode()


@pytest.mark.parametrize("word", ["sep", "Jy/beam", "A001_X1", "v1", "é", "5sigma"])
def test_an_ordinary_text_stands_as_it_is(word):
    assert block({"v": word}) == f"v: {word}\n".encode()


def test_lines_of_a_comment_stay_lines():
    assert block({"text": "first\n  second\n", "x": [1]}) == b"text: |\n  first\n    second\nx:\n- 1\n"


def test_what_stands_twice_is_written_twice():
    shared = {"path": "alma:x"}
    assert block({"a": shared, "b": shared}) == b"a:\n  path: alma:x\nb:\n  path: alma:x\n"


@pytest.mark.parametrize(
    ("text", "body"),
    [(b"- {}", b"{}"), (b'- {"a": 1}\r', b'{"a": 1}'), (b"  \t", None), (b"", None), (b"# - {}", None)],
)
def test_a_line_is_a_record_a_comment_or_blank(text, body):
    assert strip_line(text) == body


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None), ("null", None), ("", None), ("yes", True), ("Off", False), ("0", 0), ("-7", -7), ("5.", 5.0),
        (".5", 0.5), ("1.5e+3", 1500.0), ("1e5", "1e5"), ("a", "a"), ("'012'", "012"), ('"1:30"', "1:30"),
        ("2026-11", "2026-11"),
    ],
)  # fmt: skip
def test_an_undeclared_scalar_is_what_yaml_says(text, value):
    assert yaml.safe_load(text) == value
    found = read_yaml(f"v: {text}".encode(), "f").plain()["v"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text", ["012", "0x1f", "0b1", "1:30", "1:30.5", "1_000", "2026-11-22", "2026-11-22T10:00:00Z", "=", "-0"]
)
def test_an_undeclared_scalar_on_which_readers_disagree_is_refused(text):
    with pytest.raises(DefinitionError) as caught:
        read_yaml(f"v: {text}".encode(), "f").plain()
    assert caught.value.hint == "put it in quotes if it is a text"
    assert caught.value.line == 1
