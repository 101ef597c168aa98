"""Where collaborators disagree: outcomes of one job that differ, flags on one target that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from stoa.errors import StoaError
from stoa.model import INCONCLUSIVE, ResultSpec, Value
from stoa.numbers import agree
from stoa.provenance.records import read_review
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace

LAST_DIGITS = 1e-9
"""Relative difference of floating point results that two machines may have."""
_AT_ONCE = 500
_OF_PAIR = "process = ? AND params = ? AND environment = ?"

Job = tuple[str, str]  # target, image group


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """What one person's run made of a job."""

    author: str
    run: str
    status: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A status or result that is not the same in both."""

    name: str  # "status", or that of a result
    values: tuple[Value | None, Value | None]  # in the order of the voices


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """The two newest outcomes of a job, of different people, that differ."""

    process: str
    params: str
    environment: str
    target: str
    group: str
    voices: tuple[Voice, Voice]  # the older first
    differences: tuple[Difference, ...]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What one person says of a target."""

    author: str
    says: str  # a reason code, or ``not REASON`` of who cleared such a flag
    text: str
    time: str
    id: str


class Contradiction(msgspec.Struct, frozen=True, kw_only=True):
    """A target with an open flag that someone else sees differently."""

    target: str
    judgements: tuple[Judgement, ...]


class _Heard(msgspec.Struct, frozen=True):
    run: str
    outcome: int


class _Results(msgspec.Struct):
    status: str
    results: dict[str, Value | None] = {}


def disagreements(ws: Workspace, process: str = "", params: str = "", target: str = "") -> tuple[Disagreement, ...]:
    """Jobs whose two newest runs are of different people and ended differently, or with results beyond tolerance.

    Whoever runs the job once more settles it, for then the two newest outcomes are looked at again.
    """
    sql = (
        "SELECT process, params, environment FROM runs WHERE (? = '' OR process = ?) AND (? = '' OR params = ?)"
        " GROUP BY process, params, environment HAVING count(DISTINCT email) > 1"
        " ORDER BY process, params, environment"
    )
    pairs = [Pair(*row) for row in ws.index.rows(sql, (process, process, params, params))]
    return tuple(found for pair in pairs for found in _of_pair(ws, pair, target))


def _of_pair(ws: Workspace, pair: Pair, target: str) -> Iterator[Disagreement]:
    sql = f"SELECT run, author, email FROM runs WHERE {_OF_PAIR} ORDER BY rank DESC"
    runs = {row[0]: (row[1], row[2]) for row in ws.index.rows(sql, msgspec.structs.astuple(pair))}
    doubtful = {
        job: heard
        for job, heard in _two_newest(ws, pair, target, runs).items()
        if len(heard) == 2 and runs[heard[0].run][1] != runs[heard[1].run][1]
    }
    records = _records(ws, (one.outcome for heard in doubtful.values() for one in heard))
    declared = _declared(ws, pair.process) if doubtful else {}
    for job in sorted(doubtful):
        newer, older = doubtful[job]
        before, after = records[older.outcome], records[newer.outcome]
        differences = tuple(_differences(before, after, declared))
        if differences:
            voices = (
                Voice(author=runs[older.run][0], run=older.run, status=before.status),
                Voice(author=runs[newer.run][0], run=newer.run, status=after.status),
            )
            yield Disagreement(
                process=pair.process, params=pair.params, environment=pair.environment, target=job[0], group=job[1],
                voices=voices, differences=differences,
            )  # fmt: skip


def _two_newest(ws: Workspace, pair: Pair, target: str, runs: Iterable[str]) -> dict[Job, tuple[_Heard, ...]]:
    """The newest two runs of every job that said something, newest first; no more runs are read than that takes."""
    where = f"{_OF_PAIR} AND conclusive AND (? = '' OR target = ?)"
    arguments = (*msgspec.structs.astuple(pair), target, target)
    jobs = ws.index.rows(f"SELECT target, grp FROM latest WHERE {where}", arguments)
    open_jobs: set[Job] = set(jobs)
    heard: dict[Job, tuple[_Heard, ...]] = dict.fromkeys(open_jobs, ())
    sql = (
        "SELECT target, grp, max(attempt), id FROM outcomes WHERE run = ? AND status NOT IN (?, ?) GROUP BY target, grp"
    )
    for run in runs:
        if not open_jobs:
            break
        for name, group, _, outcome in ws.index.rows(sql, (run, *INCONCLUSIVE)):
            job = (name, group)
            if job in open_jobs:
                heard[job] = (*heard[job], _Heard(run, outcome))
                if len(heard[job]) == 2:
                    open_jobs.discard(job)
    return heard


