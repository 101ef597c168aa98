"""Records that came from outside: what is wrong is named, its neighbours are read, nothing is run."""

from __future__ import annotations

import json

import msgspec
import pytest
import random_records as some
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.model import Outcome, Status, Target
from stoa.provenance.dialect import MAX_LINE, RecordError
from stoa.provenance.records import (
    read_frozen_set,
    read_outcomes,
    read_review,
    read_run,
    read_summary,
    read_targets,
    write_outcomes,
)

RUN = "20261122T103000-k3f9q2"
GOOD = Outcome(schema=1, run=RUN, target="A001_X1", status=Status.OK)
HEAD = f'"schema": 1, "run": "{RUN}", "target": "A001_X2", "status": "ok"'
UPGRADE = "`pip install --upgrade stoa-tracking`"


def problems(line: str | bytes) -> list[tuple[str, str | None]]:
    """Message and hint of a line between two good ones, which are read."""
    line = line if isinstance(line, bytes) else line.encode()
    good = write_outcomes([GOOD])
    found = list(read_outcomes(good + line + b"\n" + good, "o.yaml"))
    assert [found[0], found[-1]] == [GOOD, GOOD]
    return [(p.message, p.hint) for p in found[1:-1] if isinstance(p, RecordError)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("garbage", "a line of records starts with '- {'"),
        ("- [1]", "a line of records starts with '- {'"),
        ("- !!python/object/apply:os.system [touch x]", "a line of records starts with '- {'"),
        ("- {*a : 1}", "not a record: JSON is malformed: object keys must be strings"),
        (f"- {{{HEAD}", "not a record: Input data was truncated"),
        (f"- {{{HEAD}}} x", "not a record: JSON is malformed: trailing characters"),
        ("- {}", "not a record: Object missing required field `schema`"),
        ('- {"schema": 1}', "not a record: Object missing required field `run`"),
        (f"- {{{HEAD.replace('1,', '0,')}}}", "there is no schema 0"),
        (f"- {{{HEAD.replace('1,', '-3,')}}}", "there is no schema -3"),
        (f"- {{{HEAD.replace('1,', 'true,')}}}", "not a record: Expected `int`, got `bool` - at `$.schema`"),
        (f'- {{{HEAD}, "exit_code": "1"}}', "not a record: Expected `int | null`, got `str` - at `$.exit_code`"),
        (f'- {{{HEAD}, "results": {{"n": [1]}}}}', "not a record: Expected `bool | int | float | str | nul"),
        (f'- {{{HEAD}, "status": "fine"}}', "not a record: Invalid enum value 'fine' - at `$.status`"),
        (f'- {{{HEAD}, "duration_s": NaN}}', "not a record: JSON is malformed: invalid character"),
        (f'- {{{HEAD}, "duration_s": 1e999}}', "not a record: Number out of range - at `$.duration_s`"),
        (f'- {{{HEAD}, "duration_s": 1e300}}', "no job takes 1e+300 s, or 0 s of processors"),
        (f'- {{{HEAD}, "duration_s": -3}}', "no job takes -3 s, or 0 s of processors"),
        (f'- {{{HEAD}, "duration_s": 2, "cpu_s": -1}}', "no job takes 2 s, or -1 s of processors"),
        (f'- {{{HEAD}, "results": {{"n": {2**63}}}}}', "an integer has more than 64 bits"),
        (f'- {{{HEAD}, "exit_code": -{2**70}}}', "an integer has more than 64 bits"),
        (f'- {{{HEAD}, "attempt": {"9" * 5000}}}', "not a record: Integer value out of range - at `$.attempt`"),
        (f'- {{{HEAD}, "cause": "\\ud800"}}', "not a record: Input data was truncated"),
        (f'- {{{HEAD}, "x": {"[" * 3000}}}', "not a record: maximum recursion depth exceeded"),
        (f'- {{{HEAD}, "log": "{"x" * MAX_LINE}"}}', "a record of 1000096 bytes is too long (at most 1000000)"),
        (f"- {{{HEAD}, ".encode() + b'"cause": "\xff"}', "not a record: not UTF-8 text at byte 94"),
        ("<<<<<<< ours", "an unfinished merge"),
        ("=======", "an unfinished merge"),
    ],
)
def test_a_bad_line_is_named_and_its_neighbours_are_read(line, message):
    told = problems(line)[0][0]
    assert told.startswith(message)
    assert told.endswith(" (o.yaml, line 2)")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (f'- {{{HEAD}, "status": "failed"}}', "status"),
        (f'- {{"status": "failed", {HEAD}}}', "status"),
        (f'- {{{HEAD}, "st\\u0061tus": "failed"}}', "status"),
        (f'- {{{HEAD},"status":"failed"}}', "status"),
        (f'- {{{HEAD}, "results": {{"n": 1, "n": 2}}}}', "n"),
        (f'- {{{HEAD}, "inputs": {{"i": {{"path": "a:b", "path": "a:c"}}}}}}', "path"),
        (f'- {{{HEAD}, "cause": "\\u0022\\u0022", "attempt": 1, "attempt": 2}}', "attempt"),
        (f'- {{{HEAD}, "attempt": 1, "attempt": 2, "cause": "a \\" b"}}', "attempt"),
        (f'- {{{HEAD}, "exit_code": 1, "exit_code": null}}', "exit_code"),
    ],
)
def test_a_field_that_stands_twice_is_refused(line, field):
    assert problems(line) == [(f"field '{field}' is given twice (o.yaml, line 2)", None)]


