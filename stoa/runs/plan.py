"""What would run and why, from the records and the definitions alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stoa.errors import StoaError
from stoa.model import Need
from stoa.request import Selection
from stoa.runs.definitions import Definitions, resolve
from stoa.runs.environments import choose_environments
from stoa.runs.images import Choices
from stoa.runs.judge import Judge, Past, held_words, live_jobs, out_of_reach
from stoa.runs.needs import Needs, Reasons
from stoa.runs.overrides import choose_overrides
from stoa.runs.planned import Held, Plan, PlannedJob
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace
from stoa.workspace.selection import choose
from stoa.workspace.tags import jobs_with

_PAST = msgspec.json.Decoder(Past)
_AT_ONCE = 500
"""Targets in one question: records of a hundred thousand would fill the memory."""


def latest(ws: Workspace, pair: Pair, names: Sequence[str]) -> Iterator[dict[str, Past]]:
    """For each target its current outcomes by image group, one target after the other."""
    key = msgspec.structs.astuple(pair)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        sql = (
            "SELECT l.target, l.grp, o.record FROM current l JOIN outcomes o ON o.id = l.outcome"
            f" WHERE l.process = ? AND l.params = ? AND l.environment = ? AND l.target IN ({','.join('?' * len(some))})"
        )
        by_target: dict[str, list[tuple[str, str]]] = {}
        for target, group, record in ws.index.rows(sql, (*key, *some)):
            by_target.setdefault(target, []).append((group, record))
        yield from (past_of(by_target.get(name, ())) for name in some)


def past_of(rows: Iterable[tuple[str, str]]) -> dict[str, Past]:
    """What a plan needs of outcomes, by image group; the last of a group counts."""
    return {group: _PAST.decode(record) for group, record in rows}


def make_plan(ws: Workspace, definitions: Definitions, selection: Selection) -> Plan:
    """What a run of these definitions over these targets would do; heals runs that were cut off."""
    ws.heal()
    names = choose(ws, selection, definitions.pair)
    jobs = judged(ws, definitions, names, selection)
    if selection.tags:
        having = jobs_with(ws, selection.tags, names)
        jobs = tuple(job for job in jobs if (job.target, job.group) in having)
    # A flagged target without an outcome is new, and takes part.
    unreached = out_of_reach(ws, selection, names, names)
    return Plan(definitions=definitions, jobs=jobs, out_of_reach=unreached)


def judged(
    ws: Workspace,
    definitions: Definitions,
    names: list[str],
    selection: Selection,
    past: Iterable[dict[str, Past]] | None = None,
    until: float | None = None,
    known: dict[Need, Reasons] | None = None,
) -> tuple[PlannedJob, ...]:
    """Every job of some targets, its state, and whether it runs.

    Parameters
    ----------
    past
        Outcomes of each target by image group; None for the current ones of the pair.
    until
        When to give up, by the monotonic clock.
    known
        Stale jobs of needed processes that were looked at on the way here; added to.

    Raises
    ------
    TooLong
        If it was not done by then.
    """
    known = {} if known is None else known
    stale = {need.process: _stale(ws, need, names, until, known) for need in definitions.process.needs}
    chosen = choose_environments(ws, definitions.places, names)
    overrides = choose_overrides(ws, definitions.params, names)
    with ws.index.reading(), ws.checksums.many():
        judge = Judge(ws, definitions, selection, Needs(ws, definitions.process, stale), chosen, overrides, until)
        choices = Choices(ws, definitions.process)
        # One target after the other: documents of a hundred thousand would fill the memory.
        before_each = past if past is not None else latest(ws, definitions.pair, names)
        jobs = tuple(
            job
            for name, before in zip(names, before_each, strict=True)
            for job in judge.jobs(ws.targets[name], choices.of(name), before)
        )
    choices.keep()
    return jobs


def _stale(ws: Workspace, need: Need, names: list[str], until: float | None, known: dict[Need, Reasons]) -> Reasons:
    """Jobs of a needed process that would be run again, and why; each process of a chain is looked at once."""
    need = ws.library.need(need)
    if need not in known:
        jobs = judged(ws, resolve(ws, need.process, need.params), names, Selection(), until=until, known=known)
        known[need] = {(job.target, job.group): job.state_reason for job in jobs if job.state == "stale"}
    return known[need]


def without_live(ws: Workspace, plan: Plan) -> Plan:
    """A plan without the jobs that another run has begun since it was made.

    Raises
    ------
    StoaError
        If no job is left.
    """
    live = live_jobs(ws, plan.definitions)
    jobs = tuple(_left(job, live.get((job.target, job.group))) for job in plan.jobs)
    fresh = msgspec.structs.replace(plan, jobs=jobs)
    if not fresh.to_run:
        raise StoaError("another run has just begun with all of these jobs", "`stoa status` shows how far it is")
    return fresh


def _left(job: PlannedJob, held: Held | None) -> PlannedJob:
    if not (job.runs and held):
        return job
    return msgspec.structs.replace(job, runs=False, because="held", held=held, reason=held_words(held))
