"""Collecting what jobs on a cluster have written since no one follows them."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from stoa.errors import StoaError
from stoa.workspace.gather import gather_part
from stoa.workspace.latest import refresh
from stoa.workspace.live import LiveRun
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace

_LOOK_EVERY_S = 2.0
_LOOK_MOST_S = 30.0


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """A run whose jobs are on a cluster, after what had ended was committed."""

    run: str
    commit: str  # "" when nothing new had ended, or when another command has committed it
    counts: dict[str, int]
    jobs: int
    waiting: int = 0  # chunks of jobs in the queue
    working: int = 0  # chunks that someone is at
    problem: str = ""  # why it is not known who is at the rest
    over: bool = False  # whether the run is in git as a whole


def collect(ws: Workspace, run: str = "", *, wait: Callable[[Collected], None] | None = None) -> list[Collected]:
    """Commit what has ended of the runs on a cluster, and those that are over as a whole.

    Parameters
    ----------
    run
        Its id or the start of it; "" for all.
    wait
        Called with each run after each look, until all are over; None looks once.

    Raises
    ------
    StoaError
        If no such run is on a cluster, or records cannot be committed now.
    """
    before = _chosen(ws, run)
    ws.ready()
    pause_s = _LOOK_EVERY_S
    while True:
        found = _collect(ws, before)
        if wait is None or all(each.over for each in found):
            return found
        for each in found:
            wait(each)
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, _LOOK_MOST_S)
        ws.ready()


def _chosen(ws: Workspace, run: str) -> dict[str, LiveRun]:
    live = ws.live()
    found = {name: one for name, one in live.items() if one.standing and name.startswith(run)}
    if not found and run:
        watched = [name for name, one in live.items() if name.startswith(run) and one.state == "running"]
        if watched:
            raise StoaError(f"run {watched[0]} is followed by another STOA, which commits it", "`stoa status` shows it")
        raise StoaError(f"no run named {run!r} is on a cluster", "`stoa runs` lists the runs")
    return found


def _collect(ws: Workspace, before: dict[str, LiveRun]) -> list[Collected]:
    found = []
    live = ws.live()
    for name, old in before.items():
        one = live.get(name)
        if one is None or one.standing is None:
            found.append(Collected(run=name, commit="", counts=old.counts, jobs=old.run.jobs, over=True))
            ws.remark(refresh(ws, Pair(old.run.process, old.run.params.name, old.run.environment), name))
            continue
        with ws.store.spool.lock():
            commit = gather_part(ws.store, one.said, one.standing)
        standing = one.standing
        found.append(
            Collected(
                run=name, commit=commit, counts=one.counts, jobs=one.run.jobs, waiting=standing.waiting,
                working=standing.working, problem=standing.problem,
            )
        )  # fmt: skip
    return found