@settings(max_examples=40)
@given(some.outcomes, st.data())
def test_no_field_that_stands_twice_goes_unnoticed(outcome, data):
    fields = list(json.loads(write_outcomes([outcome])[2:]).items())
    fields.insert(data.draw(st.integers(0, len(fields))), data.draw(st.sampled_from(fields)))
    escape = data.draw(st.sampled_from([json.dumps, lambda key: f'"\\u{ord(key[0]):04x}{key[1:]}"']))
    is_ascii = data.draw(st.booleans())
    body = ", ".join(f"{escape(key)}: {json.dumps(value, ensure_ascii=is_ascii)}" for key, value in fields)
    (found,) = read_outcomes(f"- {{{body}}}".encode(), "o.yaml")
    assert isinstance(found, RecordError)
    assert "is given twice" in found.message


@pytest.mark.parametrize(
    "extra",
    [
        '"attempt": 1',
        '"cause": ""',
        '"unknown": {"a": [1, "\\""]}',
        '"cause": "\\u0022\\\\\\" \\u00e9"',
        '"log": "a\\":\\"b"',
    ],
)
def test_what_is_written_otherwise_than_stoa_does_is_read(extra):
    assert problems(f"- {{{HEAD}, {extra}}}") == []


@pytest.mark.parametrize(
    "extra", ["", ', "schema_of_the_future": {"a": 1}', ', "status": "transcended"', ', "target": 7']
)
def test_a_newer_record_is_told_from_a_damaged_one(extra):
    line = f"- {{{HEAD.replace('1,', '2,', 1)}{extra}}}"
    expected = "a record of schema 2 is newer than this STOA reads (up to 1) (o.yaml, line 2)"
    assert problems(line.replace('"status": "ok", "status"', '"status"')) == [(expected, UPGRADE)]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../etc", "/etc", ".git", ".GIT", "-rf", "a/b", "a b", "a\\n", "a\\u001b[2J", "a\\u0000", "é"],
)
def test_a_target_name_that_could_be_a_path_or_an_order_is_refused(name):
    message = problems(f"- {{{HEAD.replace('A001_X2', name)}}}")[0][0]
    assert f"in run '{RUN}' names no target (o.yaml, line 2)" in message
    assert message.isprintable()


@pytest.mark.parametrize(
    "run", ["", "..", "../20261122T103000-k3f9q2", "20261122T103000-k3f9q2\\n", "٢0261122T103000-k3f9q2"]
)
def test_a_run_that_is_no_id_is_refused(run):
    assert "names no target" in problems(f"- {{{HEAD.replace(RUN, run)}}}")[0][0]


PATHS = ["/etc/passwd", "../x", "a/../../x", "a/..", "..", "a\\u0000b", "\\/etc", "\\u002e\\u002e/x"]


@pytest.mark.parametrize("path", [*PATHS, *(f"alma:{path}" for path in PATHS)])
@pytest.mark.parametrize(
    "field",
    ['"place": "{0}"', '"inputs": {{"i": {{"path": "{0}"}}}}', '"outputs": {{"o": {{"path": "{0}"}}}}'],
)
def test_a_path_that_leaves_its_root_is_refused(field, path):
    message = problems(f"- {{{HEAD}, {field.format(path)}}}")[0][0]
    assert message.startswith("path ")
    assert message.endswith(" leaves its root (o.yaml, line 2)")


@pytest.mark.parametrize("group", PATHS)
def test_an_image_group_that_leaves_its_target_is_refused(group):
    message = problems(f'- {{{HEAD}, "group": "{group}"}}')[0][0]
    assert message.startswith("image group ")
    assert message.endswith(" leaves its target (o.yaml, line 2)")


