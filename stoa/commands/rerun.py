"""Running again what failed or was flagged, perhaps with other parameters."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

import msgspec

from stoa.control import Control
from stoa.exec.engines import check_engine
from stoa.model import Outcome
from stoa.request import Request, Selection
from stoa.runs.definitions import Definitions, resolve_again
from stoa.runs.description import describe_missing
from stoa.runs.judge import has_cause, out_of_reach
from stoa.runs.launch import Event, carry_out
from stoa.runs.plan import make_plan
from stoa.runs.planned import Plan, PlannedJob
from stoa.runs.requested import values_of
from stoa.workspace.names import RunName, resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import choose, is_bad
from stoa.workspace.tags import jobs_with
from stoa.workspace.writing import check_length

Job = tuple[str, str]  # target, image group


def rerun(ws: Workspace, request: Request, control: Control | None = None) -> Generator[Event, None, None]:
    """Run again what `plans_again` says; gives what happens as it happens, as `stoa run` does.

    Raises
    ------
    StoaError
        If records cannot be committed now, or the request is wrong.
    """
    ws.ready()
    check_length(request.message)
    yield from carry_out(ws, plans_again(ws, request, build=True), request, control or Control())


def plans_again(ws: Workspace, request: Request, *, build: bool = False) -> Iterator[tuple[Plan, str]]:
    """What a rerun would do, one plan for each set of values, with the run it goes back to (the latest of a pair).

    Without states, these are all jobs of the source. Those that failed, are flagged or have a cause are chosen by
    the current outcomes of the source's pair, whichever run each is from; a run that is named by its id narrows
    them to its own jobs. Whether a job is up to date plays no part.
    All definitions are checked before the first plan is made.

    Parameters
    ----------
    build
        Whether to build metadata documents that the jobs need and that are missing.
    """
    check_engine(request.engine)
    origin = resolve_run(ws, request.source or "last")
    run = run_of(ws, origin)
    environment = request.environment or (None if origin.run else origin.environment)
    asked = [(request.params or None, chosen, environment) for chosen in values_of(ws, origin.process, request)]
    if request.selection.names_states and request.source in ("", "last"):
        origin = msgspec.structs.replace(origin, run="")
    for each in asked:
        resolve_again(ws, run, *each)
    for each in asked:
        yield _plan_again(ws, origin, resolve_again(ws, run, *each), request.selection, build=build), run.id


def _plan_again(ws: Workspace, origin: RunName, definitions: Definitions, chosen: Selection, *, build: bool) -> Plan:
    asked_for = set(choose(ws, chosen, origin.pair))
    having = jobs_with(ws, chosen.tags, asked_for)
    before = {key: outcome for key, outcome in _before(ws, origin, chosen).items() if key in having}
    keys = _picked(ws, before, chosen)
    unreached = out_of_reach(ws, chosen, asked_for, {target for target, _ in before})
    by_state = chosen.new or chosen.stale  # which only a plan knows
    names = sorted({target for target, _ in keys} | (asked_for if by_state else set()))
    if not names:
        return Plan(definitions=definitions, jobs=(), out_of_reach=unreached)
    all_of_them = Selection(targets=tuple(names), tags=chosen.tags, force=True)
    described = describe_missing(ws, definitions, all_of_them) if build else None
    plan = make_plan(ws, definitions, all_of_them)
    jobs = tuple(_judged(job, keys, chosen, before.get((job.target, job.group))) for job in plan.jobs)
    return msgspec.structs.replace(plan, jobs=jobs, described=described, out_of_reach=unreached)


def _before(ws: Workspace, origin: RunName, chosen: Selection) -> dict[Job, Outcome]:
    """The outcomes that jobs are chosen by."""
    if not (origin.run and chosen.names_states):
        return latest_of(ws, origin)
    current = latest_of(ws, msgspec.structs.replace(origin, run=""))
    return {job: current[job] for job in latest_of(ws, origin) if job in current}


def _picked(ws: Workspace, before: dict[Job, Outcome], chosen: Selection) -> dict[Job, str]:
    """Jobs to run again and why."""
    flags = flagged(ws)
    reasons = {key: _reason(outcome, chosen, flags.get(key[0], [])) for key, outcome in before.items()}
    return {key: reason for key, reason in reasons.items() if reason}


def _reason(outcome: Outcome, chosen: Selection, flags: list[str]) -> str:
    if not chosen.names_states:
        return "asked for"
    if chosen.like and not has_cause(chosen.like, outcome.cause, outcome.target, outcome.group):
        return ""
    if chosen.flagged and flags and not (chosen.failed and is_bad(outcome.status.value)):
        return f"flagged: {', '.join(flags)}"
    if not chosen.names_kinds or (chosen.failed and is_bad(outcome.status.value)):
        return f"{outcome.status.value} before: {outcome.cause}"
    return ""


def _reason_of_state(job: PlannedJob, chosen: Selection, before: Outcome | None) -> str | None:
    """Why a job is chosen by its state, new or stale."""
    if chosen.like and not (before and has_cause(chosen.like, before.cause, before.target, before.group)):
        return None
    if chosen.new and job.state == "new":
        return "no outcome yet"
    return job.state_reason if chosen.stale and job.state == "stale" else None


def _judged(
    job: PlannedJob, keys: Mapping[tuple[str, str], str], chosen: Selection, before: Outcome | None
) -> PlannedJob:
    """A job with the decision of the rerun; image groups that came since their target was blocked take part."""
    if job.held:
        return job
    reason = keys.get((job.target, job.group)) or (keys.get((job.target, "")) if job.state == "new" else None)
    reason = reason or _reason_of_state(job, chosen, before)
    return msgspec.structs.replace(
        job, runs=reason is not None, because="asked" if reason else "not selected", reason=reason or "not selected"
    )
