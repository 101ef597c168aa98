"""The rules that a project adds, and what is wrong with them."""

from __future__ import annotations

import pytest

from stoa.meta.rules import ROLE_ORDER, RULES
from stoa.meta.table import extended
from stoa.model import HeaderTest, RoleRule, RoleRules
from stoa.provenance.roles import read_roles
from stoa.provenance.yamltree import DefinitionError
from stoa.workspace.template import template

ROLES = ("correctedImage", "mask", "primaryBeam")
NAMES = ("corrected", "mask")

FULL = b"""\
schema: 1
roles: [snrMap]
rules:
  - name: ours
    role: correctedImage
    stem: '\\.final$'
    header:
      ORIGIN: ^OurScript
      TYPE: ''
    doc: by our script
  - {name: snr, role: snrMap, stem: '_snr$'}
without: [mask]
group_ends: [final, snr]
"""


def read(text: str | bytes) -> RoleRules:
    return read_roles(text if isinstance(text, bytes) else text.encode(), "roles.yaml", ROLES, NAMES)


def test_every_field_is_read() -> None:
    tests = (HeaderTest("ORIGIN", "^OurScript"), HeaderTest("TYPE", ""))
    ours = RoleRule(name="ours", role="correctedImage", stem=r"\.final$", header=tests, doc="by our script")
    snr = RoleRule(name="snr", role="snrMap", stem="_snr$")
    assert read(FULL) == RoleRules(rules=(ours, snr), without=("mask",), group_ends=("final", "snr"))


def test_nothing_but_the_schema_changes_nothing() -> None:
    assert read("schema: 1\n") == RoleRules()


def test_the_template_changes_nothing() -> None:
    data = (template() / "roles.yaml").read_bytes()
    assert read_roles(data, "roles.yaml", ROLE_ORDER, [rule.name for rule in RULES]) == RoleRules()


def test_the_examples_of_the_template_can_be_used() -> None:
    lines = (template() / "roles.yaml").read_text(encoding="utf-8").splitlines()
    text = "schema: 1\n"
    text += "\n".join(line[2:] for line in lines if line[:4] in ("# ru", "# wi", "# gr", "# ro", "#   "))
    found = read_roles(text.encode(), "roles.yaml", ROLE_ORDER, [rule.name for rule in RULES])
    assert (found.rules[0].name, found.without, found.group_ends) == (
        "our-image",
        ("image-by-header",),
        ("final", "snr"),
    )


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)*$",
        "a*a*a*a*a*a*b",
        "(a?){30}a{30}b",
        "(a{1,20}){1,20}b",
        "(?:a?){99}c",
        "(.*)(.*)(.*)(.*)(.*)x",
    ],
)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    project = read(
        f"schema: 1\nrules:\n  - {{name: x, role: mask, stem: '{pattern}', header: {{OBJECT: '{pattern}'}}}}\n"
    )
    name = "a" * 5000 + "!"
    assert extended(project).role_of(f"{name}.fits", lambda _keyword: name) != "mask" or pattern == "(a|aa)*$"


@pytest.mark.parametrize("pattern", [r"[(+*)]\.\+(a|b)?$", r"(_v\d{1,3})?.*x.*y.*z", "[]*+]{2}"])
def test_patterns_that_end_are_taken(pattern: str) -> None:
    found = read(f"schema: 1\nrules:\n  - name: x\n    role: mask\n    stem: '{pattern}'\n")
    assert found.rules[0].stem == pattern


def rule(line: str) -> str:
    return f"schema: 1\nrules:\n  - {line}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rule: []", "unknown field 'rule'; did you mean 'rules'"),
        ("schema: 2", "schema 2 is newer"),
        (rule("{name: x, role: mask}"), "rules[0] has no condition"),
        (rule("{name: x, stem: a}"), "field 'role' is missing"),
        (rule("{name: x, role: masc, stem: a}"), "did you mean 'mask'"),
        (rule("{name: X y, role: mask, stem: a}"), "small letters"),
        (rule("{name: x, role: mask, stem: '('}"), "rules[0].stem is not a regular expression"),
        (
            rule("{name: x, role: mask, stem: '(?=a)b'}"),
            "rules[0].stem is not a regular expression: invalid perl operator",
        ),
        (rule("{name: x, role: mask, stem: '(a)\\1'}"), "rules[0].stem is not a regular expression: invalid escape"),
        (rule("{name: x, role: mask, stem: '((a{99}){99}){99}'}"), "is not a regular expression"),
        (rule(f"{{name: x, role: mask, stem: {'a' * 301}}}"), "has 301 characters, at most 300"),
        (rule("{name: x, role: mask, header: {type: a}}"), "'type' is not a header keyword"),
        (rule("{name: x, role: mask, header: {TYPE: '['}}"), "rules[0].header.TYPE is not a regular expression"),
        (rule("{name: x, role: mask, stem: a}\n  - {name: x, role: mask, stem: b}"), "two rules named 'x'"),
        ("without: [masks]", "did you mean 'mask'"),
        ("group_ends: ['.pb']", "without the dot"),
        ("roles: [1st]", "a letter first"),
        ("", "empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, words: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(text)
    assert words in caught.value.message
    assert "roles.yaml" in caught.value.message
