"""The table of roles at work: which rule takes a file, and which image it belongs to (`stoa.meta.rules`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from functools import cached_property

import msgspec
from msgspec import Struct

from stoa.meta.roles import stem
from stoa.meta.rules import DASHED_ENDS, GROUP_ENDS, OTHER, RULES
from stoa.meta.sky import Getter
from stoa.model import HeaderTest, RoleRule, RoleRules
from stoa.patterns import Search, found_of, search_of


class Near(Struct, frozen=True):
    """A rule that did not take a file, and why."""

    rule: str
    role: str
    why: str


class Verdict(Struct, frozen=True, kw_only=True):
    """The role of a file with its reason."""

    role: str
    rule: str  # "" if none took it
    why: str
    near: tuple[Near, ...] = ()


class _Step(Struct, frozen=True):
    """A rule with its patterns compiled."""

    rule: RoleRule
    stem: Search | None
    tests: tuple[tuple[HeaderTest, Search], ...]


_MOST_HEADERS = 1024
ANY_TYPE = "CTYPE"
"""A condition on this keyword looks at CTYPE1 to CTYPE4 together."""

_TYPES = ("CTYPE1", "CTYPE2", "CTYPE3", "CTYPE4")


class RoleTable:
    """Rules in their order; of those whose conditions hold the first gives the role.

    Parameters
    ----------
    rules
        The table.
    group_ends
        Patterns of the last parts of a name that tell the files of one image apart.
    """

    def __init__(self, rules: tuple[RoleRule, ...] = RULES, group_ends: tuple[str, ...] = GROUP_ENDS) -> None:
        self.rules = rules
        self.group_ends = group_ends

    @cached_property
    def digest(self) -> str:
        """Digest of all that decides on role and group."""
        return hashlib.sha256(msgspec.json.encode([self.rules, self.group_ends, DASHED_ENDS])).hexdigest()[:16]

    @cached_property
    def _steps(self) -> tuple[_Step, ...]:
        return tuple(
            _Step(
                rule=rule,
                stem=search_of(rule.stem) if rule.stem else None,
                tests=tuple((test, search_of(test.pattern)) for test in rule.header),
            )
            for rule in self.rules
        )

    @cached_property
    def _named(self) -> Callable[[str], Collection[int]]:
        """Numbers of the rules whose pattern is in a stem; a rule without one has an empty pattern, which is in all."""
        return found_of([rule.stem for rule in self.rules])

    @cached_property
    def _ends(self) -> re.Pattern[str]:
        ends, dashed = "|".join(self.group_ends), "|".join(DASHED_ENDS)
        return re.compile(rf"(?<=.)(?:\.(?:{ends})|[_-](?:{dashed}))+$", re.IGNORECASE)

    def role_of(self, name: str, get: Getter | None) -> str:
        """Role of a file by its name and header (None: it has none); ``other`` if no rule takes it."""
        if get is None:
            roles = self._by_name
        else:
            texts = tuple(map(get, self._keywords))
            try:
                roles = self._by_header[texts]
            except KeyError:
                roles = self._remember(texts, get)
        first = min([number for number in self._named(f".{stem(name)}") if number in roles], default=-1)
        return roles.get(first, OTHER)

    @cached_property
    def _keywords(self) -> tuple[str, ...]:
        wanted = {test.keyword: None for rule in self.rules for test in rule.header}
        return tuple(name for keyword in wanted for name in (_TYPES if keyword == ANY_TYPE else (keyword,)))

    @cached_property
    def _by_name(self) -> dict[int, str]:
        """Role by number of the rules without conditions on the header."""
        return {number: step.rule.role for number, step in enumerate(self._steps) if not step.tests}

    @cached_property
    def _by_header(self) -> dict[tuple[str, ...], dict[int, str]]:
        """The same of those whose conditions hold, by the texts that were asked for; most files share them."""
        return {}

    def _remember(self, texts: tuple[str, ...], get: Getter) -> dict[int, str]:
        if len(self._by_header) >= _MOST_HEADERS:
            self._by_header.clear()
        met = {number: step.rule.role for number, step in enumerate(self._steps) if _meets(step, get)}
        self._by_header[texts] = met
        return met

    def group_key(self, name: str) -> str:
        """Key of the image that a file belongs to: its folder and stem without what tells the roles apart."""
        folder, slash, _ = name.rpartition("/")
        return folder + slash + self._ends.sub("", stem(name))

    def explain(self, name: str, get: Getter | None) -> Verdict:
        """The role of a file, the rule that gave it and those that nearly did.

        Near are the rules that would have taken it after the one that did, and those with some conditions that hold.
        """
        text = f".{stem(name)}"
        winner = next((s for s in self._steps if (s.stem is None or s.stem(text)) and _meets(s, get)), None)
        near = (_near(step, text, get, winner) for step in self._steps if step is not winner)
        found = tuple(one for one in near if one)
        if winner is None:
            return Verdict(role=OTHER, rule="", why="no rule takes it", near=found)
        return Verdict(role=winner.rule.role, rule=winner.rule.name, why=_reason(winner, text, get), near=found)


def _text(get: Getter | None, keyword: str) -> str:
    """Text of a keyword; of `ANY_TYPE` those of all axes with blanks between."""
    if get is None:
        return ""
    return " ".join(filter(None, map(get, _TYPES))) if keyword == ANY_TYPE else get(keyword)


def _meets(step: _Step, get: Getter | None) -> bool:
    """Whether a file meets the conditions on its header."""
    if get is None:
        return not step.tests
    return all(search(_text(get, test.keyword)) for test, search in step.tests)


def _reason(step: _Step, text: str, get: Getter | None) -> str:
    reasons = [step.rule.doc] if step.rule.doc else []
    if step.stem and (found := step.stem(text)):
        reasons.append(f"name has {found[0]!r}")
    reasons += [f"{test.keyword} = {_text(get, test.keyword)!r}" for test, _ in step.tests if get]
    return "; ".join(reasons)


def _near(step: _Step, text: str, get: Getter | None, winner: _Step | None) -> Near | None:
    rule = step.rule
    named = bool(step.stem and step.stem(text))
    if step.stem and not named:
        return None
    missed = [test for test, search in step.tests if get is None or not search(_text(get, test.keyword))]
    if not missed:
        first = winner.rule.name if winner else ""
        return Near(rule.name, rule.role, f"{_reason(step, text, get)}, but {first} comes first")
    if not named and len(missed) == len(step.tests):
        return None
    seen = ", ".join(f"{test.keyword} is {_text(get, test.keyword)!r}" for test in missed)
    return Near(rule.name, rule.role, f"but {seen}")


BUILT_IN = RoleTable()


def extended(project: RoleRules) -> RoleTable:
    """The built-in table with the rules of a project: in the place of those of the same name, else in front."""
    own = {rule.name: rule for rule in project.rules}
    known = {rule.name for rule in RULES}
    first = tuple(rule for rule in project.rules if rule.name not in known)
    rest = tuple(own.get(rule.name, rule) for rule in RULES if rule.name not in project.without)
    return RoleTable((*first, *rest), (*project.group_ends, *GROUP_ENDS))
