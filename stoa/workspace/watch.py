"""A run as someone who watches it wants to see it: while it is live, and when it has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from stoa.model import BAD, CauseGroup, Outcome, Status, Summary
from stoa.workspace.names import resolve_run, run_of
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    from stoa.workspace.live import LiveRun

MOST = 5
"""Failures of a run that are shown while it is live."""

STARTING, ENDED, STOPPED, FAILED = "starting", "ended", "stopped", "error"
"""States of a run that is not live: before its first record, all jobs ended, some never began, it could not begin."""

OVER = frozenset({ENDED, STOPPED, FAILED})


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is."""

    run: str
    process: str
    params: str
    author: str
    state: str
    jobs: int
    ended: int
    counts: dict[str, int]
    elapsed_s: float
    remaining_s: float | None  # at the pace so far; None before the first job has ended, and of a run that has ended
    failures: tuple[Outcome, ...]  # the newest that are not in git yet, the newest first
    pid: int = 0  # of its STOA, on this machine
    causes: tuple[CauseGroup, ...] = ()  # of a run that has ended
    said: str = ""  # why a run could not begin

    @property
    def over(self) -> bool:
        """Whether nothing more happens in it."""
        return self.state in OVER


def watch(ws: Workspace) -> list[Watched]:
    """Every run that is under way, the newest first."""
    found = [live for live in ws.live().values() if live.state != "cut off"]
    return [_watched(live) for live in sorted(found, key=lambda live: live.run.rank, reverse=True)]


def watched_run(ws: Workspace, name: str) -> Watched:
    """One run, live or in git.

    Parameters
    ----------
    name
        Its id or the start of it, or ``last``: the newest live one, or else the newest in git.

    Raises
    ------
    StoaError
        If there is no such run.
    """
    live = [each for each in watch(ws) if name == "last" or each.run.startswith(name)]
    return live[0] if live and name else in_git(ws, name)


def in_git(ws: Workspace, name: str) -> Watched:
    """A run that has ended.

    Raises
    ------
    StoaError
        If there is no such run.
    """
    run = run_of(ws, resolve_run(ws, name))
    record = ws.index.rows("SELECT summary FROM runs WHERE run = ?", (run.id,))[0][0]
    summary = msgspec.json.decode(record, type=Summary) if record else None
    counts = summary.counts if summary else {}
    cut_short = summary is None or summary.untouched or counts.get(Status.INTERRUPTED)
    return Watched(
        run=run.id, process=run.process, params=run.params.name, author=run.author.name,
        state=STOPPED if cut_short else ENDED, jobs=run.jobs, ended=sum(counts.values()), counts=counts,
        elapsed_s=summary.duration_s if summary else 0.0, remaining_s=None, failures=(),
        causes=summary.causes if summary else (),
    )  # fmt: skip


def not_begun(process: str, params: str, state: str, said: str = "") -> Watched:
    """A run that has no record yet, or gets none."""
    return Watched(
        run="", process=process, params=params, author="", state=state, jobs=0, ended=0, counts={}, elapsed_s=0.0,
        remaining_s=None, failures=(), said=said,
    )  # fmt: skip


def _watched(live: LiveRun) -> Watched:
    counts = live.counts
    ended = sum(counts.values())
    elapsed = (datetime.now(UTC) - datetime.fromisoformat(live.run.started)).total_seconds()
    failures = [outcome for outcome in live.said.ended if outcome.status in BAD]
    return Watched(
        run=live.run.id, process=live.run.process, params=live.run.params.name, author=live.run.author.name,
        state=live.state, jobs=live.run.jobs, ended=ended, counts=counts, elapsed_s=elapsed,
        remaining_s=elapsed / ended * (live.run.jobs - ended) if ended else None,
        failures=tuple(failures[-MOST:][::-1]), pid=live.owner.pid,
    )  # fmt: skip
