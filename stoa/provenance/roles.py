"""`roles.yaml`: the rules from file name and header to role that a project adds to the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Collection

from stoa.model import HeaderTest, RoleRule, RoleRules
from stoa.patterns import PatternError, search_of
from stoa.provenance.definitions import check_schema
from stoa.provenance.fields import get
from stoa.provenance.scalars import brief
from stoa.provenance.yamltree import Spot, read_yaml

MAX_PATTERN = 300
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,59}")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}|[A-Z0-9_ -]{1,60}")
_END = re.compile(r"[A-Za-z0-9_]{1,60}")


def read_roles(data: bytes, file: str, roles: Collection[str], rules: Collection[str]) -> RoleRules:
    """The rules of a project.

    Parameters
    ----------
    roles
        Names of the roles that there are; a project may add its own under ``roles``.
    rules
        Names of the built-in rules.

    Raises
    ------
    DefinitionError
        If a field, role, rule or pattern is wrong; with the line, and what may have been meant.
    """
    fields = read_yaml(data, file).mapping(("schema", "roles", "rules", "without", "group_ends"))
    check_schema(fields)
    known = [*roles, *(_role_names(fields["roles"]) if "roles" in fields else ())]
    found: dict[str, RoleRule] = {}
    for spot in fields["rules"].sequence() if "rules" in fields else ():
        rule = _rule(spot, known)
        if rule.name in found:
            raise spot.error(f"there are two rules named {rule.name!r}")
        found[rule.name] = rule
    return RoleRules(
        rules=tuple(found.values()),
        without=_words(fields["without"], rules) if "without" in fields else (),
        group_ends=get(fields, "group_ends", _ends, ()),
    )


def _role_names(spot: Spot) -> tuple[str, ...]:
    return tuple(_fitting(below, _ROLE, "letters and digits, a letter first") for below in spot.sequence())


def _words(spot: Spot, known: Collection[str]) -> tuple[str, ...]:
    return tuple(below.word(known) for below in spot.sequence())


def _ends(spot: Spot) -> tuple[str, ...]:
    return tuple(_fitting(below, _END, "letters, digits and _ without the dot") for below in spot.sequence())


def _fitting(spot: Spot, pattern: re.Pattern[str], what: str) -> str:
    text = spot.text()
    if not pattern.fullmatch(text):
        raise spot.error(f"{spot.field} must be {what}, got {brief(text)}")
    return text


def _rule(spot: Spot, roles: Collection[str]) -> RoleRule:
    fields = spot.mapping(("name", "role", "stem", "header", "doc"), required=("name", "role"))
    if not {"stem", "header"} & fields.keys():
        raise spot.error(f"{spot.field} has no condition", "give it a `stem`, a `header`, or both")
    return RoleRule(
        name=_fitting(fields["name"], _NAME, "small letters, digits and -"),
        role=fields["role"].word(roles),
        stem=get(fields, "stem", _pattern, ""),
        header=get(fields, "header", _tests, ()),
        doc=get(fields, "doc", Spot.text, ""),
    )


def _tests(spot: Spot) -> tuple[HeaderTest, ...]:
    fields = spot.mapping()
    for keyword, below in fields.items():
        if not _KEYWORD.fullmatch(keyword):
            raise below.error(f"{brief(keyword)} is not a header keyword", "capital letters, digits, - and _")
    return tuple(HeaderTest(keyword, _pattern(below)) for keyword, below in fields.items())


def _pattern(spot: Spot) -> str:
    """A regular expression; rules come with `git pull`, too, so that it is searched for by `stoa.patterns`."""
    text = spot.text()
    if len(text) > MAX_PATTERN:
        raise spot.error(f"{spot.field} has {len(text)} characters, at most {MAX_PATTERN} are read")
    try:
        search_of(text)
    except PatternError as problem:
        raise spot.error(f"{spot.field} is not a regular expression: {problem}", "the syntax is that of RE2") from None
    return text
