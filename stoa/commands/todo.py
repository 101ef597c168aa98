"""What is to be done: open steps of a review, second looks, and what people see differently."""

from __future__ import annotations

import msgspec

from stoa.errors import StoaError
from stoa.model import Author
from stoa.workspace.open import Workspace
from stoa.workspace.samples import disputed_verdicts, hidden_from, samples, waiting
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
    """Open steps of one person, and the second looks that they were asked for.

    Parameters
    ----------
    person
        A name or an address; by default the one whom git names.
    step
        Only this one.
    unassigned
        Those that no one is to do, instead.
    disputed
        Those whose last states by two people differ, and targets on which verdicts differ, instead; not what a blind
        sample hides.
    every
        Those of everybody, instead.

    Raises
    ------
    StoaError
        If the project has neither steps nor samples, or more than one kind is asked for.
    """
    if sum((bool(person), unassigned, disputed, every)) > 1:
        raise StoaError("ask for one: a person, --unassigned, --disputed or --all")
    if step or not (ws.project.config.steps or disputed or samples(ws)):
        check_step(ws, step)
    if disputed:
        unseen = hidden_from(ws, ws.repository.author())
        found = [each for each in [*disputed_steps(ws), *disputed_verdicts(ws)] if each.target not in unseen]
    elif unassigned:
        found = [each for each in open_steps(ws) if not each.person]
    elif every:
        found = [*open_steps(ws), *_looks(ws)]
    else:
        who = Author(name=person, email=person) if person else ws.repository.author()
        found = [*(each for each in open_steps(ws) if each.person and is_person(each.person, who)), *_looks(ws, who)]
    return ToDoReport(items=tuple(each for each in found if step in ("", each.step)), steps=step_counts(ws))


def _looks(ws: Workspace, who: Author | None = None) -> list[ToDo]:
    """Second looks that a person has to give, or all of those for whom samples were drawn."""
    if who:
        found = waiting(ws, who)
        return [ToDo(target=name, step="", person=who.name, states={}, sample=each.name) for each, name in found]
    people = {sample.person: Author(sample.person, sample.person) for sample in samples(ws)}
    return [
        ToDo(target=name, step="", person=person, states={}, sample=each.name)
        for person, author in people.items()
        for each, name in waiting(ws, author)
        if each.person == person
    ]
