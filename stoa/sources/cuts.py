"""What a table of sources says of the cuts that were applied to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.quality import Selection

if TYPE_CHECKING:
    from astropy.table import Table

_OLD = re.compile(r"(?:[^:]*: )?(?P<keep>.*) \((?P<removed>\d+) removed\)")
"""The sentence of a table that was written before its cuts had fields of their own."""


class CutFact(Struct, frozen=True):
    """One cut of a table: what it keeps, and how many rows it removed."""

    keep: str
    removed: int


def facts_of(selection: Selection, before: Mapping[str, Any]) -> dict[str, str | int]:
    """What a table is to say of its cuts, after those that it says already: a sentence and two fields for each.

    Parameters
    ----------
    before
        The table's metadata.
    """
    found: dict[str, str | int] = {}
    for number, cut in enumerate(selection.cuts, len(_numbers(before)) + 1):
        found[f"cut{number}"] = f"{cut.name}: {cut.keep} ({cut.removed} removed)"
        found[f"cut{number}_keep"] = cut.keep
        found[f"cut{number}_removed"] = cut.removed
    return found


def cut_facts(table: Table) -> dict[str, Any]:
    """The part of a table's metadata that is about its cuts."""
    return {name: value for name, value in table.meta.items() if re.fullmatch(r"cut\d+(_keep|_removed)?", name)}


def cut_sentences(table: Table) -> list[str]:
    """The cuts of a table in words, in order."""
    return [str(table.meta[f"cut{number}"]) for number in _numbers(table.meta)]


def cuts_in(meta: Mapping[str, Any]) -> tuple[CutFact, ...]:
    """The cuts of a table, in order; what an older table says in a sentence is read from it."""
    return tuple(fact for number in _numbers(meta) if (fact := _cut(meta, number)))


def _cut(meta: Mapping[str, Any], number: int) -> CutFact | None:
    if f"cut{number}_removed" in meta:
        return CutFact(str(meta[f"cut{number}_keep"]), int(meta[f"cut{number}_removed"]))
    old = _OLD.fullmatch(str(meta[f"cut{number}"]))
    return CutFact(old["keep"], int(old["removed"])) if old else None


def _numbers(meta: Mapping[str, Any]) -> list[int]:
    return sorted(int(name[3:]) for name in meta if re.fullmatch(r"cut\d+", name))
