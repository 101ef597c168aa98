"""How things stand: every target, failures by cause, flags, live runs."""

from __future__ import annotations

from collections.abc import Container, Mapping

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.exec.job.cause import group_causes
from stoa.model import BAD, SCHEMA, CauseGroup, Outcome, Run, Status
from stoa.provenance.index import decode_run
from stoa.provenance.store import ordered
from stoa.runs.definitions import Definitions, definition_changes, resolve_again
from stoa.runs.environments import Present
from stoa.workspace.agreement import Disagreement, disagreements
from stoa.workspace.ahead import Ahead, ahead
from stoa.workspace.listing import RunRow, list_runs
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged


class PairStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The latest outcomes of a process and parameter set."""

    process: str
    params: str
    run: str  # the latest one
    jobs: int
    counts: dict[str, int]
    new: int  # targets without an outcome
    stale: int  # outcomes of other definitions than the present ones
    stale_reasons: tuple[str, ...]
    causes: tuple[CauseGroup, ...]
    unlisted: int = 0  # outcomes of targets that are in no list any more; they are counted nowhere else


class TargetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A target: the state of its worst latest outcome for each pair."""

    name: str
    states: dict[str, str]  # PROCESS@SET -> status, `new` without an outcome
    causes: dict[str, str]
    stale: dict[str, str]  # PROCESS@SET -> what changed in the definitions since
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
    unreadable: tuple[tuple[str, str], ...]  # record, what is wrong with it
    healed: tuple[str, ...]  # runs that were cut off and are in git now
    hindered: str = ""  # what keeps others of them out of git
    damaged_journals: tuple[str, ...] = ()  # kept for a person to look at
    ahead: tuple[Ahead, ...] = ()  # ids that lie far ahead of the clock
    disagreements: tuple[Disagreement, ...] = ()  # jobs that two people's newest runs ended differently


_ORDER = {status.value: place for place, status in enumerate((
    Status.ERROR, Status.FAILED, Status.TIMEOUT, Status.KILLED, Status.BLOCKED, Status.INTERRUPTED, Status.SKIPPED,
    Status.OK,
))}  # fmt: skip


class _Ran(msgspec.Struct, frozen=True):
    """A process and parameter set that ran: number of jobs by run and status, and what changed since each run."""

    process: str
    params: str
    counts: dict[str, dict[str, int]]  # the latest run last
    changes: dict[str, list[str]]

    @property
    def key(self) -> tuple[str, str]:
        return self.process, self.params


