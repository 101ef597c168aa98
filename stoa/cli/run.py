"""plan, why, run, rerun, stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.play import play_all
from stoa.cli.say import JsonOption, QuietOption, as_json, count, out, table, tell
from stoa.commands import plan as plans
from stoa.commands import run as runs
from stoa.commands import stop as stops
from stoa.commands.history import resolve_run
from stoa.commands.rerun import rerun_plan
from stoa.commands.resolve import resolve
from stoa.commands.run import settings_of
from stoa.commands.selection import Selection

app = typer.Typer()

ProcessArgument = Annotated[str, typer.Argument(help="A process.")]
ParamsOption = Annotated[str, typer.Option("--params", "-p", help="Parameter set.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Parameter and value: snr=4. Several values, snr=3,5,7, make one run each."),
]
EnvOption = Annotated[str, typer.Option("--env", help="Environment instead of the process's own.")]
TargetOption = Annotated[list[str] | None, typer.Option("--target", "-t", help="Target or glob. May be repeated.")]
WhereOption = Annotated[
    str, typer.Option("--where", help="SQL expression over the targets' columns: 'freq_ghz > 200'.")
]
FailedOption = Annotated[bool, typer.Option("--failed", help="What did not end ok.")]
FlaggedOption = Annotated[bool, typer.Option("--flagged", help="Targets with open flags.")]
WorkersOption = Annotated[int, typer.Option("--jobs", "-j", help="Jobs at once; by default one a processor.", min=0)]
EngineOption = Annotated[str, typer.Option("--engine", help="Where the jobs run.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would run and why; run nothing.")]


@app.command()
def run(
    ctx: typer.Context,
    process: ProcessArgument,
    params: ParamsOption = "default",
    settings: SetOption = None,
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    new: Annotated[bool, typer.Option("--new", help="Targets without an outcome.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Outcomes of other definitions or inputs.")] = False,
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    force: Annotated[bool, typer.Option("--force", help="All, also what is up to date.")] = False,
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    dry_run: DryOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a process over targets and commit one outcome each.

    By default new and stale targets run; what is up to date is left alone, and so is what failed with the same
    definitions (--failed, or `stoa rerun --failed`, runs it again). Ctrl-C once lets the jobs that run end, twice
    stops them; everything that ended is committed. Exits with 1 when a job did not end ok.
    """
    ws = workspace(ctx)
    ws.ready()
    selection = Selection(
        targets=tuple(target or ()), where=where, new=new, stale=stale, failed=failed, flagged=flagged, force=force
    )

    def made() -> Iterator[tuple[plans.Plan, str]]:
        for chosen in runs.sweep(ws.library.process(process), settings_of(settings or [])):
            yield plans.make_plan(ws, resolve(ws, process, params, chosen, env or None), selection), ""

    if dry_run:
        _show_plans([each for each, _ in made()], json)
    else:
        play_all(ws, made(), workers, engine, quiet=quiet, json=json)


@app.command()
def rerun(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A run, or PROCESS@SET.")] = "last",
    params: Annotated[str, typer.Option("--params", "-p", help="Parameter set instead of the run's own.")] = "",
    settings: SetOption = None,
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    like: Annotated[str, typer.Option("--like", help="Part of the cause.")] = "",
    workers: WorkersOption = 0,
    engine: EngineOption = "local",
    dry_run: DryOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run again what a run did, or what of it failed or is flagged, with the present definitions.

    Values and an environment that the run was given on its command line are taken over.
    """
    ws = workspace(ctx)
    ws.ready()
    selection = Selection(targets=tuple(target or ()), where=where, failed=failed, flagged=flagged, like=like)
    origin = resolve_run(ws, source)

    def made() -> Iterator[tuple[plans.Plan, str]]:
        for chosen in runs.sweep(ws.library.process(origin.process), settings_of(settings or [])):
            yield rerun_plan(
                ws, origin.run or source, params=params or None, settings=chosen, environment=env or None,
                selection=selection,
            )  # fmt: skip

    if dry_run:
        _show_plans([each for each, _ in made()], json)
    else:
        play_all(ws, made(), workers, engine, quiet=quiet, json=json)


@app.command()
def plan(
    ctx: typer.Context,
    process: ProcessArgument,
    params: ParamsOption = "default",
    settings: SetOption = None,
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Show what a run would do with every target, and why."""
    ws = workspace(ctx)
    selection = Selection(targets=tuple(target or ()), where=where)
    sets = runs.sweep(ws.library.process(process), settings_of(settings or []))
    made = [plans.make_plan(ws, resolve(ws, process, params, chosen, env or None), selection) for chosen in sets]
    _show_plans(made, json)


@app.command()
def why(
    ctx: typer.Context,
    process: ProcessArgument,
    target: Annotated[str, typer.Argument(help="A target.")],
    params: ParamsOption = "default",
    json: JsonOption = False,
) -> None:
    """Say why a target would run or is left alone."""
    jobs = plans.why(workspace(ctx), process, target, params)
    if json:
        as_json(jobs)
        return
    for job in jobs:
        verb = "is blocked" if job.ends_blocked else "runs" if job.runs else "is left alone"
        out(f"{job.target} {job.group}".rstrip() + f": {verb}, {_reason(job)}")


@app.command()
def stop(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="A live run; may be left out when there is one only.")] = "",
    now: Annotated[bool, typer.Option("--now", help="Stop the jobs that run, too.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Give up a run of a machine that is gone for good.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop a run that is under way: jobs that run end by themselves, unless --now.

    Where STOA itself was killed, the jobs that go on without it are ended.
    """
    report = stops.stop(workspace(ctx), run, at_once=now, forget=forget)
    if json:
        as_json(report)
    elif report.in_git:
        pids = ", ".join(str(pid) for pid in report.ended)
        killed = f"ended what still ran of it (pids {pids}); " if pids else ""
        out(f"run {report.run} is over: {killed}what had ended is committed, what ran is marked interrupted")
    else:
        out(f"told run {report.run} to stop" + ("" if report.at_once else "; the jobs that run end by themselves"))


def _show_plans(made: list[plans.Plan], json: bool) -> None:
    if json:
        found = [
            {
                "process": each.definitions.process.name, "params": each.definitions.params.name, "jobs": each.jobs,
                "to_run": len(each.to_run),
            }
            for each in made
        ]  # fmt: skip
        as_json(found[0] if len(found) == 1 else found)
        return
    for each in made:
        if len(made) > 1:
            out(f"{each.definitions.process.name} @ {each.definitions.params.name}")
        _show_plan(each)


def _show_plan(plan: plans.Plan) -> None:
    rows = [(j.target, j.group, j.state, _deed(j), _reason(j)) for j in plan.jobs]
    table(("target", "image group", "state", "do", "why"), rows, maybe=("image group",))
    blocked = sum(job.ends_blocked for job in plan.jobs)
    words = f", {blocked} of them blocked" if blocked else ""
    tell(f"{len(plan.to_run)} of {count(len(plan.jobs), 'job')} would run{words}")


def _deed(job: plans.PlannedJob) -> str:
    if not job.runs:
        return "leave"
    return "block" if job.missing else "run"


def _reason(job: plans.PlannedJob) -> str:
    return job.missing if job.ends_blocked else job.reason
