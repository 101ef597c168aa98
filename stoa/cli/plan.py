"""stoa plan."""

from __future__ import annotations

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    AllOption,
    ChainArgument,
    EnvOption,
    FailedOption,
    FlaggedOption,
    ForceOption,
    JobTagOption,
    JsonOption,
    LikeOption,
    NewOption,
    ParamsOption,
    SelectOption,
    SetOption,
    SetsOption,
    StaleOption,
    TargetOption,
    WhereOption,
    WorkersOption,
    workspace,
)
from stoa.cli.say import as_json, out, table, tell
from stoa.commands import plan
from stoa.model import Need
from stoa.request import Request, Selection
from stoa.runs.canary import expected_s
from stoa.runs.planned import Plan
from stoa.runs.requested import stages_of
from stoa.runs.sweep import sets_of, settings_of
from stoa.show.plans import chain_tree, plan_in_words, plan_table, sum_in_words, time_in_words
from stoa.show.runs import unreached_words
from stoa.show.words import count
from stoa.workspace.open import Workspace
from stoa.workspace.selections import for_jobs

app = new_app()


@verb(
    app, "plan",
    "stoa plan sep@deep",
    "stoa plan sep --failed --where 'freq_ghz > 200'",
    "stoa plan --all",
    aliases={"--sets": "--set-from"},
)  # fmt: skip
def plan_command(
    ctx: typer.Context,
    process: ChainArgument = "",
    params: ParamsOption = "",
    settings: SetOption = None,
    sets: SetsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    where: WhereOption = "",
    tags: JobTagOption = None,
    select: SelectOption = None,
    chain: AllOption = False,
    new: NewOption = False,
    stale: StaleOption = False,
    failed: FailedOption = False,
    flagged: FlaggedOption = False,
    like: LikeOption = "",
    force: ForceOption = False,
    workers: WorkersOption = 0,
    json: JsonOption = False,
) -> None:
    """Show which jobs a run would have, and why. With --all, show the chain of processes and the jobs of each.

    The options are those of `stoa run`, and mean the same.
    """
    if not process and not chain:
        raise typer.BadParameter("name a process, or give --all for every process in order", param_hint="PROCESS")
    ws = workspace(ctx)
    where, carried = for_jobs(ws, where, tags or (), select or ())
    request = Request(
        process=process, params=params, environment=env or None, settings=settings_of(settings or []),
        sets=sets_of(sets), chain=chain,
        selection=Selection(
            targets=tuple(target or ()), where=where, tags=carried, new=new, stale=stale, failed=failed,
            flagged=flagged, like=like, force=force,
        ),
    )  # fmt: skip
    made = plan.plan(ws, request)
    if chain and not json:
        pairs = [Need(each.definitions.process.name, each.definitions.params.name) for each in made]
        words = {pair: plan_in_words(each) for pair, each in zip(pairs, made, strict=True)}
        out(chain_tree(stages_of(ws, request), words))
    else:
        print_plans(ws, made, workers, json)


def print_plans(ws: Workspace, made: list[Plan], workers: int, json: bool) -> None:
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
        as_json(found[0] if len(found) == 1 else found, several="" if len(found) == 1 else "plans")
        return
    at_once = workers or ws.project.jobs_at_once
    expected = [expected_s(ws, each, at_once) for each in made]
    for each, seconds in zip(made, expected, strict=True):
        if len(made) > 1:
            out(f"{each.definitions.process.name} @ {each.definitions.params.name}")
        table(plan_table(each))
        for why, targets in each.out_of_reach.items():
            tell(unreached_words(why, targets))
        tell(sum_in_words(each, seconds, at_once))
    if len(made) > 1:
        jobs = sum(len(each.to_run) for each in made)
        known = [seconds for seconds in expected if seconds is not None]
        total = time_in_words(sum(known), at_once) if len(known) == len(made) else ""
        tell(f"together {count(jobs, 'job')} of {len(made)} runs{total}")
