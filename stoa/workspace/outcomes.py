"""Outcomes as they are recorded: the latest of each job, of one target, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stoa.errors import StoaError
from stoa.model import Outcome
from stoa.provenance.index import decode_outcome
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace


def latest_of(ws: Workspace, process: str, params: str, run: str) -> dict[tuple[str, str], Outcome]:
    """The outcomes of a run, or when `run` is empty the latest ones of a pair, of targets that are listed."""
    found = _outcomes(ws, process, params, run)
    return {(o.target, o.group): o for o in found if run or o.target in ws.targets}


def count_unlisted(ws: Workspace, process: str, params: str) -> int:
    """How many latest outcomes of a pair are of targets that are in no list any more."""
    return sum(o.target not in ws.targets for o in _outcomes(ws, process, params, ""))


def _outcomes(ws: Workspace, process: str, params: str, run: str) -> Iterator[Outcome]:
    if run:
        sql, arguments = "SELECT record FROM outcomes WHERE run = ? ORDER BY id", [run]
    else:
        sql = "SELECT o.record FROM current l JOIN outcomes o ON o.id = l.outcome WHERE l.process = ? AND l.params = ?"
        arguments = [process, params]
    return (decode_outcome(row[0]) for row in ws.index.rows(sql, arguments))


def outcome_of(ws: Workspace, target: str, run: str, group: str) -> Outcome:
    """The latest outcome of a target, of one image group or of the first that is not ok."""
    where = ["target = ?"]
    arguments = [target]
    if run:
        name = resolve_run(ws, run)
        column, value = ("run", name.run) if name.run else ("process || '@' || params", run)
        where.append(f"{column} = ?")
        arguments.append(value)
    if group:
        where.append("grp = ?")
        arguments.append(group)
    order = "(status IN ('ok', 'skipped')), grp" if not group else "grp"
    rank = "(SELECT rank FROM runs WHERE runs.run = o.run)"
    sql = f"SELECT record FROM outcomes o WHERE {' AND '.join(where)} ORDER BY {rank} DESC, {order}, attempt DESC"
    rows = ws.index.rows(f"{sql} LIMIT 1", arguments)
    if not rows:
        which = f" in {run}" if run else ""
        raise StoaError(f"target {target!r} has no outcome{which}", f"`stoa show {target}` shows what there is")
    return decode_outcome(rows[0][0])


def outcome_rows(ws: Workspace, process: str = "", params: str = "", *, latest: bool = True) -> list[dict[str, Any]]:
    """Outcomes as flat rows, results as ``result_<name>``; by default the latest of each job."""
    source = "outcomes o" if not latest else "current l JOIN outcomes o ON o.id = l.outcome"
    rows = ws.index.rows(
        f"SELECT o.process, o.params, o.record FROM {source}"
        " WHERE (? = '' OR o.process = ?) AND (? = '' OR o.params = ?) ORDER BY o.run, o.target, o.grp, o.attempt",
        (process, process, params, params),
    )
    return [_flat(*row) for row in rows]


def _flat(process: str, params: str, record: str) -> dict[str, Any]:
    o = decode_outcome(record)
    row = {
        "target": o.target, "group": o.group, "process": process, "params": params, "run": o.run,
        "attempt": o.attempt, "status": o.status.value, "cause": o.cause, "exit_code": o.exit_code, "start": o.start,
        "duration_s": o.duration_s, "cpu_s": o.cpu_s, "memory_mb": o.memory_mb, "place": o.place,
    }  # fmt: skip
    return row | {f"result_{name}": value for name, value in o.results.items()}
