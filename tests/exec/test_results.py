"""Results that scripts report: what is taken and what fails the job."""

from __future__ import annotations

import os

import pytest

from stoa.exec.job.results import ResultProblem, read_results
from stoa.model import ResultSpec

DECLARED = {
    "n": ResultSpec(type="int"),
    "rms": ResultSpec(type="float"),
    "band": ResultSpec(type="str"),
    "good": ResultSpec(type="bool"),
}


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, declared=DECLARED):
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "stoa-result.json").write_bytes(raw)
        return read_results(str(tmp_path), declared)

    return read


def test_no_file_means_no_results(tmp_path):
    assert read_results(str(tmp_path), DECLARED) == {}


def test_declared_results_are_read_with_their_types(read):
    assert read('{"n": 3, "rms": 1.5e-5, "band": "B6", "good": false}') == {
        "n": 3,
        "rms": 1.5e-5,
        "band": "B6",
        "good": False,
    }


@pytest.mark.parametrize(
    ("content", "name", "value"),
    [
        ('{"n": 3.0}', "n", 3),
        ('{"rms": 2}', "rms", 2.0),
        ('{"rms": NaN}', "rms", None),
        ('{"rms": -Infinity}', "rms", None),
        ('{"rms": 1e999}', "rms", None),
        ('{"n": null}', "n", None),
        ('{"band": "a\\u001b[31m"}', "band", "a\\x1b[31m"),
        ('\ufeff{"n": 1}', "n", 1),
    ],
)
def test_a_value_is_converted_where_nothing_is_lost(read, content, name, value):
    result = read(content)[name]
    assert (result, type(result)) == (value, type(value))


def test_a_declared_result_that_was_not_reported_is_absent(read):
    assert read('{"n": 1}') == {"n": 1}


def test_without_declarations_every_single_value_is_kept(read):
    assert read('{"a": 1, "b": "x", "c": 1.5, "d": true}', {}) == {"a": 1, "b": "x", "c": 1.5, "d": True}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"n": 3.5}', "result 'n' must be of type int, got float"),
        ('{"n": true}', "result 'n' must be of type int, got bool"),
        ('{"n": "3"}', "result 'n' must be of type int, got str"),
        ('{"good": 1}', "result 'good' must be of type bool, got int"),
        ('{"rms": [1]}', "result 'rms' must be a single value, got array"),
        ('{"rms": {}}', "result 'rms' must be a single value, got object"),
        ('{"rsm": 1}', "result 'rsm' is not declared; did you mean 'rms'"),
        ('{"n": 9223372036854775808}', "result 'n' does not fit 64 bits"),
        ('{"n": 1e300}', "result 'n' does not fit 64 bits"),
        ("[1]", "must hold an object of names and values, not array"),
        ("", "is not valid JSON"),
        ('{"n": 1', "is not valid JSON"),
        ('{"n": ' + "1" * 5000 + "}", "is not valid JSON"),
        (b'{"band": "\xff"}', "is not valid JSON"),
        ("[" * 100_000, "is nested too deeply"),
        (" " * 100_001, "is larger than 100000 bytes"),
        ('{"band": "' + "x" * 1001 + '"}', "is longer than 1000 characters"),
    ],
)
def test_what_cannot_be_taken_is_named(read, content, words):
    with pytest.raises(ResultProblem) as caught:
        read(content)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkdir, "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: os.symlink("/etc/passwd", path), "is unreadable: Too many levels of symbolic links"),
    ],
)
def test_a_result_file_that_is_no_file_is_refused(tmp_path, make, words):
    make(tmp_path / "stoa-result.json")
    with pytest.raises(ResultProblem, match=words):
        read_results(str(tmp_path), {})


@pytest.mark.parametrize("name", ["n" * 201, "\\ud800", "\\u001b[31m"])
def test_a_name_that_no_record_can_hold_is_refused(tmp_path, name):
    (tmp_path / "stoa-result.json").write_text(f'{{"{name}": 1}}')
    with pytest.raises(ResultProblem, match="cannot name a result"):
        read_results(str(tmp_path), {})
