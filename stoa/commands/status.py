"""The state of the project: every target, failures by cause, flags, live runs."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.exec.job.cause import group_causes
from stoa.model import BAD, SCHEMA, CauseGroup, Outcome, Run, Status
from stoa.provenance.git import writable
from stoa.provenance.index import decode_run
from stoa.provenance.store import ordered
from stoa.runs.definitions import Definitions, definition_changes, resolve_again, rule_changes
from stoa.runs.environments import Present
from stoa.runs.judge import TooLong
from stoa.runs.standing import Standing, no_definition, recalled, standing
from stoa.workspace.agreement import Disagreement, disagreements
from stoa.workspace.ahead import Ahead, ahead
from stoa.workspace.listing import RunRow, list_runs
from stoa.workspace.looks import Finding
from stoa.workspace.names import Pair, current, pair_words
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged
from stoa.workspace.scope import Origins, origins, targets_for
from stoa.workspace.steps import StepCount, step_counts
from stoa.workspace.tags import check_tags, tagged_pairs, tags_of_pairs


class PairStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The current outcomes of a process, parameter set and environment."""

    name: str  # PROCESS@SET, or PROCESS@SET+ENV for an environment that is not the process's own
    process: str
    params: str
    environment: str
    run: str  # the latest one
    jobs: int
    counts: dict[str, int]
    new: int  # targets without an outcome
    stale: int  # outcomes of other definitions or inputs than the present ones
    stale_reasons: tuple[str, ...]
    looked: str  # when the inputs were looked at, UTC, ISO 8601; "" if they never were on this machine
    causes: tuple[CauseGroup, ...]
    interrupted_since: int = 0  # outcomes that stay current, as a later run of their job said nothing about it
    origins: Origins = Origins()  # where its targets come from, if it runs over the products of others
    unlisted: int = 0  # outcomes of targets that are in no list, or that it does not run over; counted nowhere else
    tags: tuple[str, ...] = ()  # of the pair itself


class TargetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A target: the state of its worst current outcome for each pair."""

    name: str
    states: dict[str, str]  # pair as typed -> status, `new` without an outcome, "" where it is not run
    causes: dict[str, str]
    stale: dict[str, str]  # pair -> what changed in the definitions and inputs since
    interrupted_since: dict[str, str]  # pair -> the later run that said nothing
    flags: tuple[str, ...]


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a project."""

    project: str
    branch: str
    commit: str
    target_count: int
    targets: tuple[TargetStatus, ...]  # empty where they were not asked for
    described: int  # targets with a metadata document
    pairs: tuple[PairStatus, ...]
    live: tuple[RunRow, ...]
    flagged: int  # targets
    flags: dict[str, tuple[str, ...]]  # reason -> targets with an open flag for it
    steps: tuple[StepCount, ...]  # of the review, how far each is
    unreadable: tuple[tuple[str, str], ...]  # record, what is wrong with it
    healed: tuple[str, ...]  # runs that were cut off and are in git now
    hindered: str = ""  # what keeps others of them out of git
    damaged_journals: tuple[str, ...] = ()  # kept for a person to look at
    ahead: tuple[Ahead, ...] = ()  # ids that are far ahead of the clock
    disagreements: tuple[Disagreement, ...] = ()  # jobs that two people's newest runs ended differently


_ORDER = {status.value: place for place, status in enumerate((
    Status.ERROR, Status.FAILED, Status.TIMEOUT, Status.KILLED, Status.BLOCKED, Status.INTERRUPTED, Status.SKIPPED,
    Status.OK,
))}  # fmt: skip


LOOK_S = 0.5
"""How long the inputs may be looked at without being asked."""

A_JOB_S = 60e-6
"""What a look takes for each job, at least."""

_OF_PAIR = "process = ? AND params = ? AND environment = ?"


class _Ran(msgspec.Struct, frozen=True):
    """A pair that ran: number of jobs by run and status, and which of them are stale."""

    pair: Pair
    name: str
    counts: dict[str, dict[str, int]]  # the latest run last
    standing: Standing
    tags: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.pair.process, self.pair.params, self.pair.environment