@pytest.mark.parametrize(
    "path", ["alma:a..b/c...d", "alma:.../x", "alma:a:/b", "alma:", "alma:a b\\u001b", "alma:a//b"]
)
def test_an_odd_path_that_stays_below_its_root_is_data(path):
    assert problems(f'- {{{HEAD}, "place": "{path}"}}') == []


@pytest.mark.parametrize("extra", ['"status": "{0}"', '"place": "/{0}"', '"{0}": 1, "{0}": 2', '"target": "{0}/"'])
@pytest.mark.parametrize("text", ["z" * 9000, "\\u001b[2J", "\u202e\u2028"])
def test_a_message_about_any_value_is_short_and_printable(extra, text):
    message = problems(f"- {{{HEAD}, {extra.format(text)}}}")[0][0]
    assert len(message) < 250
    assert message.isprintable()


def test_many_bad_lines_do_not_hide_a_good_one():
    found = list(read_outcomes(b"x\n" * 1000 + write_outcomes([GOOD]) + b"- {\n" * 1000, "o.yaml"))
    assert len(found) == 2001
    assert [number for number, one in enumerate(found) if one == GOOD] == [1000]


def test_blank_lines_comments_and_windows_line_ends_do_no_harm():
    line = write_outcomes([GOOD])
    assert list(read_outcomes(b"# by hand\r\n\r\n" + line.replace(b"\n", b"\r\n") + b"\n", "o.yaml")) == [GOOD]


# Target lists.


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "a b", "root": "alma", "path": "x"}, "'a b' cannot name a target"),
        ({"name": "a", "root": "../x", "path": "x"}, "'../x' cannot name a root"),
        ({"name": "a", "root": "alma", "path": "../x"}, "the path of target 'a' leaves its root: '../x'"),
        ({"name": "a", "root": "alma", "path": "/x"}, "the path of target 'a' leaves its root: '/x'"),
        ({"name": "a", "root": "alma", "path": "x\0"}, "the path of target 'a' leaves its root: 'x\\x00'"),
        ({"name": "a", "root": "alma"}, "not a record: Object missing required field `path`"),
        ({"name": 1, "root": "alma", "path": "x"}, "not a record: Expected `str`, got `int` - at `$.name`"),
    ],
)
def test_a_bad_target_is_named_with_its_line(fields, message):
    good = '- {"name": "b", "root": "alma", "path": "b"}\n'
    with pytest.raises(RecordError) as caught:
        read_targets(f"{good}- {json.dumps(fields)}\n".encode(), "t.yaml")
    assert caught.value.message == f"{message} (t.yaml, line 2)"


def test_a_merge_that_was_not_finished_is_told():
    with pytest.raises(RecordError) as caught:
        read_targets(b"<<<<<<< HEAD\n", "t.yaml")
    assert caught.value.message == "an unfinished merge (t.yaml, line 1)"
    assert caught.value.hint == "keep the lines that are right, remove <<<<<<<, ======= and >>>>>>>"


def test_a_target_with_a_field_twice_is_refused():
    with pytest.raises(RecordError, match="field 'path' is given twice"):
        read_targets(b'- {"name": "a", "root": "r", "path": "x", "path": "y"}', "t.yaml")


def test_names_that_differ_in_case_only_are_two_targets():
    lines = b'- {"name": "a", "root": "r", "path": "x"}\n- {"name": "A", "root": "r", "path": "X"}\n'
    assert read_targets(lines, "t.yaml") == [Target("a", "r", "x"), Target("A", "r", "X")]


# Runs, summaries and reviews.

TIME = "'2026-11-22T10:00:00Z'"
REVIEW = f"schema: 1\nid: {RUN}\nkind: flag\ntarget: A001_X1\nauthor: {{name: A, email: a@b}}\ntime: {TIME}\n"
TAG = REVIEW.replace("kind: flag", "kind: tag\ntag: x").replace("A001_X1", "''")
PAIR = "process: sep\nparams: deep\nenvironment: host\n"
SUMMARY = f"schema: 1\nrun: {RUN}\nfinished: {TIME}\nduration_s: 1\ncounts: {{ok: 1}}\n"
RUN_YAML = f"""\
schema: 1
id: {RUN}
process: sep
params: {{process: sep, name: default, values: {{snr: 5.0}}}}
environment: host
engine: local
author: {{name: A, email: a@b}}
host: h
started: {TIME}
asked: [stoa, run]
jobs: 1
targets: 1
digests: {{}}
"""


