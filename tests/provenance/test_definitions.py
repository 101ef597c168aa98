"""Definitions as people write them, and parameter values that mean what is declared."""

from __future__ import annotations

import pytest
import random_records as some
from hypothesis import given
from hypothesis import strategies as st

from stoa.model import InputSpec, Need, OutputSpec, ParameterSet, ParamSpec, Process, ResultSpec
from stoa.project import Config, Local
from stoa.provenance.definitions import read_config, read_local, read_process, shown
from stoa.provenance.dialect import block
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.parameter_sets import complete, override, read_parameter_set

FULL = b"""\
# What a colleague wrote.
schema: 1
name: peak
doc: "brightest pixel: of each image"   # quoted, for the colon
script: ./scripts//peak.py
command:
  - python
  - "{script}"
  - --floor
  - "{params.floor}"
over: image
inputs:
  image: {role: [correctedImage, image]}
  beam:
    role: primaryBeam
    optional: true
params:
  floor: {type: float, default: 1, min: 0, max: "10", unit: Jy/beam, doc: ignored below}
  window: {type: int, choices: [3, 5]}
outputs:
  table: {path: out/peak.csv, kind: catalogue}
results:
  peak: {type: float, unit: Jy/beam, tolerance: 1%}
environment: casa
timeout: 1.5h
grace: 10
memory: 0.5GB
skip_codes: [77, 78]
needs: sep
"""


def test_every_field_of_a_process_is_read():
    assert read_process(FULL, "peak.yaml") == Process(
        name="peak",
        doc="brightest pixel: of each image",
        script="scripts/peak.py",
        command=("python", "{script}", "--floor", "{params.floor}"),
        over="image",
        inputs={
            "image": InputSpec(role=("correctedImage", "image")),
            "beam": InputSpec(role=("primaryBeam",), optional=True),
        },
        params={
            "floor": ParamSpec(type="float", default=1.0, min=0, max=10, unit="Jy/beam", doc="ignored below"),
            "window": ParamSpec(type="int", choices=(3, 5)),
        },
        outputs={"table": OutputSpec(path="out/peak.csv", kind="catalogue")},
        results={"peak": ResultSpec(type="float", unit="Jy/beam", tolerance=0.01)},
        environment="casa",
        timeout_s=5400.0,
        grace_s=10.0,
        memory_mb=500,
        skip_codes=(77, 78),
        needs=(Need("sep"),),
    )


def process(text: str) -> Process:
    return read_process(f"name: p\n{text}\n".encode(), "p.yaml")


@pytest.mark.parametrize(
    "command",
    [
        "command: [echo, no, 012, 1:30]",
        'command: ["echo", "no", "012", "1:30"]',
        "command:\n- echo\n- no\n- 012\n- 1:30",
        "command:\n    - echo\n    - 'no'  # a word\n    - 012\n\n    - 1:30",
        "command: [\n  echo, no,\n  012, 1:30,\n]",
    ],
)
def test_a_list_may_be_written_in_any_style(command):
    assert process(command).command == ("echo", "no", "012", "1:30")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("command: ls", ("ls",)),
        ('command: "ls -l | head"\nshell: true', ("ls -l | head",)),
        ("command: |\n  ls -l\n  date\nshell: true", ("ls -l\ndate\n",)),
        ("command: [ls -l, '|', head]\nshell: True", ("ls -l", "|", "head")),
    ],
)
def test_a_single_word_and_a_shell_command_need_no_list(text, command):
    assert process(text).command == command


@pytest.mark.parametrize("section", ["inputs:", "params: {}", "outputs:\n", "results: ", "needs:", "needs: []"])
def test_an_empty_section_is_as_if_it_were_not_there(section):
    assert process(f"command: x\n{section}") == process("command: x")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("10 m", 600),
        ('"2h"', 7200),
        ("0.5d", 43200),
        ("1000d", 86.4e6),
    ],
)
def test_a_time_has_a_unit_or_is_in_seconds(text, seconds):
    assert process(f"command: x\ntimeout: {text}").timeout_s == seconds


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("5 %", 0.05), ("0.05", 0.05), ("1e-3", 0.001), ("0", 0)])
def test_a_tolerance_is_a_share_or_a_percentage(text, share):
    assert (
        process(f"command: x\nresults: {{rms: {{type: float, tolerance: {text}}}}}").results["rms"].tolerance == share
    )


