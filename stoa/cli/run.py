"""plan, why, run, rerun, stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.play import play_all
from stoa.cli.say import JsonOption, QuietOption, as_json, count, duration, one_line, out, table, tell
from stoa.commands import chain as chains
from stoa.commands import plan as plans
from stoa.commands import stop as stops
from stoa.commands.canary import canary as choose_few
from stoa.commands.canary import expected_s
from stoa.commands.history import resolve_run, run_of
from stoa.commands.reproduce import Reproduced
from stoa.commands.reproduce import reproduce as reproduce_run
from stoa.commands.rerun import rerun_plan
from stoa.commands.resolve import pair, resolve, resolve_again
from stoa.commands.run import check_engine
from stoa.commands.selection import Selection
from stoa.commands.sweep import settings as all_settings
from stoa.commands.workspace import Workspace
from stoa.errors import StoaError
from stoa.model import Need

app = typer.Typer()

ProcessArgument = Annotated[str, typer.Argument(help="A process, or PROCESS@SET.")]
ChainArgument = Annotated[str, typer.Argument(help="A process, or PROCESS@SET; with --all it may be left out.")]
AllOption = Annotated[
    bool, typer.Option("--all", help="First what the process needs, in order; without a process, every process.")
]
ParamsOption = Annotated[str, typer.Option("--params", "-p", help="Parameter set instead of `default`.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Parameter and value: snr=4. Several values, snr=3,5,7, make one run each."),
]
SetsOption = Annotated[
    str, typer.Option("--sets", help="File with sets of values, one run each: a CSV table or a YAML list.")
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
    process: ChainArgument = "",
    params: ParamsOption = "",
    settings: SetOption = None,
    sets: SetsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    chain: AllOption = False,
    new: Annotated[bool, typer.Option("--new", help="Targets without an outcome.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Outcomes of other definitions or inputs.")] = False,
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    force: Annotated[bool, typer.Option("--force", help="All, also what is up to date.")] = False,
    few: Annotated[
        int | None,
        typer.Option(
            "--canary", help="Only so many jobs, of every kind of target, and what they say of the rest.", min=1
        ),
    ] = None,
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
    check_engine(engine)
    ws = workspace(ctx)
    ws.ready()
    selection = Selection(
        targets=tuple(target or ()), where=where, new=new, stale=stale, failed=failed, flagged=flagged, force=force
    )

    stages = _stages(ws, process, params, [*(settings or []), *filter(None, [sets])], env, chain=chain)
    made = _made(ws, stages, settings, sets, env, selection)
    if few:
        made = (choose_few(ws, each, few) for each in made)
    if dry_run:
        _show_plans(ws, list(made), workers, json)
        return
    if chain and not quiet and not json:
        tell(_drawn(stages, {}))
    play_all(ws, ((each, "") for each in made), workers, engine, quiet=quiet, json=json)


def _stages(
    ws: Workspace, process: str, params: str, settings: list[str] | None, env: str, *, chain: bool
) -> tuple[chains.Stage, ...]:
    """What a command is about: a process, or with --all a chain of them."""
    if not process and not chain:
        raise typer.BadParameter("name a process, or say --all for every process in order", param_hint="PROCESS")
    if not process and (settings or env or params):
        raise StoaError("--params, --set and --env are for one process", "name it: `stoa run --all PROCESS ...`")
    process, params = pair(process, params)
    stages = chains.stages(ws, process, params) if chain else (chains.Stage(process, params),)
    if not stages:
        raise StoaError("this project has no process yet", "`stoa process add` and `stoa process new` make one")
    return stages


def _made(
    ws: Workspace,
    stages: tuple[chains.Stage, ...],
    settings: list[str] | None,
    sets: str,
    env: str,
    selection: Selection,
) -> Iterator[plans.Plan]:
    """The plans of a chain, each made when the one before it has been carried out; settings are for the last stage."""

    def asked(stage: chains.Stage) -> list[tuple[chains.Stage, dict[str, str], str | None]]:
        last = stage is stages[-1]
        texts, file = (settings or [], Path(sets) if sets else None) if last else ([], None)
        chosen = all_settings(ws.library.process(stage.process), texts, file)
        return [(stage, each, (env or None) if last else None) for each in chosen]

    launches = [launch for stage in stages for launch in asked(stage)]
    for stage, chosen, environment in launches:  # a mistake in the last one is named before the first one runs
        resolve(ws, stage.process, stage.params, chosen, environment)
    for stage, chosen, environment in launches:
        yield plans.make_plan(ws, resolve(ws, stage.process, stage.params, chosen, environment), selection)


def _drawn(stages: tuple[chains.Stage, ...], words: dict[Need, str]) -> str:
    """A chain as a tree, what is needed below what needs it."""
    known = {stage.pair: stage for stage in stages}
    needed = {need for stage in stages for need in stage.needs}
    lines: list[str] = []

    def draw(pair: Need, before: str, branch: str) -> None:
        lines.append(f"{before}{branch}{pair.process} @ {pair.params}" + (f": {words[pair]}" if pair in words else ""))
        below = before + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        needs = known[pair].needs
        for number, need in enumerate(needs, 1):
            draw(need, below, "└─ " if number == len(needs) else "├─ ")

    for stage in stages:
        if stage.pair not in needed:
            draw(stage.pair, "", "")
    return "\n".join(lines)


@app.command()
def rerun(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A run, or PROCESS@SET.")] = "last",
    params: Annotated[str, typer.Option("--params", "-p", help="Parameter set instead of the run's own.")] = "",
    settings: SetOption = None,
    sets: SetsOption = "",
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
    check_engine(engine)
    ws = workspace(ctx)
    ws.ready()
    selection = Selection(targets=tuple(target or ()), where=where, failed=failed, flagged=flagged, like=like)
    origin = resolve_run(ws, source)

    launches = all_settings(ws.library.process(origin.process), settings or [], Path(sets) if sets else None)
    former = run_of(ws, origin)
    for chosen in launches:  # a mistake in the last one is named before the first one runs
        resolve_again(ws, former, params or None, chosen, env or None)

    def made() -> Iterator[tuple[plans.Plan, str]]:
        for chosen in launches:
            yield rerun_plan(
                ws, origin.run or source, params=params or None, settings=chosen, environment=env or None,
                selection=selection,
            )  # fmt: skip

    if dry_run:
        _show_plans(ws, [each for each, _ in made()], workers, json)
    else:
        play_all(ws, made(), workers, engine, quiet=quiet, json=json)


@app.command()
def plan(
    ctx: typer.Context,
    process: ChainArgument = "",
    params: ParamsOption = "",
    settings: SetOption = None,
    sets: SetsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    chain: AllOption = False,
    workers: WorkersOption = 0,
    json: JsonOption = False,
) -> None:
    """Show what a run would do with every target, and why; with --all, the chain and what it would do."""
    ws = workspace(ctx)
    selection = Selection(targets=tuple(target or ()), where=where)
    stages = _stages(ws, process, params, [*(settings or []), *filter(None, [sets])], env, chain=chain)
    made = list(_made(ws, stages, settings, sets, env, selection))
    if chain and not json:
        pairs = [Need(each.definitions.process.name, each.definitions.params.name) for each in made]
        out(_drawn(stages, {pair: _plan_words(each) for pair, each in zip(pairs, made, strict=True)}))
    else:
        _show_plans(ws, made, workers, json)


@app.command()
def why(
    ctx: typer.Context,
    process: ProcessArgument,
    target: Annotated[str, typer.Argument(help="A target.")],
    params: ParamsOption = "",
    json: JsonOption = False,
) -> None:
    """Say why a target would run or is left alone."""
    process, params = pair(process, params)
    jobs = plans.why(workspace(ctx), process, target, params)
    if json:
        as_json(jobs)
        return
    for job in jobs:
        verb = "is blocked" if job.ends_blocked else "runs" if job.runs else "is left alone"
        out(f"{job.target} {job.group}".rstrip() + f": {verb}, {_reason(job)}")


@app.command()
def reproduce(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A run, or PROCESS@SET.")] = "last",
    targets: Annotated[list[str] | None, typer.Argument(help="Targets or globs; by default all of the run.")] = None,
    workers: WorkersOption = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the new products, also where they are the same.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a run's jobs again from the definitions that it froze, and say whether the same comes out.

    Nothing is recorded. New products that differ are kept below the products root, in .reproduced, to be looked at.
    Exits with 1 when a product or result differs beyond its declared tolerance, or a job could not be run again.
    """

    def show(one: Reproduced) -> None:
        if one.verdict in ("different", "not run"):
            out(f"{one.target} {one.group}".rstrip() + f": {one.verdict}: {one_line('; '.join(one.words))}")

    report = reproduce_run(
        workspace(ctx), source, targets or (), workers=workers, keep=keep,
        seen=(lambda _one: None) if json or quiet else show,
    )  # fmt: skip
    if json:
        as_json(report)
    elif not quiet:
        for note in report.notes:
            out(f"not as it was: {one_line(note)}")
        words = ", ".join(f"{number} {verdict}" for verdict, number in sorted(report.counts.items()))
        out(f"reproduced {report.run}, {report.process} @ {report.params}: {words or 'no job'}")
        if places := [one.place for one in report.jobs if one.place]:
            tell(f"new products: {places[0]}" + (f" and {len(places) - 1} more" if len(places) > 1 else ""))
    if not report.succeeded:
        raise typer.Exit(1)


