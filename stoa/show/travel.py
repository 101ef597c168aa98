"""Products that travelled, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stoa.show.runs import some
from stoa.show.words import count, one_line

if TYPE_CHECKING:
    from stoa.commands.store import Garbage
    from stoa.workspace.travel import Moved


def size_words(size: int) -> str:
    """Bytes as people write them."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def moved_line(report: Moved, done: str, there: str) -> str:
    """What was moved, as one line.

    Parameters
    ----------
    done, there
        What was done, and where the others were already.
    """
    words = f"{done} {count(report.moved, 'product')} ({size_words(report.size)}), {report.there} {there}"
    return f"{one_line(report.store)}: {words}"


def left_lines(report: Moved, absent: str) -> Iterator[str]:
    """What did not travel.

    Parameters
    ----------
    absent
        Where the absent ones are not.
    """
    if report.absent:
        yield f"{count(len(report.absent), 'product')} not {absent}: {one_line(some(report.absent, 3))}"
    for each in report.problems[:10]:
        yield f"{one_line(each.path)}: {one_line(each.why)}"
    if len(report.problems) > 10:
        yield f"and {len(report.problems) - 10} more problems"


def garbage_lines(report: Garbage) -> Iterator[str]:
    """What nothing names, one line each, and a sum."""
    for each in report.unnamed:
        yield f"{each.name}  {size_words(each.size)}"
    word = f"deleted {report.deleted}" if report.deleted else f"{len(report.unnamed)} can be deleted"
    yield (
        f"{one_line(report.store)}: {count(report.objects, 'object')}, {report.named} named by records,"
        f" {word} ({size_words(report.size)}), {report.young} not named and too young"
    )
