"""Several patterns held against a text at once."""

from __future__ import annotations

import pytest

from stoa.meta.rules import RULES
from stoa.patterns import PatternError, found_of, search_of

PATTERNS = [rule.stem for rule in RULES if rule.stem]
NAMES = (
    ".x.pbcor",
    ".x.PB",
    ".m.src_sci.spw16.cont.I.tt1.pbcor",
    ".x.flux.pbcoverage",
    ".x",
    "",
    ".\u00e9.image",
    ".\udcff.pb",
)


@pytest.mark.parametrize("name", NAMES)
def test_together_they_find_what_each_finds(name):
    each = [number for number, pattern in enumerate(PATTERNS) if search_of(pattern)(name)]
    assert sorted(found_of(PATTERNS)(name)) == each


def test_no_pattern_finds_nothing():
    assert list(found_of([])("x")) == []


def test_one_that_cannot_be_used_is_said():
    with pytest.raises(PatternError):
        found_of(["a", "(?<=b)c"])
