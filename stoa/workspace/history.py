"""How the state of a project came about: after each run and each judgement, how many outcomes had which status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from stoa.model import INCONCLUSIVE
from stoa.provenance.git import Commit, commits
from stoa.provenance.store import ordered
from stoa.workspace.open import Workspace

_OUTCOMES = """
SELECT o.run, o.process, o.params, o.environment, o.target, o.grp, o.status
FROM outcomes o JOIN runs r ON r.run = o.run ORDER BY r.rank, o.target, o.grp, o.attempt
"""

_RUNS = "SELECT run, ifnull(nullif(finished, ''), started), author, process || '@' || params FROM runs"

_REVIEWS = (
    "SELECT id, time, author, kind, coalesce(nullif(target, ''), nullif(run, ''), process || '@' || params), reason"
    " FROM reviews WHERE kind != 'comment' ORDER BY id, target"
)

Pair = tuple[str, str, str]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the project after something happened.

    Attributes
    ----------
    counts
        Number of jobs by the status of their current outcome, of all pairs or of the one that was asked for.
    flagged
        Targets with an open flag.
    """

    time: str
    author: str
    what: str
    run: str  # "" for a judgement
    counts: dict[str, int]
    flagged: int


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one run or one judgement changed."""

    time: str
    author: str
    what: str
    run: str = ""
    outcomes: tuple[tuple[tuple[str, ...], str], ...] = ()  # job, status
    said: tuple[tuple[str, str, str, str], ...] = ()  # event, kind, target, reason


def history(ws: Workspace, process: str = "", params: str = "", environment: str = "") -> list[Moment]:
    """The state after each run and each judgement, the earliest first.

    An inconclusive outcome (`interrupted`, `error`) never takes the place of a conclusive one.

    Parameters
    ----------
    process, params, environment
        Only outcomes of this pair; "" for all.
    """
    steps = sorted([*_runs(ws, (process, params, environment)), *_judgements(ws)], key=lambda step: step.time)
    cleared = set(ws.index.rows("SELECT target, id FROM cleared"))
    state: dict[tuple[str, ...], str] = {}
    flags: dict[str, dict[str, str]] = {}  # target -> event -> reason
    found = []
    for step in steps:
        for job, status in step.outcomes:
            if status not in INCONCLUSIVE or state.get(job, status) in INCONCLUSIVE:
                state[job] = status
        for event, kind, target, reason in step.said:
            mine = flags.setdefault(target, {})
            if kind == "flag":
                mine[event] = reason
            elif kind == "unflag":
                flags[target] = {
                    flag: code
                    for flag, code in mine.items()
                    if (target, flag) not in cleared or reason not in ("", code)
                }
        counts = ordered(dict(Counter(state.values())))
        found.append(
            Moment(
                time=step.time, author=step.author, what=step.what, run=step.run, counts=counts,
                flagged=sum(map(bool, flags.values())),
            )
        )  # fmt: skip
    return found


def _runs(ws: Workspace, wanted: Pair) -> Iterator[_Step]:
    ended: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for run, *job, status in ws.index.rows(_OUTCOMES):
        if all(asked in ("", given) for asked, given in zip(wanted, job, strict=False)):
            ended.setdefault(run, []).append((tuple(job), status))
    for run, time, author, words in ws.index.rows(_RUNS):
        if run in ended:
            yield _Step(time=time, author=author, what=f"run {words}", run=run, outcomes=tuple(ended[run]))


def _judgements(ws: Workspace) -> Iterator[_Step]:
    actions: dict[str, list[tuple[str, ...]]] = {}
    for row in ws.index.rows(_REVIEWS):
        actions.setdefault(row[0], []).append(row)
    for event, rows in actions.items():
        _, time, author, kind, target, reason = rows[0]
        whom = target if len(rows) == 1 else f"{len(rows)} targets"
        said = tuple((event, kind, name, code) for _, _, _, kind, name, code in rows)
        yield _Step(time=time, author=author, what=f"{kind} {whom} {reason}".strip(), said=said)


def commits_of(ws: Workspace, run: str = "", most: int = 200) -> list[Commit]:
    """The commits of a run, or the latest ones of the project; the newest first."""
    return commits(ws.repository, f"Stoa-Run: {run}" if run else "", most)