def status(
    ws: Workspace,
    process: str = "",
    params: str = "",
    environment: str = "",
    *,
    every_target: bool = True,
    look: bool = False,
    tags: Iterable[str] = (),
) -> StatusReport:
    """The state of every target for every pair that ran, or for the named ones.

    The inputs are looked at if that takes no longer than `LOOK_S`. If it would, the last look counts, and the
    report says when it was.

    Parameters
    ----------
    look
        Look at all inputs, however long it takes.
    every_target
        Whether to give each target's state; for thousands of them that takes as long as all the rest.
    tags
        Only pairs that carry all of these.

    Raises
    ------
    StoaError
        If no pair has one of the tags, or there is no such process or set.
    """
    wanted = frozenset(tags)
    check_tags(ws, wanted, tagged_pairs(ws) if wanted else (), "pair")
    healing = ws.heal()
    check_names(ws, process, params)
    flags = flagged(ws)
    with ws.index.reading():
        ran = _ran(ws, (process, params, environment), wanted, None if look else time.monotonic() + LOOK_S)
        return StatusReport(
            project=ws.project.config.project,
            branch=writable((ws.repository.branch_or_none() or "").removeprefix("refs/heads/")),
            commit=ws.repository.head(),
            target_count=len(ws.targets),
            targets=_targets(ws, ran, flags) if every_target else (),
            described=sum(row[0] in ws.targets for row in ws.index.rows("SELECT target FROM metadata")),
            pairs=tuple(_pair(ws, pair) for pair in ran),
            live=tuple(row for row in list_runs(ws) if row.run in live) if (live := ws.live()) else (),
            flagged=len(flags.keys() & ws.targets.keys()),
            flags=_by_reason(ws, flags),
            steps=step_counts(ws),
            unreadable=tuple((row[0], row[1]) for row in ws.index.rows("SELECT * FROM problems ORDER BY path")),
            healed=healing.runs,
            disagreements=disagreements(ws, process, params),
            ahead=ahead(ws.index),
            hindered=healing.hindered,
            damaged_journals=tuple(str(folder) for folder in healing.damaged),
        )


def check_names(ws: Workspace, process: str, params: str) -> None:
    """Raise `NotFoundError` for a process or set that neither is defined nor ran."""
    ran = ws.index.rows("SELECT DISTINCT process, params FROM runs")
    processes = {*ws.library.processes(), *(row[0] for row in ran)}
    if process and process not in processes:
        raise NotFoundError("process", process, sorted(processes), "`stoa process list` shows them")
    among = [process] if process else ws.library.processes()
    sets = {row[1] for row in ran if process in ("", row[0])}.union(*map(ws.library.parameter_sets, among))
    if params and params not in sets:
        raise NotFoundError("parameter set", params, sorted(sets), "`stoa params list` shows them")


def _ran(ws: Workspace, asked: tuple[str, str, str], tags: frozenset[str], until: float | None) -> list[_Ran]:
    process, params, environment = asked
    rows = ws.index.rows(
        "SELECT process, params, environment, run, status, count(*) FROM current"
        " WHERE (? = '' OR process = ?) AND (? = '' OR params = ?) AND (? = '' OR environment = ?)"
        " GROUP BY process, params, environment, run, status ORDER BY process, params, environment, rank",
        (process, process, params, params, environment, environment),
    )
    counts: dict[Pair, dict[str, dict[str, int]]] = {}
    carried = tags_of_pairs(ws)
    for *key, run, state, number in rows:
        if tags.issubset(carried.get(Pair(*key), ())):
            counts.setdefault(Pair(*key), {}).setdefault(run, {})[state] = number
    words = pair_words(ws, counts)
    return [
        _Ran(pair, words[pair], by_run, _standing(ws, pair, by_run, until), carried.get(pair, ()))
        for pair, by_run in counts.items()
    ]


def _standing(ws: Workspace, pair: Pair, counts: Mapping[str, dict[str, int]], until: float | None) -> Standing:
    """The state of a pair; from memory where a look now would take too long."""
    jobs = sum(sum(states.values()) for states in counts.values())
    if until is None or time.monotonic() + jobs * A_JOB_S < until:
        with suppress(TooLong):
            return standing(ws, current(pair), until=until)
    return recalled(ws, pair, _changes(ws, pair, _runs(ws, pair, counts)))


def _runs(ws: Workspace, pair: Pair, wanted: Container[str]) -> list[Run]:
    sql = "SELECT run, record FROM runs WHERE process = ? AND params = ? AND environment = ?"
    rows = ws.index.rows(sql, msgspec.structs.astuple(pair))
    return [decode_run(record) for run, record in rows if run in wanted]


def _pair(ws: Workspace, ran: _Ran) -> PairStatus:
    seen = [row[0] for row in ws.index.rows(f"SELECT DISTINCT target FROM latest WHERE {_OF_PAIR}", ran.key)]
    mine = set(targets_for(ws, ran.pair.process))
    unlisted = _counts_of(ws, ran.key, [target for target in seen if target not in mine])
    counts: dict[str, int] = {}
    for run, states in ran.counts.items():
        for state, number in states.items():
            listed = number - unlisted.get((run, state), 0)
            counts[state] = counts.get(state, 0) + listed
    return PairStatus(
        name=ran.name, process=ran.pair.process, params=ran.pair.params, environment=ran.pair.environment,
        run=list(ran.counts)[-1], jobs=sum(counts.values()),
        counts=ordered(counts), new=len(mine.difference(seen)),
        stale=len(ran.standing.stale), stale_reasons=ran.standing.reasons, looked=ran.standing.looked,
        causes=_causes(ws, ran, mine), origins=origins(ws, ran.pair.process), unlisted=sum(unlisted.values()),
        tags=ran.tags,
        interrupted_since=sum(target in mine for target, _ in _interrupted(ws, ran.key)),
    )  # fmt: skip