def status(ws: Workspace, process: str = "", params: str = "", *, every_target: bool = True) -> StatusReport:
    """The state of every target for every process and set that ran, or for the named ones.

    Parameters
    ----------
    every_target
        Whether to give each target's state; for thousands of them that takes as long as all the rest.
    """
    healing = ws.heal()
    check_names(ws, process, params)
    flags = flagged(ws)
    with ws.index.reading():
        ran = _ran(ws, process, params)
        return StatusReport(
            project=ws.project.config.project,
            branch=(ws.repository.branch_or_none() or "").removeprefix("refs/heads/"),
            commit=ws.repository.head(),
            target_count=len(ws.targets),
            targets=_targets(ws, ran, flags) if every_target else (),
            described=sum(row[0] in ws.targets for row in ws.index.rows("SELECT target FROM metadata")),
            pairs=tuple(_pair(ws, pair) for pair in ran),
            live=tuple(row for row in list_runs(ws) if row.run in live) if (live := ws.live()) else (),
            flagged=len(flags.keys() & ws.targets.keys()),
            flags=_by_reason(ws, flags),
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


def _ran(ws: Workspace, process: str, params: str) -> list[_Ran]:
    rows = ws.index.rows(
        "SELECT process, params, run, status, count(*) FROM current"
        " WHERE (? = '' OR process = ?) AND (? = '' OR params = ?) GROUP BY process, params, run, status"
        " ORDER BY process, params, rank",
        (process, process, params, params),
    )
    counts: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for name, set_name, run, state, number in rows:
        counts.setdefault((name, set_name), {}).setdefault(run, {})[state] = number
    return [_Ran(*key, by_run, _changes(ws, _runs(ws, key, by_run))) for key, by_run in counts.items()]


def _runs(ws: Workspace, key: tuple[str, str], wanted: Container[str]) -> list[Run]:
    rows = ws.index.rows("SELECT run, record FROM runs WHERE process = ? AND params = ?", key)
    return [decode_run(record) for run, record in rows if run in wanted]


def _pair(ws: Workspace, ran: _Ran) -> PairStatus:
    seen = [
        row[0] for row in ws.index.rows("SELECT DISTINCT target FROM latest WHERE process = ? AND params = ?", ran.key)
    ]
    unlisted = _counts_of(ws, ran.key, [target for target in seen if target not in ws.targets])
    counts: dict[str, int] = {}
    stale = 0
    for run, states in ran.counts.items():
        for state, number in states.items():
            listed = number - unlisted.get((run, state), 0)
            counts[state] = counts.get(state, 0) + listed
            stale += listed if ran.changes[run] else 0
    return PairStatus(
        process=ran.process, params=ran.params, run=list(ran.counts)[-1], jobs=sum(counts.values()),
        counts=ordered(counts), new=len(ws.targets) - sum(target in ws.targets for target in seen), stale=stale,
        stale_reasons=tuple(sorted({word for words in ran.changes.values() for word in words})) if stale else (),
        causes=_causes(ws, ran.key), unlisted=sum(unlisted.values()),
    )  # fmt: skip


def _counts_of(ws: Workspace, key: tuple[str, str], targets: list[str]) -> dict[tuple[str, str], int]:
    """Number of current outcomes of some targets, by run and status."""
    if not targets:
        return {}
    rows = ws.index.rows(
        "SELECT run, status, count(*) FROM current WHERE process = ? AND params = ?"
        " AND target IN (SELECT value FROM json_each(?)) GROUP BY run, status",
        (*key, msgspec.json.encode(targets).decode()),
    )
    return {(run, state): number for run, state, number in rows}


def _causes(ws: Workspace, key: tuple[str, str]) -> tuple[CauseGroup, ...]:
    rows = ws.index.rows(
        "SELECT target, grp, status, cause FROM current WHERE process = ? AND params = ?"
        f" AND (status IN ({','.join('?' * len(BAD))}) OR status = ? AND cause != '') ORDER BY target, grp",
        (*key, *(state.value for state in BAD), Status.OK.value),
    )
    return group_causes(
        Outcome(schema=SCHEMA, run="", target=target, group=group, status=Status(state), cause=cause)
        for target, group, state, cause in rows
        if target in ws.targets
    )


def _by_reason(ws: Workspace, flags: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for target in sorted(flags.keys() & ws.targets.keys()):
        for reason in flags[target]:
            found.setdefault(reason, []).append(target)
    return {reason: tuple(targets) for reason, targets in found.items()}


def _changes(ws: Workspace, runs: list[Run]) -> dict[str, list[str]]:
    """What changed in the definitions since each run of a pair, in words."""
    try:
        present = resolve_again(ws, max(runs, key=lambda run: run.rank), environment="")
    except NotFoundError as missing:  # without its guess: nobody misspelt a name here
        return {run.id: [f"no {missing.kind} named {missing.name!r} is defined here"] for run in runs}
    except StoaError as problem:
        return {run.id: [problem.message] for run in runs}
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
    same = [(rule.where, rule.values) for rule in run.params.rules] == [(r.where, r.values) for r in now.params.rules]
    return [] if same else ["the rules of the parameter set changed (`stoa plan` says for which targets)"]


def _targets(ws: Workspace, ran: list[_Ran], flags: Mapping[str, list[str]]) -> tuple[TargetStatus, ...]:
    worst: dict[str, dict[str, tuple[str, str]]] = {}  # target -> pair -> status and cause
    stale: dict[str, dict[str, str]] = {}
    for one in ran:
        pair = "@".join(one.key)
        reasons = {run: "; ".join(words) for run, words in one.changes.items() if words}
        sql = "SELECT target, run, status, cause FROM current WHERE process = ? AND params = ? ORDER BY target, grp"
        for target, run, state, cause in ws.index.rows(sql, one.key):
            mine = worst.setdefault(target, {})
            if pair not in mine or _ORDER[state] < _ORDER[mine[pair][0]]:
                mine[pair] = state, cause
            if run in reasons:
                stale.setdefault(target, {})[pair] = reasons[run]
    new = {"@".join(one.key): ("new", "") for one in ran}
    return tuple(
        TargetStatus(
            name=name,
            states={pair: state for pair, (state, _) in (new | worst.get(name, {})).items()},
            causes={pair: cause for pair, (_, cause) in worst.get(name, {}).items() if cause},
            stale=stale.get(name, {}),
            flags=tuple(flags.get(name, ())),
        )
        for name in ws.targets
    )