NOT, L7 = "not a record: ", " (r.yaml, line 7)"


def refusal(read, text: str | bytes) -> str:
    with pytest.raises(RecordError) as caught:
        read(text if isinstance(text, bytes) else text.encode(), "r.yaml")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 250
    return caught.value.message


@pytest.mark.parametrize(
    "time", ["x", "''", "'2026-13-01T00:00:00Z'", "'2026-11-22T10:00:00'", "'0001-01-01T00:00:00Z'"]
)
@pytest.mark.parametrize(
    ("read", "text", "field"),
    [(read_review, REVIEW, "time"), (read_summary, SUMMARY, "finished"), (read_run, RUN_YAML, "started")],
)
def test_a_time_that_is_none_is_refused_with_its_field(read, text, field, time):
    assert refusal(read, text.replace(TIME, time)).startswith(f"{field}: ")


def test_the_records_that_the_tests_below_spoil_are_good():
    assert read_review(REVIEW.encode(), "r").target == "A001_X1"
    assert read_review((TAG + PAIR).encode(), "r").about == "sep"
    assert read_summary(SUMMARY.encode(), "r").counts == {"ok": 1}
    assert read_run(RUN_YAML.encode(), "r").params.values == {"snr": 5.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            REVIEW + "text: !!python/object/apply:os.system ['touch x']\n",
            NOT + "text has the tag '!!python/object/apply:os.system', which STOA does not read" + L7,
        ),
        (
            REVIEW + "text: &a x\nreason: *a\n",
            NOT + "reason is an alias ('*a'), which STOA does not read (r.yaml, line 8)",
        ),
        (
            "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
            NOT + "b[0] is an alias ('*a'), which STOA does not read (r.yaml, line 2)",
        ),
        (REVIEW + "kind: comment\n", NOT + "field 'kind' is given twice, first in line 3" + L7),
        (REVIEW + "text: " + "[" * 300_000, NOT + "nested more than 20 levels deep" + L7),
        (REVIEW + "text: " + "9" * 5000, NOT + "text does not fit in 64 bits, got '" + "9" * 57 + "'..." + L7),
        (REVIEW + "text: 2026-11-22\n", NOT + "text may be read as another value than it seems, got '2026-11-22'" + L7),
        (REVIEW + "text: .nan\n", NOT + "text must be finite, got '.nan'" + L7),
        (REVIEW + "text: 012\n", NOT + "text may be read as another value than it seems, got '012'" + L7),
        (
            REVIEW + "text: " + "1:" * 50_000 + "1\n",
            NOT + "text must be a whole number, got '" + "1:" * 28 + "1'..." + L7,
        ),
        (REVIEW + "text: 5\n", NOT + "Expected `str`, got `int` - at `$.text` (r.yaml)"),
        (REVIEW.replace("kind: flag", "kind: dance"), NOT + "Invalid enum value 'dance' - at `$.kind` (r.yaml)"),
        (REVIEW.replace("kind: flag\n", ""), NOT + "Object missing required field `kind` (r.yaml)"),
        (REVIEW.replace("schema: 1", "schema: 0"), "there is no schema 0 (r.yaml)"),
        (
            REVIEW.replace("schema: 1", "schema: 7") + "more: {}\n",
            "a record of schema 7 is newer than this STOA reads (up to 1) (r.yaml)",
        ),
        (REVIEW.replace("A001_X1", "'../x'"), "'../x' cannot name anything in a record (r.yaml)"),
        (REVIEW.replace("A001_X1", '"a\\e[2J"'), "'a\\x1b[2J' cannot name anything in a record (r.yaml)"),
        (REVIEW.replace(RUN, "../x"), "'../x' is not an id of a run or review (r.yaml)"),
        (REVIEW + "run: last\n", "'last' is not an id of a run or review (r.yaml)"),
        (REVIEW + "clears: [x]\n", "'x' is not an id of a run or review (r.yaml)"),
        (REVIEW + "group: ../x\n", "image group '../x' leaves its target (r.yaml)"),
        (REVIEW.replace("A001_X1", "''") + f"run: {RUN}\n", "a flag names no target (r.yaml)"),
        (REVIEW + PAIR, "a flag of a target or run names a pair, too (r.yaml)"),
        (TAG + PAIR + "run: " + RUN + "\n", "a tag of a target or run names a pair, too (r.yaml)"),
        (TAG + PAIR + "group: x\n", "a tag names no target (r.yaml)"),
        (TAG, "'' cannot name anything in a record (r.yaml)"),
        (TAG + PAIR.replace("sep", "../x"), "'../x' cannot name anything in a record (r.yaml)"),
        (TAG + PAIR.replace("host", ".git"), "'sep@deep@.git' cannot name a pair (r.yaml)"),
        (TAG + PAIR.replace("deep", '"a\\e[2J"'), "'a\\x1b[2J' cannot name a parameter set (r.yaml)"),
        (TAG + PAIR.replace("params: deep\n", ""), "'' cannot name a parameter set (r.yaml)"),
        (REVIEW + "text: \x07\n", NOT + "control character U+0007" + L7),
        (REVIEW + "---\na: b\n", NOT + "a second document begins" + L7),
        ("", NOT + "the file is empty (r.yaml)"),
        ("- a\n", NOT + "Expected `object`, got `array` (r.yaml)"),
        (b"\xff", NOT + "not UTF-8 text: invalid start byte (r.yaml, line 1)"),
        (b"a" * 16_000_001, NOT + "16000001 bytes are too many (at most 16000000) (r.yaml)"),
    ],
)
def test_a_bad_review_is_refused_and_named(text, message):
    assert refusal(read_review, text) == message


