"""What a process reported for each target, as one table."""

from __future__ import annotations

from typing import Any

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.model import ResultSpec
from stoa.provenance.index import QueryError
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import Pair, asked_pair, resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.selection import with_guess
from stoa.workspace.tags import ChosenJobs

FIXED = ("target", "group", "status", "cause", "run", "duration_s", "memory_mb", "flags", "origin")
"""Columns that every table of results has, beside those that the process reports."""

_SOURCE = """
SELECT l.target AS target, l.grp AS "group", l.status AS status, l.cause AS cause, l.run AS run,
  o.duration_s AS duration_s, o.memory_mb AS memory_mb,
  ifnull((SELECT group_concat(DISTINCT f.reason) FROM open_flags f WHERE f.target = l.target), '') AS flags,
  CASE WHEN json_extract(o.record, '$.adopted') THEN 'adopted'
    ELSE ifnull('restored from ' || json_extract(o.record, '$.restored'), '') END AS origin
  {results}{more}
FROM current l JOIN outcomes o ON o.id = l.outcome LEFT JOIN metadata m ON m.target = l.target
WHERE l.process = ? AND l.params = ? AND l.environment = ?
"""


class ResultsTable(msgspec.Struct, frozen=True, kw_only=True):
    """The current outcomes of a pair with the results that they reported."""

    process: str
    params: str
    environment: str
    units: dict[str, str]  # result -> unit, "" where it has none; in the order of the columns
    rows: tuple[dict[str, Any], ...]  # columns of `FIXED`, then the results; None where an outcome has none


def results(
    ws: Workspace,
    name: str,
    params: str = "",
    env: str = "",
    where: str = "",
    sort: str = "",
    among: ChosenJobs | None = None,
) -> ResultsTable:
    """The results of the current outcomes of ``PROCESS[@SET[+ENV]]``, one row per target or image group.

    Outcomes that reported nothing, failed ones too, have a row. Targets that are in no list any more have none.

    Parameters
    ----------
    where
        SQL expression over the columns, the results by their names and the metadata of the targets.
    sort
        Column to sort by; ``-rms`` sorts from large to small.
    among
        Only these jobs; None for all.

    Raises
    ------
    StoaError
        If nothing ran under that name, or the expression or the column is wrong.
    """
    pair = _pair(ws, name, params, env)
    units = _units(ws, pair.process, _names(ws, pair.process, pair.params, pair.environment))
    column, falling = sort.removeprefix("-"), sort.startswith("-")
    if column and column not in (*FIXED, *units):
        known = [*FIXED, *units]
        raise NotFoundError("column", column, known, f"columns: {', '.join(known)}")
    rows = _rows(ws, (pair.process, pair.params, pair.environment), list(units), where)
    rows = [row for row in rows if row["target"] in ws.targets]
    if among is not None:
        rows = [row for row in rows if (row["target"], row["group"]) in among]
    if column:
        given = [row for row in rows if row[column] is not None]
        given.sort(key=lambda row: (isinstance(row[column], str), row[column]), reverse=falling)
        rows = given + [row for row in rows if row[column] is None]
    return ResultsTable(
        process=pair.process, params=pair.params, environment=pair.environment, units=units, rows=tuple(rows)
    )


def _pair(ws: Workspace, name: str, params: str, env: str) -> Pair:
    """What is asked for; of a process without more, its usual pair, else the only one."""
    process, set_name, environment = asked_pair(ws, name, params, env)
    try:
        return resolve_run(ws, f"{process}@{set_name}" + (f"+{environment}" if environment else "")).pair
    except StoaError:
        if name != process or params or env:
            raise
        return resolve_run(ws, process).pair


def _names(ws: Workspace, *pair: str) -> list[str]:
    """Names of the results that the current outcomes of a pair reported."""
    sql = (
        "SELECT DISTINCT r.name FROM results r JOIN current l ON l.outcome = r.outcome"
        " WHERE l.process = ? AND l.params = ? AND l.environment = ? ORDER BY r.name"
    )
    return [row[0] for row in ws.index.rows(sql, pair)]


def _units(ws: Workspace, process: str, reported: list[str]) -> dict[str, str]:
    """Units of results: first those that the process declares, in its order, as it was frozen by its last run."""
    declared: dict[str, ResultSpec] = {}
    for (run,) in ws.index.rows("SELECT run FROM runs WHERE process = ? ORDER BY rank DESC LIMIT 1", (process,)):
        frozen = frozen_process(ws, run)
        declared = frozen.results if frozen else {}
    names = [name for name in declared if name in reported] + [name for name in reported if name not in declared]
    return {name: declared[name].unit if name in declared else "" for name in names}


def _rows(ws: Workspace, pair: tuple[str, str, str], names: list[str], where: str) -> list[dict[str, Any]]:
    """Rows of the table that an SQL expression matches; names of results hide metadata columns of the same name."""
    metadata = [row[1] for row in ws.index.rows("SELECT * FROM pragma_table_info('metadata')")]
    hidden = {name.casefold() for name in (*FIXED, *names)}
    value = ', (SELECT value FROM results WHERE outcome = l.outcome AND name = {}) AS "{}"'
    source = _SOURCE.format(
        results="".join(value.format(_text(name), name.replace('"', '""')) for name in names),
        more="".join(f', m."{name}" AS "{name}"' for name in metadata if name.casefold() not in hidden),
    )
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in (*FIXED, *names))
    condition = f" WHERE ({where}\n)" if where else ""
    try:
        _, rows = ws.index.select(f'SELECT {columns} FROM ({source}){condition} ORDER BY target, "group"', pair)
    except QueryError as problem:
        raise with_guess(problem, "--where", [*FIXED, *names, *metadata]) from None
    return [dict(zip((*FIXED, *names), row, strict=True)) for row in rows]


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
