"""Running again what failed or was flagged, perhaps with other parameters."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stoa.commands.run import Control, RunReport, check_engine, launch, nothing_to_do
from stoa.exec.job.cause import normalise
from stoa.model import Outcome
from stoa.request import Selection
from stoa.runs.definitions import resolve_again
from stoa.runs.plan import make_plan
from stoa.runs.planned import Plan, PlannedJob
from stoa.workspace.names import resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import choose, is_bad


def rerun(
    ws: Workspace,
    source: str = "last",
    *,
    params: str | None = None,
    settings: Mapping[str, str] | None = None,
    environment: str | None = None,
    selection: Selection | None = None,
    engine: str = "local",
    workers: int = 0,
    asked: tuple[str, ...] = (),
) -> RunReport:
    """Run again what `rerun_plan` says and commit the outcomes."""
    check_engine(engine)
    ws.ready()
    plan, origin = rerun_plan(
        ws, source, params=params, settings=settings, environment=environment, selection=selection
    )
    if not plan.to_run:
        return nothing_to_do(plan)
    with launch(ws, plan, asked=asked, engine=engine, workers=workers, rerun_of=origin) as started:
        for _ in started.outcomes(Control()):
            pass
        return started.finish()


def rerun_plan(
    ws: Workspace,
    source: str = "last",
    *,
    params: str | None = None,
    settings: Mapping[str, str] | None = None,
    environment: str | None = None,
    selection: Selection | None = None,
) -> tuple[Plan, str]:
    """What a rerun would do, and the run it goes back to (the latest one of a pair).

    The jobs are chosen by how they ended before: all of the source's, or those that failed,
    are flagged, or whose cause contains `like`; whether they are up to date plays no part.

    Parameters
    ----------
    source
        A run, or ``PROCESS@SET`` for the latest outcomes of that pair.
    """
    chosen = selection or Selection()
    origin = resolve_run(ws, source)
    run = run_of(ws, origin)
    definitions = resolve_again(ws, run, params, settings, environment)
    before = latest_of(ws, origin.process, origin.params, origin.run)
    asked_for = set(choose(ws, chosen, origin.process, origin.params))
    keys = _picked(ws, {key: outcome for key, outcome in before.items() if key[0] in asked_for}, chosen)
    names = sorted({target for target, _ in keys})
    if not names:
        return Plan(definitions=definitions, jobs=()), run.id
    plan = make_plan(ws, definitions, Selection(targets=tuple(names), force=True))
    jobs = tuple(_judged(job, keys) for job in plan.jobs)
    return msgspec.structs.replace(plan, jobs=jobs), run.id


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
