"""What changes the digest of a definition, and what does not."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from stoa.model import Environment, InputSpec, Need, OutputSpec, ParamSpec, Process, ResultSpec
from stoa.provenance.definitions import read_process
from stoa.provenance.digests import digest, environment_digest, params_digest, process_digest, script_digest

PROCESS = Process(
    name="sep",
    command=("python", "{script}"),
    script="scripts/sep.py",
    inputs={"image": InputSpec(role=("correctedImage", "image")), "beam": InputSpec(role=("primaryBeam",))},
    params={"snr": ParamSpec(type="float", default=5.0)},
    outputs={"sources": OutputSpec(path="sources.fits")},
    results={"rms": ResultSpec(type="float", unit="Jy", tolerance=0.05)},
)
IMAGE = InputSpec(role=("correctedImage", "image"))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"doc": "words"},
        {"script": "scripts/renamed.py"},
        {"params": {"snr": ParamSpec(type="float", default=3.0, min=1, doc="x")}},
        {"environment": "casa"},
        {"timeout_s": 600.0},
        {"grace_s": 1.0},
        {"memory_mb": 2000},
        {"skip_codes": (78,)},
        {"results": {"rms": ResultSpec(type="float", unit="Jy", tolerance=0.1, doc="noise")}},
        {"inputs": {"beam": InputSpec(role=("primaryBeam",)), "image": IMAGE}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_words_limits_and_order_leave_a_process_the_same(change):
    assert process_digest(msgspec.structs.replace(PROCESS, **change)) == process_digest(PROCESS)


@pytest.mark.parametrize(
    "change",
    [
        {"command": ("python3", "{script}")},
        {"command": ("python {script}",)},
        {"shell": True},
        {"over": "image"},
        {"inputs": {"image": IMAGE}},
        {"inputs": {"image": InputSpec(role=("image", "correctedImage")), "beam": InputSpec(role=("primaryBeam",))}},
        {"inputs": {"image": IMAGE, "beam": InputSpec(role=("primaryBeam",), optional=True)}},
        {"outputs": {"sources": OutputSpec(path="other.fits")}},
        {"outputs": {"sources": OutputSpec(path="sources.fits", kind="catalogue")}},
        {"results": {"rms": ResultSpec(type="float", unit="mJy")}},
        {"results": {"rms": ResultSpec(type="int", unit="Jy")}},
        {"results": {}},
        {"needs": (Need("aegean"),)},
        {"needs": (Need("aegean", "deep"),)},
    ],
    ids=str,
)
def test_what_can_change_a_product_makes_another_process(change):
    assert process_digest(msgspec.structs.replace(PROCESS, **change)) != process_digest(PROCESS)


def test_comments_and_layout_of_the_file_are_no_part_of_a_process():
    tidy = b"name: p\ncommand: [x, y]\ninputs: {a: {role: r}}\n"
    other = b"# ours\ninputs:\n  a:\n    role: [r]  # one\n\ncommand:\n- 'x'\n- \"y\"\nname: p\ntimeout: 5m\n"
    assert process_digest(read_process(tidy, "p")) == process_digest(read_process(other, "p"))


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1}, {"a": 1.0}), ({"a": 1}, {"a": True}), ({"a": "1"}, {"a": 1}), ({"a": 1}, {"b": 1}), ({}, {"a": 0})],
)
def test_values_of_another_type_or_name_are_other_parameters(one, other):
    assert params_digest(one) != params_digest(other)


def test_the_order_of_parameters_does_not_count():
    assert params_digest({"a": 1, "b": "é\u2028"}) == params_digest({"b": "é\u2028", "a": 1})


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"name": "other"}, True),
        ({"doc": "words"}, True),
        ({"environ": {"B": "2", "A": "1"}}, True),
        ({"environ": {"A": "1"}}, False),
        ({"python": "python3.12"}, False),
        ({"inherit": ("CASA_*",)}, False),
        ({"kind": "docker"}, False),
    ],
)
def test_an_environment_is_what_scripts_see_of_it(change, same):
    host = Environment(name="host", environ={"A": "1", "B": "2"})
    assert (environment_digest(msgspec.structs.replace(host, **change)) == environment_digest(host)) is same


def test_a_digest_is_that_of_the_canonical_json():
    expected = hashlib.sha256(b'{"a":[1,"\\u00e9"],"b":null}').hexdigest()[:16]
    assert digest({"b": None, "a": (1, "é")}) == expected


SCRIPT = '''\
#!/usr/bin/env python3
import sys

def main(path):
    text = """
    # not a comment

    two blanks\x20\x20
    """
    return text + "# neither" + path\x20\x20

main(sys.argv[1])
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import sys", "import sys  # for argv"),
        ("import sys\n", "# all we need\n    # is this\nimport sys\n\n\n"),
        ("path  \n", "path\n"),
        ('    """\n    return', '    """  # a text\n    return'),
        ("\n\nmain(", "\n# run\nmain("),
        ("main(sys.argv[1])\n", "main(sys.argv[1])"),
        ("\n", "\r\n"),
        ("#!", "\ufeff#!"),
    ],
)  # fmt: skip
def test_comments_and_blank_lines_leave_a_script_the_same(old, new):
    changed = SCRIPT.replace(old, new)
    assert changed != SCRIPT
    assert script_digest(changed.encode(), "s.py") == script_digest(SCRIPT.encode(), "s.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import sys", "import sys as system"),
        ("# not a comment", "# not a remark"),
        ("# not a comment\n\n", "# not a comment\n"),
        ("two blanks  ", "two blanks"),
        ("# neither", "# either"),
        ("    return", "        return"),
        ("python3", "python2"),
        ("#!", "# !"),
    ],
)
def test_code_strings_and_the_interpreter_make_another_script(old, new):
    changed = SCRIPT.replace(old, new)
    assert changed != SCRIPT
    assert script_digest(changed.encode(), "s.py") != script_digest(SCRIPT.encode(), "s.py")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"x = f'{a!r:#x}'  # hex\n", b"x = f'{a!r:#x}'\n"),
        (b"x = (1,  # one\n\n     2)\n", b"x = (1,\n     2)\n"),
        (b"x = 'a\\\n  # b'\ny = 1 # c\n", b"x = 'a\\\n  # b'\ny = 1\n"),
        ("é = 'ü'  # ö\n".encode(), "é = 'ü'\n".encode()),
        (b"# coding: utf-8\nx = 1\n", b"x = 1\n"),
    ],
)
def test_comments_are_found_where_python_finds_them(one, other):
    assert script_digest(one, "s.py") == script_digest(other, "s.py")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"x = f'{a!r:#x}'\n", b"x = f'{a!r:#o}'\n"),
        (b"x = 'a\\\n  # b'\n", b"x = 'a\\\n  # c'\n"),
        (b"\xef\xbb\xbfab#c\n", b"\xef\xbb\xbfa#c\n"),
    ],
)
def test_a_hash_in_a_string_is_no_comment(one, other):
    assert script_digest(one, "s.py") != script_digest(other, "s.py")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"echo hello # words\n", "s.sh"),
        (b"x = 1 # words\n", "script"),
        (b"\x00\x01", "s.py"),
        (b"", "s.py"),
        (b"x = 'caf\xe9' # words\n", "s.py"),
        (b"# coding: latin-1\nx = 'caf\xe9'\n", "s.py"),
        (b"# coding: latin-1\nx = 1 # words\n", "s.py"),
        (b"# coding: no-such\nx = 1\n", "s.py"),
        (b"x = 'open # words\n", "s.py"),
        (b"x = (1, # words\n", "s.py"),
        (b"  x = 1\n y = 2 # words\n", "s.py"),
        (b"if x:\n\ty\n        z # words\n  w\n", "s.py"),
    ],
)
def test_what_is_not_python_in_utf8_is_hashed_as_it_is(content, name):
    assert script_digest(content, name) == hashlib.sha256(content).hexdigest()[:16]
