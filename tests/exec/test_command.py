"""Command templates and what they expand to."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.errors import StoaError
from stoa.exec.job.command import CommandProblem, check_command, expand
from stoa.model import InputSpec, Need, ParamSpec, Process

INPUTS = {
    "image": InputSpec(role=("correctedImage",)),
    "beam": InputSpec(role=("primaryBeam",), optional=True),
}
VALUES = {"script": "/f/find.py", "target": "/d/A 1", "name": "A1", "group": "", "meta": "", "out": "/w"}
VALUES |= {"params.snr": "5.0", "image": "/d/A 1/x.fits"}


def process(*command: str, **fields) -> Process:
    given_fields = {
        "name": "aegean",
        "command": command,
        "script": "find.py",
        "inputs": INPUTS,
        "params": {"snr": ParamSpec(type="float")},
        "needs": (Need("mask"),),
    }
    return Process(**(given_fields | fields))


def test_placeholders_become_values_one_argument_each():
    command = process("python", "{script}", "--image={image}", "--snr", "{params.snr}", "--out", "{out}/s.vot")
    check_command(command)
    assert expand(command, VALUES) == (
        *("python", "/f/find.py", "--image=/d/A 1/x.fits", "--snr", "5.0", "--out", "/w/s.vot"),
    )


def test_output_of_a_needed_process_is_a_placeholder():
    command = process("find", "{needs.mask.file}")
    check_command(command)
    assert expand(command, VALUES | {"needs.mask.file": "/p/m.fits"}) == ("find", "/p/m.fits")


def test_several_outputs_of_a_needed_process_are_as_many_arguments():
    several = VALUES | {"needs.mask.file": ("/p/1.fits", "/p/2.fits")}
    assert expand(process("cat", "{needs.mask.file}", "{name}"), several) == ("cat", "/p/1.fits", "/p/2.fits", "A1")
    with pytest.raises(CommandProblem, match="stands for 2 files"):
        expand(process("cat", "--in={needs.mask.file}"), several)


def test_an_optional_output_that_was_not_written_vanishes_with_its_option():
    assert expand(process("find", "--mask", "{needs.mask.file}", "{name}"), VALUES) == ("find", "A1")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("{{}}", "{}"), ("{{{name}}}", "{A1}"), ("a{{b", "a{b"), ("{name}{name}", "A1A1"), ("", ""), ("$x", "$x")],
)
def test_a_literal_brace_is_doubled(argument, expected):
    assert expand(process(argument), VALUES) == (expected,)


@pytest.mark.parametrize(
    ("placeholder", "near"),
    [
        ("imge", "image"),
        ("snr", "params.snr"),
        ("param.snr", "params.snr"),
        ("params.snrr", "params.snr"),
        ("targt", "target"),
        ("need.mask.file", None),
        ("needs.other.file", None),
        ("needs.mask", None),
        ("zzzz", None),
        ("0", None),
    ],
)
def test_an_unknown_placeholder_names_process_placeholder_and_nearest(placeholder, near):
    with pytest.raises(CommandProblem) as caught:
        check_command(process("find", f"--x={{{placeholder}}}"))
    assert (caught.value.process, caught.value.placeholder) == ("aegean", placeholder)
    assert "'aegean'" in caught.value.message
    assert f"unknown placeholder {{{placeholder}}} in argument 2" in caught.value.message
    if near:
        assert caught.value.near == near
        assert f"did you mean {{{near}}}?" in caught.value.message


@pytest.mark.parametrize("argument", ["{", "}", "a}b", "{a{b}", "{script", "{}"])
def test_a_brace_that_is_no_placeholder_is_an_error(argument):
    with pytest.raises(CommandProblem, match=r"a single|an empty"):
        check_command(process(argument))


def test_a_script_placeholder_needs_a_script():
    with pytest.raises(CommandProblem, match="the process has no script"):
        check_command(process("python", "{script}", script=""))


def test_an_empty_command_is_an_error():
    with pytest.raises(CommandProblem, match="is empty"):
        check_command(process())


def test_an_input_cannot_take_the_name_of_a_fixed_placeholder():
    with pytest.raises(CommandProblem, match="input 'target'"):
        check_command(process("x", inputs={"target": InputSpec(role=("a",))}))


def test_a_placeholder_without_value_is_an_error():
    with pytest.raises(StoaError, match=r"no value for placeholder \{image\}"):
        expand(process("{image}"), {"script": "x"})


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("f", "--beam", "{beam}", "x"), ("f", "x")),
        (("f", "-b", "{beam}"), ("f",)),
        (("f", "{beam}", "x"), ("f", "", "x")),
        (("f", "--beam={beam}"), ("f", "--beam=")),
        (("f", "--snr=3", "{beam}"), ("f", "--snr=3", "")),
        (("f", "--", "{beam}"), ("f", "--", "")),
        (("f", "-", "{beam}"), ("f", "-", "")),
        (("f", "--beam", "{beam}", "{beam}"), ("f", "")),
        (("f", "{beam}{beam}"), ("f", "")),
    ],
)
def test_a_missing_optional_input_vanishes_with_its_option(command, expected):
    check_command(process(*command))
    assert expand(process(*command), VALUES) == expected
    assert expand(process(*command), VALUES | {"beam": ""}) == expected


def test_an_optional_input_that_is_there_is_an_argument():
    assert expand(process("f", "--beam", "{beam}"), VALUES | {"beam": "/b.fits"}) == ("f", "--beam", "/b.fits")


def test_a_value_that_begins_with_a_dash_or_looks_like_a_placeholder_stays_as_it_is():
    assert expand(process("{image}", "{name}"), VALUES | {"image": "-rf", "name": "{out}"}) == ("-rf", "{out}")


def shell_output(text: str, **values: str) -> str:
    command = process(text, shell=True)
    check_command(command)
    argv = expand(command, VALUES | values)
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_a_shell_command_is_one_script_with_its_arguments_joined():
    command = process("echo", "{name}", "|", "tr a-z A-Z", shell=True)
    assert expand(command, VALUES) == ("/bin/sh", "-c", 'echo "${1}" | tr a-z A-Z', "aegean", "A1")


def test_a_value_used_twice_in_a_shell_command_is_passed_once():
    assert shell_output("echo {name} {name} {out} $#") == "A1 A1 /w 2\n"


@settings(max_examples=60)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_no_value_is_taken_for_shell_code(value):
    command = process('printf "%s|" {name} "{name}" "$(printf %s {name}; echo .)"', shell=True)
    shown = subprocess.run(expand(command, VALUES | {"name": value}), capture_output=True, check=True).stdout
    assert shown.decode() == f"{value}|{value}|{value}.|"


@pytest.mark.parametrize(
    "text",
    [
        "echo {name}",
        'echo "{name}"',
        "echo `echo {name}`",
        "# {name}\necho",
        "cat <<E\n{name}\nE",
        'cat <<E\n"{name}"\nE',
        "echo ${{x:-{name}}}",
    ],
)
def test_a_hostile_value_runs_nothing_wherever_it_stands(tmp_path, text):
    new = f"touch {tmp_path}/new"
    hostile = f"\n {new}; $({new}) `{new}` \"; {new}; ' {new}"
    shell_output(text, name=hostile)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["echo '{name}'", "echo \"a\" '{name}'", "echo 'a\\' '{name}'", "echo \\{name}"])
def test_a_shell_placeholder_where_nothing_expands_is_refused(text):
    with pytest.raises(CommandProblem, match=r"placeholder \{name\} is"):
        check_command(process(text, shell=True))


@pytest.mark.parametrize("text", ['echo "it\'s" {name}', "echo 'a' {name}", "echo \\' {name}", "# don't\necho {name}"])
def test_quotes_that_are_closed_do_not_matter(text):
    assert shell_output(text).endswith("A1\n")


def test_a_missing_input_of_a_shell_command_vanishes_with_its_option():
    command = process("echo", "--beam", "{beam}", "{image}", shell=True)
    assert expand(command, VALUES)[2:] == ('echo "${1}"', "aegean", "/d/A 1/x.fits")
