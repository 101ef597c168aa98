"""Steps of a review and what is to be done, in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stoa.show.table import Column, Table, table
from stoa.show.words import one_line
from stoa.workspace.steps import OPEN, StepCount, ToDo

STEP_SYMBOLS = {"done": "☑", "not-needed": "⊟", OPEN: "☐"}
"""Sign of each state of a step."""

STEP_COLUMN = "step "
"""What the name of a column begins with that has the states of a step."""


def step_in_words(state: str) -> str:
    """A state with its sign: ``☑ done``; "" stays as it is."""
    return f"{STEP_SYMBOLS[state]} {state}" if state else ""


def steps_lines(counts: Sequence[StepCount]) -> Iterator[str]:
    """The same below a heading; nothing where there are no steps."""
    if counts:
        yield "\nsteps"
    yield from step_lines(counts)


def step_lines(counts: Iterable[StepCount]) -> Iterator[str]:
    """How far each step is: ``accepted: 41 of 74 done (Ada 29, Ben 12), 3 not needed``."""
    for each in counts:
        by = ", ".join(f"{name} {number}" for name, number in each.by.items())
        more = f", {each.not_needed} not needed" if each.not_needed else ""
        yield one_line(f"  {each.step}: {each.done} of {each.targets} done{f' ({by})' if by else ''}{more}")


def todo_table(items: Iterable[ToDo]) -> Table:
    """One row for each open or disputed step, second look, and target on which verdicts differ."""
    columns = (
        Column("target"),
        Column("step", text=True),
        Column("assigned to", 1, text=True, optional=True),
        Column("said", 1, text=True, optional=True),
    )
    rows = [
        (
            each.target,
            what_to_do(each),
            each.person,
            ", ".join(f"{state} by {name}" for name, state in each.states.items()),
        )
        for each in items
    ]
    return table(columns, rows)


def what_to_do(item: ToDo) -> str:
    """A step, ``second look (sample first)``, or ``verdict``."""
    return item.step or (f"second look (sample {item.sample})" if item.sample else "verdict")
