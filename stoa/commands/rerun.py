"""Running again what failed or was flagged, perhaps with other parameters."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

import msgspec

from stoa.control import Control
from stoa.exec.engines import check_engine
from stoa.exec.job.cause import normalise
from stoa.model import Outcome
from stoa.request import Request, Selection
from stoa.runs.definitions import Definitions, resolve_again
from stoa.runs.description import describe_missing
from stoa.runs.launch import Event, carry_out
from stoa.runs.plan import make_plan
from stoa.runs.planned import Plan, PlannedJob
from stoa.runs.requested import values_of
from stoa.workspace.names import RunName, resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import choose, is_bad


def rerun(ws: Workspace, request: Request, control: Control | None = None) -> Generator[Event, None, None]:
    """Run again what `plans_again` says; gives what happens as it happens, as `stoa run` does.

    Raises
    ------
    StoaError
        If records cannot be committed now, or the request is wrong.
    """
    ws.ready()
    yield from carry_out(ws, plans_again(ws, request, build=True), request, control or Control())


def plans_again(ws: Workspace, request: Request, *, build: bool = False) -> Iterator[tuple[Plan, str]]:
    """What a rerun would do, one plan for each set of values, with the run it goes back to (the latest of a pair).

    The jobs are chosen by how they ended before: all of the source's, or those that failed,
    are flagged, or whose cause contains `like`; whether they are up to date plays no part.
    All definitions are checked before the first plan is made.

    Parameters
    ----------
    build
        Whether to build metadata documents that the jobs need and that are missing.
    """
    check_engine(request.engine)
    origin = resolve_run(ws, request.source or "last")
    run = run_of(ws, origin)
    asked = [(request.params or None, chosen, request.environment) for chosen in values_of(ws, origin.process, request)]
    for each in asked:
        resolve_again(ws, run, *each)
    for each in asked:
        yield _plan_again(ws, origin, resolve_again(ws, run, *each), request.selection, build=build), run.id


def _plan_again(ws: Workspace, origin: RunName, definitions: Definitions, chosen: Selection, *, build: bool) -> Plan:
    before = latest_of(ws, origin.process, origin.params, origin.run)
    asked_for = set(choose(ws, chosen, origin.process, origin.params))
    keys = _picked(ws, {key: outcome for key, outcome in before.items() if key[0] in asked_for}, chosen)
    names = sorted({target for target, _ in keys})
    if not names:
        return Plan(definitions=definitions, jobs=())
    all_of_them = Selection(targets=tuple(names), force=True)
    described = describe_missing(ws, definitions, all_of_them) if build else None
    plan = make_plan(ws, definitions, all_of_them)
    jobs = tuple(_judged(job, keys) for job in plan.jobs)
    return msgspec.structs.replace(plan, jobs=jobs, described=described)


def _picked(ws: Workspace, before: dict[tuple[str, str], Outcome], chosen: Selection) -> dict[tuple[str, str], str]:
    """Jobs to run again and why."""
    flags = flagged(ws)
    reasons = {key: _reason(outcome, chosen, flags.get(key[0], [])) for key, outcome in before.items()}
    return {key: reason for key, reason in reasons.items() if reason}


def _reason(outcome: Outcome, chosen: Selection, flags: list[str]) -> str:
    if not chosen.names_states:
        return "asked for"
    if chosen.failed and is_bad(outcome.status.value):
        return f"{outcome.status.value} before: {outcome.cause}"
    if chosen.flagged and flags:
        return f"flagged: {', '.join(flags)}"
    causes = (outcome.cause, normalise(outcome.cause, outcome.target, outcome.group))
    if chosen.like and any(chosen.like in cause for cause in causes):
        return f"{outcome.status.value} before: {outcome.cause}"
    return ""


def _judged(job: PlannedJob, keys: Mapping[tuple[str, str], str]) -> PlannedJob:
    """A job with the decision of the rerun; image groups that came since their target was blocked take part."""
    if job.held:
        return job
    reason = keys.get((job.target, job.group)) or (keys.get((job.target, "")) if job.state == "new" else None)
    return msgspec.structs.replace(
        job, runs=reason is not None, because="asked" if reason else "not selected", reason=reason or "not selected"
    )
