"""Judgements and disagreements of collaborators in words."""

from __future__ import annotations

from collections.abc import Iterator

from stoa.show.words import clock, number, one_line
from stoa.workspace.agreement import Contradiction, Disagreement

CONTRADICTIONS = ("target", "by", "says", "when", "text")
"""Headings of `contradiction_cells`."""


def disagreement_lines(found: Disagreement, most: int = 3) -> Iterator[str]:
    """What two runs say of one job, a line for each result that differs."""
    group = f" {found.group}" if found.group else ""
    for difference in found.differences[:most]:
        name = "" if difference.name == "status" else f"{difference.name} "
        sides = ", ".join(
            f"{name}{_said(value)} by {voice.author}"
            for value, voice in zip(difference.values, found.voices, strict=True)
        )
        yield one_line(f"{found.target}{group} ({found.process} @ {found.params}): {sides}")


def _said(value: object) -> str:
    return "none" if value is None else number(value) if isinstance(value, float) else str(value)


def contradiction_cells(found: tuple[Contradiction, ...]) -> list[tuple[str, ...]]:
    """What people say who contradict each other, one row for each judgement."""
    return [(c.target, j.author, j.says, clock(j.time, 16), one_line(j.text)) for c in found for j in c.judgements]