@app.command()
def stop(
    ctx: typer.Context,
    run: Annotated[
        str, typer.Argument(help="A live run, `last` for the latest; may be left out when there is one only.")
    ] = "",
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
    elif report.at_cluster:
        told = "the jobs that run are ended" if report.at_once else "the jobs that run end by themselves"
        out(f"run {report.run}: what waited is out of the queue, {told}; `stoa collect` says how far it is")
    elif report.in_git:
        pids = ", ".join(str(pid) for pid in report.ended)
        killed = f"ended what still ran of it (pids {pids}); " if pids else ""
        out(f"run {report.run} is over: {killed}what had ended is committed, what ran is marked interrupted")
    else:
        out(f"told run {report.run} to stop" + ("" if report.at_once else "; the jobs that run end by themselves"))


def _show_plans(ws: Workspace, made: list[plans.Plan], workers: int, json: bool) -> None:
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
    at_once = workers or ws.project.jobs_at_once
    expected = [expected_s(ws, each, at_once) for each in made]
    for each, seconds in zip(made, expected, strict=True):
        if len(made) > 1:
            out(f"{each.definitions.process.name} @ {each.definitions.params.name}")
        _show_plan(each, _time_words(seconds, at_once))
    if len(made) > 1:
        jobs = sum(len(each.to_run) for each in made)
        known = [seconds for seconds in expected if seconds is not None]
        total = _time_words(sum(known), at_once) if len(known) == len(made) else ""
        tell(f"together {count(jobs, 'job')} of {len(made)} runs{total}")


def _time_words(seconds: float | None, at_once: int) -> str:
    """How long it takes by what is known; "" where nothing is."""
    return f", about {duration(seconds)} with {at_once} at once" if seconds else ""


def _show_plan(plan: plans.Plan, time: str) -> None:
    rows = [(j.target, j.group, j.state, _deed(j), _reason(j)) for j in plan.jobs]
    table(("target", "image group", "state", "do", "why"), rows, maybe=("image group",))
    blocked = sum(job.ends_blocked for job in plan.jobs)
    words = f", {blocked} of them blocked" if blocked else ""
    tell(f"{len(plan.to_run)} of {count(len(plan.jobs), 'job')} would run{words}{time}")


def _plan_words(plan: plans.Plan) -> str:
    left = plan.left_alone(chain=True)
    words = [f"{len(plan.to_run)} of {count(len(plan.jobs), 'job')} would run"]
    return ", ".join([*words, *(f"{how_many} {one_line(why)}" for why, how_many in list(left.items())[:3])])


def _deed(job: plans.PlannedJob) -> str:
    if not job.runs:
        return "leave"
    return "block" if job.missing else "run"


def _reason(job: plans.PlannedJob) -> str:
    return job.missing if job.ends_blocked else job.reason