def _records(ws: Workspace, outcomes: Iterable[int]) -> dict[int, _Results]:
    wanted = list(outcomes)
    found: dict[int, _Results] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        sql = f"SELECT id, record FROM outcomes WHERE id IN ({','.join('?' * len(some))})"
        found |= {number: msgspec.json.decode(record, type=_Results) for number, record in ws.index.rows(sql, some)}
    return found


def _declared(ws: Workspace, process: str) -> Mapping[str, ResultSpec]:
    """The results that a process declares now; none where it cannot be read."""
    try:
        return ws.library.process(process).results
    except StoaError:
        return {}


def _differences(before: _Results, after: _Results, declared: Mapping[str, ResultSpec]) -> Iterator[Difference]:
    if before.status != after.status:
        yield Difference(name="status", values=(before.status, after.status))
        return
    for name in dict.fromkeys([*before.results, *after.results]):
        values = before.results.get(name), after.results.get(name)
        tolerance = declared[name].tolerance if name in declared else 0.0
        if not agree(*values, max(tolerance, LAST_DIGITS)):
            yield Difference(name=name, values=values)


def contradictions(ws: Workspace, target: str = "") -> tuple[Contradiction, ...]:
    """Targets on which people contradict each other.

    They do when one person's flag is open while a different one cleared a flag with the same reason. Different
    reasons do not contradict each other, and identical flags of one person are one judgement.
    """
    sql = (
        "SELECT id, target, reason, text, author, email, time FROM open_flags"
        " WHERE ? = '' OR target = ? ORDER BY target, id"
    )
    flags: dict[str, list[tuple[str, Judgement]]] = {}
    for event, name, reason, text, author, email, time in ws.index.rows(sql, (target, target)):
        judgement = Judgement(author=author, says=reason, text=text, time=time, id=event)
        said = flags.setdefault(name, [])
        if not any(whose == email and one.says == reason and one.text == text for whose, one in said):
            said.append((email, judgement))
    found = []
    for name, said in flags.items():
        if cleared := [judgement for _, judgement in _clearings(ws, name, said)]:
            denied = {judgement.says.removeprefix("not ") for judgement in cleared}
            judgements = [*(judgement for _, judgement in said if judgement.says in denied), *cleared]
            found.append(Contradiction(target=name, judgements=tuple(judgements)))
    return tuple(found)


def _clearings(ws: Workspace, target: str, said: list[tuple[str, Judgement]]) -> Iterator[tuple[str, Judgement]]:
    """What people said who cleared a flag with a reason that is open again, by another person."""
    sql = "SELECT id, kind, reason, author, email, text, time FROM reviews WHERE target = ? ORDER BY id DESC"
    rows = ws.index.rows(sql, (target,))
    reasons = {row[0]: row[2] for row in rows if row[1] == "flag"}
    flagged = {(judgement.says, email) for email, judgement in said}
    told = set(flagged)
    for event, kind, _, author, email, text, time in rows:
        for reason in dict.fromkeys(reasons.get(flag, "") for flag in _cleared(ws, target, event, kind)):
            elsewhere = any(says == reason and whose != email for says, whose in flagged)
            if elsewhere and (reason, email) not in told:
                told.add((reason, email))
                yield email, Judgement(author=author, says=f"not {reason}", text=text, time=time, id=event)


def _cleared(ws: Workspace, target: str, event: str, kind: str) -> tuple[str, ...]:
    """Ids of the flags that an event cleared."""
    path = f"{ws.store.prefix}/{ws.project.review_record(target, event)}"
    data = ws.store.snapshot().read_record(path) if kind == "unflag" else None
    return read_review(data, path).clears if data else ()