@pytest.mark.parametrize(
    ("field", "spoilt", "message"),
    [
        ("process: sep\n", "process: ../x\n", "'../x' cannot name anything in a record (r.yaml)"),
        ("process: sep,", "process: '',", "'' cannot name anything in a record (r.yaml)"),
        ("environment: host", "environment: .git", "'.git' cannot name anything in a record (r.yaml)"),
        (f"id: {RUN}", "id: last", "'last' is not an id of a run or review (r.yaml)"),
        ("jobs: 1", "jobs: 1\nrerun_of: '-x'", "'-x' is not an id of a run or review (r.yaml)"),
        ("snr: 5.0", "snr: .inf", "not a record: params.values.snr must be finite, got '.inf' (r.yaml, line 4)"),
        (
            "snr: 5.0",
            "snr: [5]",
            NOT + "Expected `bool | int | float | str`, got `array` - at `$.params.values[...]` (r.yaml)",
        ),
        ("jobs: 1", "jobs: 1\nafter: last", "'last' is not an id of a run or review (r.yaml)"),
        (
            "jobs: 1",
            "jobs: 1\nafter: 20200101T000000-aaaaaa",
            f"run {RUN} says that it counts after 20200101T000000-aaaaaa, which is no later id (r.yaml)",
        ),
        ("jobs: 1", "jobs: many", "not a record: Expected `int`, got `str` - at `$.jobs` (r.yaml)"),
    ],
)
def test_a_bad_run_is_refused_and_named(field, spoilt, message):
    assert refusal(read_run, RUN_YAML.replace(field, spoilt, 1)) == message


def test_a_bad_summary_is_refused_and_named():
    causes = "causes: [{status: failed, cause: x, count: 1, targets: ['../x']}]\n"
    assert refusal(read_summary, SUMMARY + causes) == "'../x' cannot name anything in a record (r.yaml)"
    assert refusal(read_summary, SUMMARY.replace("duration_s: 1", "duration_s: -1")) == "no run takes -1 s (r.yaml)"
    assert refusal(read_summary, SUMMARY.replace(RUN, "x")) == "'x' is not an id of a run or review (r.yaml)"


def test_a_summary_names_a_hundred_thousand_targets():
    names = [f"A001_X{n:x}_X{n:x}" for n in range(100_000)]
    cause = "causes:\n- status: failed\n  cause: x\n  count: 100000\n  targets:\n" + "".join(
        f"  - {n}\n" for n in names
    )
    assert read_summary((SUMMARY + cause).encode(), "s.yaml").causes[0].targets == tuple(names)


def test_an_outcome_that_no_record_can_hold_is_named():
    with pytest.raises(RecordError) as caught:
        write_outcomes([GOOD, msgspec.structs.replace(GOOD, target="A001_X2", results={"n": 2**63})])
    assert caught.value.message == "a record cannot hold an integer of more than 64 bits (the outcome of 'A001_X2')"


def test_a_frozen_parameter_set_is_read_as_strictly():
    assert read_frozen_set(b"process: sep\nname: s\nvalues: {a: 'no', b: 5.0, c: true}\n", "p").values == {
        "a": "no",
        "b": 5.0,
        "c": True,
    }
    assert refusal(read_frozen_set, "process: sep\nname: s\nvalues: {a: 1:30}\n") == (
        "not a record: values.a must be a whole number, got '1:30' (r.yaml, line 3)"
    )
