"""Steps of a review and who is to do them: what is open, and where people see it differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.model import Author
from stoa.provenance.records import MOST_LABEL, is_label
from stoa.workspace.open import Workspace

OPEN = "undone"
"""The state of a step that no one has recorded."""


class StepCount(msgspec.Struct, frozen=True, kw_only=True):
    """How far the targets of a project are with one step."""

    step: str
    targets: int
    done: int
    not_needed: int
    by: dict[str, int]  # person -> targets for which they recorded that it is done; the most first


class ToDo(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done for a target: a step that is open, a second look, or what people see differently."""

    target: str
    step: str  # "" for a second look, and for verdicts that differ
    person: str  # who is to do it, "" for no one
    states: dict[str, str]  # person -> what they said last
    sample: str = ""  # of a second look


def check_step(ws: Workspace, step: str) -> None:
    """Raise `StoaError` if the project has no such step."""
    known = ws.project.config.steps
    if not known:
        raise StoaError(
            "this project has no steps of a review",
            "add them to .stoa/config.yaml, such as `steps: {accepted: good for the paper}`",
        )
    if step not in known:
        raise NotFoundError("step", step, list(known), f"steps in .stoa/config.yaml: {', '.join(known)}")


def check_label(text: str, what: str) -> None:
    """Raise `StoaError` if a text cannot be a tag, or name a person."""
    if not is_label(text):
        raise StoaError(f"a {what} has 1 to {MOST_LABEL} printable characters, with none that are blank at its ends")


def states(ws: Workspace) -> dict[tuple[str, str], str]:
    """The last state of each target and step that someone has recorded."""
    return {(row[0], row[1]): row[2] for row in ws.index.rows("SELECT target, step, state FROM steps")}


def step_counts(ws: Workspace) -> tuple[StepCount, ...]:
    """How far the project is, step by step in the order of its settings; none where it has no steps."""
    if not ws.project.config.steps:
        return ()
    done: dict[str, Counter[str]] = {step: Counter() for step in ws.project.config.steps}
    spared: Counter[str] = Counter()
    for target, step, state, author in ws.index.rows("SELECT target, step, state, author FROM steps"):
        if target in ws.targets and step in done:
            spared[step] += state == "not-needed"
            done[step].update([author] if state == "done" else [])
    return tuple(
        StepCount(
            step=step, targets=len(ws.targets), done=by.total(), not_needed=spared[step], by=dict(by.most_common())
        )
        for step, by in done.items()
    )  # fmt: skip


def assigned(ws: Workspace) -> dict[tuple[str, str], str]:
    """Who is to do a step of a target; of all its steps where the step is ""."""
    return {(row[0], row[1]): row[2] for row in ws.index.rows("SELECT target, step, person FROM assigned")}


def open_steps(ws: Workspace) -> list[ToDo]:
    """Every step of every target that is neither done nor not needed, in the order of targets and steps."""
    recorded, persons = states(ws), assigned(ws)
    return [
        ToDo(target=target, step=step, person=_person(persons, target, step), states={})
        for target in ws.targets
        for step in ws.project.config.steps
        if recorded.get((target, step), OPEN) == OPEN
    ]


def disputed_steps(ws: Workspace) -> list[ToDo]:
    """Steps whose last states by two people differ."""
    sql = """
SELECT target, reason, author, value FROM reviews r WHERE kind = 'step' AND NOT EXISTS (
  SELECT 1 FROM reviews n WHERE n.target = r.target AND n.kind = 'step' AND n.reason = r.reason AND n.email = r.email
  AND n.id > r.id) ORDER BY id
"""
    said: dict[tuple[str, str], dict[str, str]] = {}
    for target, step, author, state in ws.index.rows(sql):
        if target in ws.targets and step in ws.project.config.steps:
            said.setdefault((target, step), {})[author] = state
    persons = assigned(ws)
    return [
        ToDo(target=target, step=step, person=_person(persons, target, step), states=by)
        for (target, step), by in sorted(said.items())
        if len(set(by.values())) > 1
    ]


def _person(persons: Mapping[tuple[str, str], str], target: str, step: str) -> str:
    return persons.get((target, step)) or persons.get((target, ""), "")


def is_person(name: str, who: Author) -> bool:
    """Whether a name that work was assigned to is that of a person: their name, their address or its first part."""
    return name.casefold() in {who.name.casefold(), who.email.casefold(), who.email.partition("@")[0].casefold()}
