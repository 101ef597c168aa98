"""A live run as someone who watches it wants to see it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from stoa.model import BAD, Outcome
from stoa.workspace.live import LiveRun
from stoa.workspace.open import Workspace

MOST = 5
"""Failures of a run that are shown while it is live."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """How far a live run is."""

    run: str
    process: str
    params: str
    author: str
    state: str
    jobs: int
    ended: int
    counts: dict[str, int]
    elapsed_s: float
    remaining_s: float | None  # at the pace so far; None before the first job has ended
    failures: tuple[Outcome, ...]  # the newest that are not in git yet, the newest first


def watch(ws: Workspace) -> list[Watched]:
    """Every run that is under way, the newest first."""
    found = [live for live in ws.live().values() if live.state != "cut off"]
    return [_watched(live) for live in sorted(found, key=lambda live: live.run.rank, reverse=True)]


def _watched(live: LiveRun) -> Watched:
    counts = live.counts
    ended = sum(counts.values())
    elapsed = (datetime.now(UTC) - datetime.fromisoformat(live.run.started)).total_seconds()
    failures = [outcome for outcome in live.said.ended if outcome.status in BAD]
    return Watched(
        run=live.run.id, process=live.run.process, params=live.run.params.name, author=live.run.author.name,
        state=live.state, jobs=live.run.jobs, ended=ended, counts=counts, elapsed_s=elapsed,
        remaining_s=elapsed / ended * (live.run.jobs - ended) if ended else None,
        failures=tuple(failures[-MOST:][::-1]),
    )  # fmt: skip
