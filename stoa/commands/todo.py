"""The open steps of a review."""

from __future__ import annotations

import msgspec

from stoa.errors import StoaError
from stoa.model import Author
from stoa.workspace.open import Workspace
from stoa.workspace.steps import StepCount, ToDo, check_step, disputed_steps, is_person, open_steps, step_counts


class ToDoReport(msgspec.Struct, frozen=True, kw_only=True):
    """Steps that are open, or that people see differently, and how far the project is."""

    items: tuple[ToDo, ...]
    steps: tuple[StepCount, ...]


def todo(
    ws: Workspace,
    person: str = "",
    *,
    step: str = "",
    unassigned: bool = False,
    disputed: bool = False,
    every: bool = False,
) -> ToDoReport:
    """Open steps of one person.

    Parameters
    ----------
    person
        A name or an address; by default the one whom git names.
    step
        Only this one.
    unassigned
        Those that nobody is to do, instead.
    disputed
        Those whose last states by two people differ, instead.
    every
        Those of everybody, instead.

    Raises
    ------
    StoaError
        If the project has no steps, or more than one kind is asked for.
    """
    if sum((bool(person), unassigned, disputed, every)) > 1:
        raise StoaError("ask for one: a person, --unassigned, --disputed or --all")
    if not ws.project.config.steps or step:
        check_step(ws, step)
    found = disputed_steps(ws) if disputed else open_steps(ws)
    if unassigned:
        found = [each for each in found if not each.person]
    elif not (disputed or every):
        who = Author(name=person, email=person) if person else ws.repository.author()
        found = [each for each in found if each.person and is_person(each.person, who)]
    return ToDoReport(items=tuple(each for each in found if step in ("", each.step)), steps=step_counts(ws))
