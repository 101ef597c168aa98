"""What a dashboard shows of all outcomes, reviews and runs, by few questions to the index."""

from __future__ import annotations

from typing import Any

import msgspec

from stoa.exec.job.cause import normalise
from stoa.model import BAD, Status
from stoa.workspace.names import Pair, pair_words
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged
from stoa.workspace.scope import targets_for

CURRENT = (
    "target", "group", "pair", "process", "params", "environment", "status", "cause", "like", "run", "started",
    "duration_s", "memory_mb", "object", "freq_ghz", "ra_deg", "dec_deg",
)  # fmt: skip
"""Columns of `current_outcomes`."""

_SQL = """
SELECT l.target, l.grp, l.process, l.params, l.environment, l.status, l.cause, l.run, o.started, o.duration_s,
  o.memory_mb, m.object, m.freq_ghz, m.ra_deg, m.dec_deg
FROM current l JOIN outcomes o ON o.id = l.outcome LEFT JOIN metadata m ON m.target = l.target
ORDER BY l.process, l.params, l.environment, l.target, l.grp
"""

_EVENTS = """
SELECT id, max(time) AS at, author, kind, count(*), min(target), max(run), max(trim(reason || ' ' || value)), max(text),
  max(iif(process = '', '', process || '@' || params))
FROM reviews GROUP BY id
UNION ALL
SELECT run, started, author, 'run', jobs, '', run, process || '@' || params, '', '' FROM runs
ORDER BY at DESC LIMIT ?
"""

REVIEWS = "reviews"
"""The folder of flags and comments below `.stoa`."""

_GROUPED = frozenset(status.value for status in (*BAD, Status.SKIPPED))


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One action of a person: a run, or a flag, clearing or comment on one or several targets."""

    id: str
    time: str  # ISO 8601
    author: str
    kind: str  # run, flag, unflag, comment
    count: int  # targets; of a run its jobs
    target: str  # the first one; "" for a run and for a comment on one
    run: str
    reason: str  # reason code; of a run PROCESS@SET
    text: str
    pair: str = ""  # of a tag on a pair: PROCESS@SET


def settled_state(ws: Workspace, commit: str) -> str:
    """What stands for all that a commit records but flags and comments: a verdict leaves it as it is."""
    entries = ws.repository.snapshot(commit).entries(ws.store.prefix)
    return " ".join(oid for name, _, oid in entries if name != REVIEWS)


def flags_in_words(ws: Workspace) -> dict[str, str]:
    """The reasons of the open flags of every flagged target, with blanks between."""
    return {target: " ".join(reasons) for target, reasons in flagged(ws).items()}


def current_outcomes(ws: Workspace) -> list[tuple[Any, ...]]:
    """The current outcome of every job of a target that its process runs over, as rows with the columns `CURRENT`.

    ``like`` is the cause without what differs from target to target, "" for outcomes that are ok.
    """
    rows = ws.index.rows(_SQL)
    mine = {process: set(targets_for(ws, process)) for process in {row[2] for row in rows}}
    rows = [row for row in rows if row[0] in mine[row[2]]]
    words = pair_words(ws, {Pair(*row[2:5]) for row in rows})
    seen: dict[str, str] = {}
    return [
        (target, group, words[Pair(process, params, environment)], process, params, environment, status, cause,
         _like(seen, status, cause, target, group), *rest)
        for target, group, process, params, environment, status, cause, *rest in rows
    ]  # fmt: skip


def _like(seen: dict[str, str], status: str, cause: str, target: str, group: str) -> str:
    """The cause as it groups; the same text is looked at once if it names neither the target nor the group."""
    if status not in _GROUPED and not cause:
        return ""
    if target in cause or (group and group in cause):
        return normalise(cause, target, group)
    if cause not in seen:
        seen[cause] = normalise(cause, "", "")
    return seen[cause]


def events(ws: Workspace, most: int = -1) -> list[Event]:
    """The latest actions of everyone, the newest first.

    Parameters
    ----------
    most
        How many; -1 for all.
    """
    names = Event.__struct_fields__
    return [Event(**dict(zip(names, row, strict=True))) for row in ws.index.rows(_EVENTS, (most,))]
