"""What is written is read back unchanged, by our readers and by plain YAML and JSON ones."""

from __future__ import annotations

import json

import msgspec
import pytest
import random_records as some
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.provenance.records import (
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

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


def exact(value):
    """A value in which 1, 1.0 and True differ."""
    return repr(value)


def plainly_read(data: bytes) -> list:
    """What PyYAML's readers, in Python and in C, find in a file."""
    return [yaml.load(data, Loader=loader) for loader in LOADERS]


@settings(max_examples=50)
@given(st.lists(some.outcomes, max_size=2))
def test_outcomes_come_back_unchanged(outcomes):
    assert exact(list(read_outcomes(write_outcomes(outcomes), "o.yaml"))) == exact(outcomes)


@settings(max_examples=40)
@given(some.outcomes)
def test_yaml_and_json_readers_agree_on_every_value_of_an_outcome(outcome):
    line = write_outcomes([outcome])
    expected = exact(msgspec.to_builtins(outcome))
    assert exact(json.loads(line[2:])) == expected
    for found in plainly_read(line):
        assert exact(found) == f"[{expected}]"


@settings(max_examples=50)
@given(some.outcomes)
def test_an_outcome_is_one_line(outcome):
    assert write_outcomes([outcome]).decode().splitlines(keepends=True) == [write_outcomes([outcome]).decode()]


@pytest.mark.parametrize(
    ("records", "write", "read"),
    [(some.runs, write_run, read_run), (some.summaries, write_summary, read_summary),
     (some.reviews, write_review, read_review)],
    ids=["run", "summary", "review"],
)  # fmt: skip
@settings(max_examples=40)
@given(st.data())
def test_a_block_record_comes_back_unchanged_and_reads_plainly(records, write, read, data):
    record = data.draw(records)
    written = write(record)
    assert exact(read(written, "r.yaml")) == exact(record)
    for found in plainly_read(written):
        assert exact(msgspec.convert(found, type(record))) == exact(record)


@settings(max_examples=50)
@given(st.lists(some.targets, max_size=4, unique=True))
def test_targets_come_back_sorted_by_name(targets):
    found = read_targets(write_targets(targets), "t.yaml")
    assert sorted(found, key=repr) == sorted(targets, key=repr)
    assert [target.name for target in found] == sorted(target.name for target in targets)


@settings(max_examples=50)
@given(st.lists(some.targets, max_size=4, unique=True))
def test_a_list_that_two_people_extended_is_read_once(targets):
    assert len(read_targets(write_targets(targets) * 2, "t.yaml")) == len(targets)
