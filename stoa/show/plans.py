"""Plans and chains in words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stoa.model import Need
from stoa.show.table import Column, Table, table
from stoa.show.words import count, duration, one_line

if TYPE_CHECKING:
    from stoa.runs.chain import Stage
    from stoa.runs.planned import Plan, PlannedJob


def chain_tree(stages: Sequence[Stage], words: Mapping[Need, str]) -> str:
    """A chain as a tree: below each process is what it needs."""
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


def plan_table(plan: Plan) -> Table:
    """One row for each job: its state, whether it runs, and why."""
    columns = (
        Column("target"), Column("image group", 2, optional=True), Column("state", 3), Column("do", 1),
        Column("why", 1, text=True),
    )  # fmt: skip
    return table(columns, [(j.target, j.group, j.state, _deed(j), reason_in_words(j)) for j in plan.jobs])


def _deed(job: PlannedJob) -> str:
    if not job.runs:
        return "leave"
    return "skip" if job.skips else "block" if job.missing else "restore" if job.restores else "run"


def reason_in_words(job: PlannedJob) -> str:
    """Why a job runs or does not run."""
    if job.restores:
        return f"{job.reason}; restored from {job.restores.restored or job.restores.run}"
    return job.missing if job.ends_blocked or job.ends_skipped else job.reason


def job_in_words(job: PlannedJob) -> str:
    """A job, whether it runs, and why."""
    verb = "runs" if job.runs else "does not run"
    if job.ends_blocked or job.ends_skipped:
        verb = "is skipped" if job.ends_skipped else "is blocked"
    return f"{job.target} {job.group}".rstrip() + f": {verb}, {reason_in_words(job)}"


def sum_in_words(plan: Plan, seconds: float | None, at_once: int) -> str:
    """How many jobs would run, and how long they take."""
    blocked = sum(job.ends_blocked for job in plan.jobs)
    skipped = sum(job.ends_skipped for job in plan.jobs)
    words = "".join(f", {n} of them {how}" for n, how in ((blocked, "blocked"), (skipped, "skipped")) if n)
    return f"{len(plan.to_run)} of {count(len(plan.jobs), 'job')} would run{words}{time_in_words(seconds, at_once)}"


def plan_in_words(plan: Plan) -> str:
    """A plan of a chain on one line."""
    left = plan.left_alone(chain=True)
    words = [f"{len(plan.to_run)} of {count(len(plan.jobs), 'job')} would run"]
    return ", ".join([*words, *(f"{how_many} {one_line(why)}" for why, how_many in list(left.items())[:3])])


def time_in_words(seconds: float | None, at_once: int) -> str:
    """An estimate of the time; "" if there is none."""
    return f", about {duration(seconds)} with {at_once} in parallel" if seconds else ""
