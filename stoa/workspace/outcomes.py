"""Outcomes as they are recorded: the latest of each job, of one target, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.model import INCONCLUSIVE, Outcome
from stoa.provenance.index import decode_outcome
from stoa.workspace.names import RunName, resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.scope import targets_for


def latest_of(ws: Workspace, name: RunName) -> dict[tuple[str, str], Outcome]:
    """The outcomes of a run, or the current ones of a pair, of its targets; in the order of their names."""
    mine = () if name.run else set(targets_for(ws, name.process))
    found = {(o.target, o.group): o for o in _outcomes(ws, name) if name.run or o.target in mine}
    return dict(sorted(found.items()))


def count_unlisted(ws: Workspace, name: RunName) -> int:
    """How many current outcomes of a pair are of targets that are in no list any more, or that it does not run over."""
    mine = () if name.run else set(targets_for(ws, name.process))
    return 0 if name.run else sum(o.target not in mine for o in _outcomes(ws, name))


def _outcomes(ws: Workspace, name: RunName) -> Iterator[Outcome]:
    arguments: tuple[str, ...]
    if name.run:
        sql = "SELECT record FROM outcomes WHERE run = ? ORDER BY attempt, id"  # the last attempt counts
        arguments = (name.run,)
    else:
        sql = (
            "SELECT o.record FROM current l JOIN outcomes o ON o.id = l.outcome"
            " WHERE l.process = ? AND l.params = ? AND l.environment = ? ORDER BY o.id"
        )
        arguments = msgspec.structs.astuple(name.pair)
    return (decode_outcome(row[0]) for row in ws.index.rows(sql, arguments))


def outcome_of(ws: Workspace, target: str, run: str, group: str) -> Outcome:
    """The latest outcome of a target, of one image group or of the first that is not ok; conclusive if possible."""
    where = ["target = ?"]
    arguments = [target]
    if run:
        name = resolve_run(ws, run)
        where.append("run = ?" if name.run else "process = ? AND params = ? AND environment = ?")
        arguments += [name.run] if name.run else msgspec.structs.astuple(name.pair)
    if group:
        where.append("grp = ?")
        arguments.append(group)
    order = "(status IN ('ok', 'skipped')), grp" if not group else "grp"
    inconclusive = f"status IN ({', '.join(repr(status.value) for status in INCONCLUSIVE)})"
    rank = "(SELECT rank FROM runs WHERE runs.run = o.run)"
    order = f"{inconclusive}, {rank} DESC, {order}, attempt DESC"
    sql = f"SELECT record FROM outcomes o WHERE {' AND '.join(where)} ORDER BY {order} LIMIT 1"
    rows = ws.index.rows(sql, arguments)
    if not rows:
        which = f" in {run}" if run else ""
        raise StoaError(f"target {target!r} has no outcome{which}", f"`stoa show {target}` shows what there is")
    return decode_outcome(rows[0][0])


def outcome_rows(
    ws: Workspace, process: str = "", params: str = "", environment: str = "", *, latest: bool = True
) -> list[dict[str, Any]]:
    """Outcomes as flat rows, results as ``result_<name>``; by default the current one of each job."""
    source = "outcomes o" if not latest else "current l JOIN outcomes o ON o.id = l.outcome"
    rows = ws.index.rows(
        f"SELECT o.process, o.params, o.environment, o.record FROM {source}"
        " WHERE (? = '' OR o.process = ?) AND (? = '' OR o.params = ?) AND (? = '' OR o.environment = ?)"
        " ORDER BY o.run, o.target, o.grp, o.attempt",
        (process, process, params, params, environment, environment),
    )
    return [_flat(*row) for row in rows]


def _flat(process: str, params: str, environment: str, record: str) -> dict[str, Any]:
    o = decode_outcome(record)
    row = {
        "target": o.target, "group": o.group, "process": process, "params": params, "environment": environment,
        "run": o.run, "attempt": o.attempt, "status": o.status.value, "cause": o.cause, "exit_code": o.exit_code,
        "start": o.start,
        "duration_s": o.duration_s, "cpu_s": o.cpu_s, "memory_mb": o.memory_mb, "place": o.place,
    }  # fmt: skip
    return row | {f"result_{name}": value for name, value in o.results.items()}
