"""A few jobs first: which ones, and what they say of the rest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping

import msgspec

from stoa.errors import StoaError
from stoa.model import BAD, Outcome
from stoa.runs.planned import Plan, PlannedJob, Sample
from stoa.workspace.open import Workspace

STRATA = ("band", "kind", "made_by", "main_role", "problems")
"""Metadata columns in which targets of an archive differ so that scripts notice."""

_LEFT = "not in the canary"
_Z = 1.96  # of a normal distribution, for 95 %


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a sample of jobs says of those that are left.

    Attributes
    ----------
    bad, bad_least, bad_most
        Fraction of jobs that would neither succeed nor be skipped, with the limits of its 95 % interval.
    duration_s
        How long the jobs that are left would take.
    strata
        How many strata the jobs fall into, and how many of these the sample has tried.
    """

    jobs: int
    left: int
    bad: float
    bad_least: float
    bad_most: float
    duration_s: float
    strata: tuple[int, int]


def canary(ws: Workspace, plan: Plan, size: int) -> Plan:
    """A plan that runs a few of its jobs only, of every kind of target.

    The jobs are grouped by `STRATA` of their targets. One is taken of each stratum, the
    largest first, then a second one, and so on; which ones is random, but the same each time.

    Parameters
    ----------
    size
        How many; all jobs if there are fewer.
    """
    if size < 1:
        raise StoaError(f"a canary of {size} jobs says nothing", "say --canary 10")
    kinds = dict(_kinds(ws))
    strata: dict[tuple[str, ...], list[PlannedJob]] = {}
    for job in plan.to_run:
        ends = "skipped" if job.skips else "blocked" if job.missing else ""
        strata.setdefault((*kinds.get(job.target, ()), ends), []).append(job)
    ordered = sorted(strata.values(), key=lambda jobs: (-len(jobs), _key(jobs[0])))
    numbers = {_key(job): number for number, jobs in enumerate(ordered) for job in jobs}
    rounds = [(place, number, job) for number, jobs in enumerate(ordered) for place, job in enumerate(_shuffled(jobs))]
    rounds.sort(key=lambda one: one[:2])
    chosen = {_key(job) for _, _, job in rounds[:size]}
    jobs = tuple(
        msgspec.structs.replace(job, runs=False, because="sample", reason=_LEFT)
        if job.runs and _key(job) not in chosen
        else job
        for job in plan.jobs
    )
    sample = Sample(strata=numbers, left=len(numbers) - len(chosen))
    return msgspec.structs.replace(plan, jobs=jobs, sample=sample)


def forecast(sample: Sample, outcomes: Iterable[Outcome], workers: int) -> Forecast | None:
    """What the outcomes of a canary say of the jobs that are left; None where there is no outcome.

    Each stratum counts by its size; one that was not tried is taken to be like all others. The
    interval is Wilson's for as many jobs as were tried.

    Parameters
    ----------
    workers
        How many jobs run at once.
    """
    tried: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        tried.setdefault(sample.strata[outcome.target, outcome.group], []).append(outcome)
    sizes: dict[int, int] = {}
    for number in sample.strata.values():
        sizes[number] = sizes.get(number, 0) + 1
    done = sum(map(len, tried.values()))
    if not done:
        return None
    bad = _mean(tried, sizes, lambda one: float(one.status in BAD))
    seconds = _mean(tried, sizes, lambda one: one.duration_s)
    least, most = _wilson(bad, done)
    return Forecast(
        jobs=done, left=sample.left, bad=bad, bad_least=least, bad_most=most,
        duration_s=seconds * sample.left / max(workers, 1), strata=(len(sizes), len(tried)),
    )  # fmt: skip


def _mean(tried: Mapping[int, list[Outcome]], sizes: Mapping[int, int], value: Callable[[Outcome], float]) -> float:
    """Mean over all jobs, from those of each stratum that was tried."""
    weight = sum(sizes[number] for number in tried)
    return sum(sizes[number] * sum(map(value, some)) / len(some) for number, some in tried.items()) / weight


def _wilson(rate: float, tries: int) -> tuple[float, float]:
    """Limits of the 95 % interval of a rate (Wilson 1927, J. Am. Stat. Assoc. 22, 209)."""
    spread = _Z * math.sqrt(rate * (1 - rate) / tries + _Z**2 / (4 * tries**2))
    middle, width = rate + _Z**2 / (2 * tries), 1 + _Z**2 / tries
    return max(0.0, (middle - spread) / width), min(1.0, (middle + spread) / width)


def expected_s(ws: Workspace, plan: Plan, workers: int) -> float | None:
    """How long a plan would take by the latest outcomes of its process; None where there is none.

    Parameters
    ----------
    workers
        How many jobs run at once.
    """
    sql = (
        "SELECT avg(duration_s) FROM (SELECT duration_s FROM outcomes WHERE process = ? AND status != 'blocked'"
        " ORDER BY id DESC LIMIT 1000)"
    )
    mean = ws.index.rows(sql, (plan.definitions.process.name,))[0][0]
    jobs = sum(not job.missing and not job.restores for job in plan.to_run)
    return None if mean is None else float(mean) * jobs / max(workers, 1)


def _kinds(ws: Workspace) -> Iterable[tuple[str, tuple[str, ...]]]:
    for target, *values in ws.index.rows(f"SELECT target, {', '.join(STRATA)} FROM metadata"):
        yield target, tuple(str(value or "") for value in values)


def _shuffled(jobs: list[PlannedJob]) -> list[PlannedJob]:
    return sorted(jobs, key=lambda job: hashlib.sha256("/".join(_key(job)).encode()).digest())


def _key(job: PlannedJob) -> tuple[str, str]:
    return job.target, job.group
