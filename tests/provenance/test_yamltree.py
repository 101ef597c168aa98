"""YAML read with the place of every value."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from stoa.errors import StoaError
from stoa.provenance.scalars import brief, parse_value
from stoa.provenance.yamltree import DefinitionError, Spot, read_yaml

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
TEXT = b"""\
a: no
b:
  - 012
  - c: [x, "y"]
# a comment
"d e": |
  two
  lines
"""


@pytest.fixture
def root() -> Spot:
    return read_yaml(TEXT, "t.yaml")


def test_a_scalar_is_the_text_that_stands_in_the_file(root: Spot) -> None:
    fields = root.mapping()
    assert fields["a"].text() == "no"
    assert fields["b"].sequence()[0].text() == "012"
    assert fields["d e"].text() == "two\nlines\n"


def test_a_value_knows_its_field_and_line(root: Spot) -> None:
    below = root.mapping()["b"].sequence()[1].mapping()["c"].sequence()[1]
    assert (below.field, below.line, below.text()) == ("b[1].c[1]", 4, "y")
    assert root.mapping()["d e"].line == 6
    assert below.error("it is wrong").message == "it is wrong (t.yaml, line 4)"


def test_unknown_fields_are_told_in_the_order_of_the_file(root: Spot) -> None:
    with pytest.raises(DefinitionError, match=r"^unknown field 'a' "):
        root.mapping(["x", "y"])


def test_missing_fields_are_told_in_the_order_of_importance(root: Spot) -> None:
    with pytest.raises(DefinitionError, match=r"^field 'name' is missing "):
        root.mapping(required=["a", "name", "command"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"v: [1, 2.5, 'x', null, true]", [1, 2.5, "x", None, True]),
        (b"v: {a: {}, b: []}", {"a": {}, "b": []}),
        (b"v:", None),
        (b'v: ""', ""),
    ],
)
def test_a_plain_value_is_what_pyyaml_reads(text: bytes, value: object) -> None:
    assert read_yaml(text, "f").plain() == yaml.safe_load(text) == {"v": value}


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("true", "bool", True),
        ("FALSE", "bool", False),
        ("+012", "int", 12),
        ("1e-3", "float", 0.001),
        ("no", "str", "no"),
    ],
)
def test_a_written_value_is_of_its_declared_type(text, type_, value):
    assert parse_value(text, type_) == value


@pytest.mark.parametrize(
    ("text", "type_", "message"),
    [
        ("yes", "bool", "must be true or false, got 'yes'"),
        ("", "int", "must be a whole number, got ''"),
        ("1_0", "int", "must be a whole number, got '1_0'"),
        ("٣", "int", "must be a whole number, got '٣'"),
        ("0x1f", "int", "must be a whole number, got '0x1f'"),
        ("9" * 5000, "int", "does not fit in 64 bits, got '" + "9" * 57 + "'..."),
        ("-9223372036854775809", "int", "does not fit in 64 bits, got '-9223372036854775809'"),
        ("1 ", "float", "must be a number, got '1 '"),
        ("1,5", "float", "must be a number, got '1,5'"),
        ("-Infinity", "float", "must be finite, got '-Infinity'"),
        ("nan", "float", "must be finite, got 'nan'"),
        ("9" * 400, "float", "must be finite, got '" + "9" * 57 + "'..."),
    ],
)
def test_a_value_of_another_type_is_told_with_what_was_written(text, type_, message):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_value(text, type_)
    assert str(caught.value) == message


@given(st.text())
def test_a_text_in_a_message_is_short_and_printable(text):
    assert brief(text).isprintable()
    assert len(brief(text * 40)) < 700


@given(st.binary(max_size=60) | st.text(alphabet="ab:-?[]{},#&*!|>'\"%@`~ \n\t.0", max_size=40).map(str.encode))
def test_a_file_that_is_read_holds_what_pyyaml_reads(data):
    try:
        found = read_yaml(data, "f").plain()
        expected = yaml.load(data, Loader=LOADER)
    except (StoaError, yaml.YAMLError):  # libyaml's parser lets pass what its constructor does not
        assume(False)
    assume(has_words_for_names(expected))
    assert found == expected


def has_words_for_names(value: object) -> bool:
    """Whether no field is named by a number or truth value, which are words to us."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and has_words_for_names(below) for name, below in value.items())
    return not isinstance(value, list) or all(map(has_words_for_names, value))