def test_parameters_may_have_names_that_yaml_takes_for_truth_values():
    declared = process("command: x\nparams:\n  y: {type: bool, default: true}\n  no: {type: int, default: 012}")
    assert complete(declared, "default", {}).values == {"y": True, "no": 12}


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm():
    assert read_process(b"\xef\xbb\xbf" + FULL.replace(b"\n", b"\r\n"), "p.yaml") == read_process(FULL, "p.yaml")


def test_an_environment_sets_and_inherits_variables():
    found = read_environment(b"name: casa\nkind: host\nenviron: {OMP: 012, A: no}\ninherit: CASA_*\n", "e.yaml")
    assert (found.environ, found.inherit) == ({"OMP": "012", "A": "no"}, ("CASA_*",))


def test_settings_are_read():
    config = b"schema: 1\nproject: q-1\nroots: {alma: data}\nreasons:\n  wrong-source: another field\n"
    assert read_config(config, "c") == Config(
        project="q-1", roots={"alma": "data"}, reasons={"wrong-source": "another field"}
    )
    assert read_local(b"roots: {alma: /data}\njobs: 4\n", "l") == Local(roots={"alma": "/data"}, jobs=4)
    assert read_local(b"schema: 1\n", "l") == Local()


TYPED = process(
    "command: x\nparams:\n  t: {type: str, default: x}\n  b: {type: bool, default: false}\n"
    "  i: {type: int, default: 1}\n  f: {type: float, default: 1}"
)


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        *(
            (word, "t", word)
            for word in ("no", "012", "1:30", "12:30:45", "2026-11-22", "1e5", "~", "null", "0x1f", "=")
        ),
        ('""', "t", ""),
        ('"\\u0085"', "t", "\x85"),
        ('"\\u2028"', "t", "\u2028"),
        ("\U0001f600", "t", "\U0001f600"),
        ("'5'", "t", "5"),
        ("5", "f", 5.0),
        ("'5'", "f", 5.0),
        (".5", "f", 0.5),
        ("1E5", "f", 100000.0),
        ("-012", "i", -12),
        ("+3", "i", 3),
        ("9223372036854775807", "i", 9223372036854775807),
        ("True", "b", True),
        ("'false'", "b", False),
    ],
)
def test_a_value_is_of_its_declared_type_however_it_is_written(written, name, value):
    found = read_parameter_set(f"values: {{{name}: {written}}}".encode(), "s.yaml", TYPED, "s").values[name]
    assert (type(found), found) == (type(value), value)


typed_values = st.builds(dict, t=some.texts, b=st.booleans(), i=some.integers, f=some.floats)


@given(typed_values, some.texts)
def test_a_set_that_stoa_writes_is_read_unchanged(values, doc):
    written = block({"schema": 1, "process": "p", "doc": doc, "values": values})
    assert repr(read_parameter_set(written, "s.yaml", TYPED, "s")) == repr(
        ParameterSet(process="p", name="s", values=values, doc=doc)
    )


@given(typed_values)
def test_a_value_that_is_shown_can_be_typed_in_again(values):
    base = complete(TYPED, "default", {})
    settings = {name: shown(value) for name, value in values.items()}
    assert repr(override(TYPED, base, settings).values) == repr(values)


def test_an_overridden_set_is_named_by_what_differs():
    base = complete(TYPED, "default", {})
    assert override(TYPED, base, {"f": "2.50", "i": "1", "b": "true"}).name == "default+b=true+f=2.5"


def test_a_set_keeps_the_order_of_the_declaration():
    assert list(read_parameter_set(b"values: {f: 2, t: a}", "s.yaml", TYPED, "s").values) == ["t", "b", "i", "f"]
