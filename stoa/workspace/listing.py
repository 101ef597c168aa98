"""The list of runs, live ones included."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stoa.errors import StoaError
from stoa.model import Run, Summary
from stoa.provenance.index import decode_run
from stoa.workspace.open import Workspace
from stoa.workspace.tags import tags_of_runs


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a list."""

    run: str
    process: str
    params: str
    environment: str
    author: str
    started: str
    state: str  # done, or that of a `LiveRun`: running, orphaned, elsewhere, cut off
    jobs: int
    counts: dict[str, int]
    duration_s: float | None
    host: str = ""  # of a live run
    silent_s: int = 0  # since a live run last gave a sign of life
    still_running: int = 0  # jobs of an orphaned run
    pids: tuple[int, ...] = ()  # their processes
    message: str = ""  # why, in the words of its author
    tags: tuple[str, ...] = ()  # of the run itself


def list_runs(ws: Workspace) -> list[RunRow]:
    """All runs, the latest last; live ones and those that were cut off too."""
    sql = "SELECT record, summary FROM runs"
    rows, ranks = {}, {}
    tags = tags_of_runs(ws)
    for record, summary in ws.index.rows(sql):
        run = decode_run(record)
        ranks[run.id] = run.rank
        known = msgspec.json.decode(summary, type=Summary) if summary else None
        rows[run.id] = _row(run, known, tags.get(run.id, ()))
    for name, live in ws.live().items():
        ranks[name] = live.run.rank
        rows[name] = msgspec.structs.replace(
            _row(live.run, None), counts=live.counts, state=live.state, host=live.owner.host,
            silent_s=round(live.silent_s), still_running=live.orphaned_jobs, pids=tuple(o.pid for o in live.orphans),
        )  # fmt: skip
    return [rows[name] for name in sorted(rows, key=ranks.__getitem__)]


def _row(run: Run, summary: Summary | None, tags: tuple[str, ...] = ()) -> RunRow:
    return RunRow(
        run=run.id, process=run.process, params=run.params.name, environment=run.environment, author=run.author.name,
        started=run.started, state="done" if summary else "cut off", jobs=run.jobs,
        counts=summary.counts if summary else {}, duration_s=summary.duration_s if summary else None,
        message=run.message, tags=tags,
    )  # fmt: skip


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A definition in a list, and what is wrong with it."""

    name: str
    doc: str
    problem: str


def listed(name: str, words: Callable[[], str]) -> Listed:
    """A definition in a list, with its description or what is wrong with it."""
    try:
        return Listed(name=name, doc=words(), problem="")
    except StoaError as problem:
        return Listed(name=name, doc="", problem=problem.message)