def _interrupted(ws: Workspace, key: tuple[str, str, str]) -> list[tuple[str, str]]:
    """Target and run of every job whose latest run said nothing about it, while an earlier outcome is current."""
    return ws.index.rows(f"SELECT target, run FROM interrupted_since WHERE {_OF_PAIR} ORDER BY target, rank", key)


def _counts_of(ws: Workspace, key: tuple[str, str, str], targets: list[str]) -> dict[tuple[str, str], int]:
    """Number of current outcomes of some targets, by run and status."""
    if not targets:
        return {}
    rows = ws.index.rows(
        f"SELECT run, status, count(*) FROM current WHERE {_OF_PAIR}"
        " AND target IN (SELECT value FROM json_each(?)) GROUP BY run, status",
        (*key, msgspec.json.encode(targets).decode()),
    )
    return {(run, state): number for run, state, number in rows}


def _causes(ws: Workspace, ran: _Ran, mine: Container[str]) -> tuple[CauseGroup, ...]:
    """What is amiss, grouped. A blocked job has the cause that blocks it now, or none if nothing blocks it any more."""
    now = {finding.job: finding for finding in ran.standing.findings}
    rows = ws.index.rows(
        f"SELECT target, grp, status, cause FROM current WHERE {_OF_PAIR}"
        f" AND (status IN ({','.join('?' * len(BAD))}) OR status = ? AND cause != '') ORDER BY target, grp",
        (*ran.key, *(state.value for state in BAD), Status.OK.value),
    )
    return group_causes(
        Outcome(schema=SCHEMA, run="", target=target, group=group, status=Status(state), cause=words)
        for target, group, state, cause in rows
        if target in mine and (words := _cause_now(state, cause, now.get((target, group)))) is not None
    )


def _cause_now(state: str, cause: str, found: Finding | None) -> str | None:
    """The cause of an outcome as it is now; None for a blocked one that nothing blocks any more."""
    if state != Status.BLOCKED or found is None:
        return cause
    return found.reason if found.state == state else None


def _by_reason(ws: Workspace, flags: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for target in sorted(flags.keys() & ws.targets.keys()):
        for reason in flags[target]:
            found.setdefault(reason, []).append(target)
    return {reason: tuple(targets) for reason, targets in found.items()}


def _changes(ws: Workspace, pair: Pair, runs: list[Run]) -> dict[str, list[str]]:
    """What changed in the definitions since each run of a pair, in words."""
    try:
        present = resolve_again(ws, max(runs, key=lambda run: run.rank), environment=pair.environment)
    except StoaError as problem:
        return {run.id: [no_definition(problem)] for run in runs}
    places = Present(ws.project, present.places)
    return {
        run.id: [
            *definition_changes(run, present),
            *_rule_changes(run, present),
            *filter(None, [places.change_since(run, "", "")]),
        ]
        for run in runs
    }


def _rule_changes(run: Run, now: Definitions) -> list[str]:
    """Only a plan looks at every target, so all outcomes of the run are taken to be stale."""
    changed = rule_changes(run.params.rules, now.params.rules)
    return [f"{'; '.join(changed)} (`stoa plan` says for which targets)"] if changed else []


def _targets(ws: Workspace, ran: list[_Ran], flags: Mapping[str, list[str]]) -> tuple[TargetStatus, ...]:
    worst: dict[str, dict[str, tuple[str, str]]] = {}  # target -> pair -> status and cause
    stale: dict[str, dict[str, str]] = {}
    since: dict[str, dict[str, str]] = {}
    runs_over = {one.name: set(targets_for(ws, one.pair.process)) for one in ran}
    for one in ran:
        pair = one.name
        now = {finding.job: finding for finding in one.standing.findings}
        sql = f"SELECT target, grp, status, cause FROM current WHERE {_OF_PAIR} ORDER BY target, grp"
        for target, group, state, cause in ws.index.rows(sql, one.key):
            if target not in runs_over[pair]:
                continue
            mine = worst.setdefault(target, {})
            found = now.get((target, group))
            if pair not in mine or _ORDER[state] < _ORDER[mine[pair][0]]:
                mine[pair] = state, _cause_now(state, cause, found) or ""
            if found and found.state == "stale":
                stale.setdefault(target, {}).setdefault(pair, found.reason)
        for target, run in _interrupted(ws, one.key):
            since.setdefault(target, {})[pair] = run
    return tuple(
        TargetStatus(
            name=name,
            states={
                pair: worst.get(name, {}).get(pair, ("new" if name in of_pair else "", ""))[0]
                for pair, of_pair in runs_over.items()
            },
            causes={pair: cause for pair, (_, cause) in worst.get(name, {}).items() if cause},
            stale=stale.get(name, {}),
            interrupted_since=since.get(name, {}),
            flags=tuple(flags.get(name, ())),
        )
        for name in ws.targets
    )
