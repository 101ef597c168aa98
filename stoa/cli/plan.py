"""stoa plan."""

from __future__ import annotations

from pathlib import Path

import typer

from stoa.cli.context import workspace
from stoa.cli.options import (
    AllOption,
    ChainArgument,
    EnvOption,
    ParamsOption,
    SetOption,
    SetsOption,
    TargetOption,
    WhereOption,
    WorkersOption,
)
from stoa.cli.say import JsonOption, as_json, out, table, tell
from stoa.commands.plan import plan as make_plans
from stoa.model import Need
from stoa.request import Request, Selection
from stoa.runs import chain as chains
from stoa.runs import planned
from stoa.runs.canary import expected_s
from stoa.runs.requested import stages_of
from stoa.runs.sweep import read_sets, settings_of
from stoa.show.runs import unreached_words
from stoa.show.words import count, duration, one_line
from stoa.workspace.open import Workspace

app = typer.Typer()


def drawn(stages: tuple[chains.Stage, ...], words: dict[Need, str]) -> str:
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


@app.command("plan")
def plan_command(
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
    if not process and not chain:
        raise typer.BadParameter("name a process, or say --all for every process in order", param_hint="PROCESS")
    ws = workspace(ctx)
    request = Request(
        process=process, params=params, environment=env or None, settings=settings_of(settings or []),
        sets=tuple(read_sets(Path(sets))) if sets else (), chain=chain,
        selection=Selection(targets=tuple(target or ()), where=where),
    )  # fmt: skip
    made = make_plans(ws, request)
    if chain and not json:
        pairs = [Need(each.definitions.process.name, each.definitions.params.name) for each in made]
        words = {pair: _plan_words(each) for pair, each in zip(pairs, made, strict=True)}
        out(drawn(stages_of(ws, request), words))
    else:
        show_plans(ws, made, workers, json)


def show_plans(ws: Workspace, made: list[planned.Plan], workers: int, json: bool) -> None:
    """Print plans: which jobs would run, which not, and why."""
    if json:
        found = [
            {
                "process": each.definitions.process.name, "params": each.definitions.params.name, "jobs": each.jobs,
                "out_of_reach": each.out_of_reach,
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


def _show_plan(plan: planned.Plan, time: str) -> None:
    rows = [(j.target, j.group, j.state, _deed(j), reason_words(j)) for j in plan.jobs]
    table(("target", "image group", "state", "do", "why"), rows, maybe=("image group",))
    for why, targets in plan.out_of_reach.items():
        tell(unreached_words(why, targets))
    blocked = sum(job.ends_blocked for job in plan.jobs)
    words = f", {blocked} of them blocked" if blocked else ""
    tell(f"{len(plan.to_run)} of {count(len(plan.jobs), 'job')} would run{words}{time}")


def _plan_words(plan: planned.Plan) -> str:
    left = plan.left_alone(chain=True)
    words = [f"{len(plan.to_run)} of {count(len(plan.jobs), 'job')} would run"]
    return ", ".join([*words, *(f"{how_many} {one_line(why)}" for why, how_many in list(left.items())[:3])])


def _deed(job: planned.PlannedJob) -> str:
    if not job.runs:
        return "leave"
    return "block" if job.missing else "run"


def reason_words(job: planned.PlannedJob) -> str:
    """Why a job runs or not, in words."""
    return job.missing if job.ends_blocked else job.reason
