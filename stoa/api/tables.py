"""What is known as astropy tables: columns with types and units, also where there is no row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from stoa.commands.query import query
from stoa.commands.target import list_targets
from stoa.errors import StoaError
from stoa.meta.columns import COLUMNS
from stoa.model import ResultSpec, Status
from stoa.provenance.index import decode_run
from stoa.request import Selection
from stoa.workspace.frozen import frozen_process
from stoa.workspace.listing import list_runs
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import outcome_rows
from stoa.workspace.reviews import flag_rows

if TYPE_CHECKING:
    from astropy.table import MaskedColumn

    from stoa.api.record_table import RecordTable

RESULT = "result_"


class Field(msgspec.Struct, frozen=True):
    """What a column holds."""

    type: str = "str"
    unit: str = ""
    doc: str = ""


_OUTCOMES = {
    **dict.fromkeys(("target", "group", "process", "params", "environment", "run"), Field()), "attempt": Field("int"),
    "status": Field(), "cause": Field(), "exit_code": Field("int"), "start": Field(),
    "duration_s": Field("float", "s"), "cpu_s": Field("float", "s"), "memory_mb": Field("float", "Mbyte"),
    "place": Field(),
}  # fmt: skip
_FLAGS = {
    **dict.fromkeys(("id", "target", "run", "group", "reason", "text", "author", "email", "time"), Field()),
    "open": Field("bool"),
}  # fmt: skip
_RUNS = {
    **dict.fromkeys(("run", "process", "params", "environment", "author", "started", "state"), Field()),
    "jobs": Field("int"), "duration_s": Field("float", "s"),
    **{f"n_{status}": Field("int") for status in Status},
}  # fmt: skip
_TARGETS = {
    **dict.fromkeys(("name", "root", "path", "flags"), Field()),
    **{name: Field(column.type, column.unit, column.doc) for name, column in COLUMNS.items()},
}
_TYPES = {"str": str, "int": int, "float": float, "bool": bool}
_VALUES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}
_FILLERS: dict[str, object] = {"str": "", "int": 0, "float": 0.0, "bool": False}


def targets(ws: Workspace, where: str = "") -> RecordTable:
    """One row per target: name, root, path, open flags and the metadata columns."""
    rows = [
        {"name": row.name, "root": row.root, "path": row.path, "flags": " ".join(row.flags), **row.metadata}
        for row in list_targets(ws, Selection(where=where))
    ]
    return _table(ws, rows, _TARGETS)


def outcomes(
    ws: Workspace, process: str = "", params: str = "", environment: str = "", *, latest: bool = True
) -> RecordTable:
    """One row per outcome, results as columns ``result_<name>`` with the unit that the process declared.

    A result whose unit differs between the runs of the rows has none, and the description of its column says so.
    """
    rows = outcome_rows(ws, process, params, environment, latest=latest)
    fields = _OUTCOMES | {f"{RESULT}{name}": field for name, field in _results(ws, process, rows).items()}
    return _table(ws, rows, fields, origin(rows) if rows else {"process": process, "params": params, "run": ""})


def flags(ws: Workspace, *, every: bool = False) -> RecordTable:
    """One row per flag: open ones, or all of them."""
    return _table(ws, flag_rows(ws, every=every), _FLAGS)


def runs(ws: Workspace) -> RecordTable:
    """One row per run; ``n_<status>`` counts its outcomes."""
    rows = [
        {
            "run": row.run, "process": row.process, "params": row.params, "environment": row.environment,
            "author": row.author, "started": row.started, "state": row.state, "jobs": row.jobs,
            "duration_s": row.duration_s, **{f"n_{status}": row.counts.get(status, 0) for status in Status},
        }
        for row in list_runs(ws)
    ]  # fmt: skip
    return _table(ws, rows, _RUNS)


def answer(ws: Workspace, sql: str) -> RecordTable:
    """Rows of an SQL query over the index; columns of a query that gives no row are texts."""
    found = query(ws, sql)
    names = [name if found.columns.index(name) == n else f"{name}_{n + 1}" for n, name in enumerate(found.columns)]
    return _table(ws, [dict(zip(names, row, strict=True)) for row in found.rows], dict.fromkeys(names, Field("")))


def origin(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Process, parameter set and run of rows, for a table's ``meta``; of several, all with blanks between."""
    found = list(rows)
    return {name: " ".join(sorted({str(row[name]) for row in found})) for name in ("process", "params", "run")}


def _results(ws: Workspace, process: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, Field]:
    """What the results of rows are, as it was declared when they ran; without rows, as it is declared now."""
    wanted = {row["run"] for row in rows}
    found: dict[str, Field] = {}
    declared: dict[str, Mapping[str, ResultSpec]] = {}
    for run, record in ws.index.rows("SELECT run, record FROM runs"):
        digest = decode_run(record).digests.get("process", run) if run in wanted else ""
        if digest and digest not in declared:
            declared[digest] = _declared(ws, run)
    if not wanted and process in ws.library.processes():
        declared[""] = ws.library.process(process).results
    for results in declared.values():
        for name, spec in results.items():
            found[name] = _same(found.get(name), Field(spec.type, spec.unit, spec.doc))
    return found


def _declared(ws: Workspace, run: str) -> Mapping[str, ResultSpec]:
    with suppress(StoaError):  # then values are shown as they are, and `stoa fsck` says what is wrong
        if process := frozen_process(ws, run):
            return process.results
    return {}


def _same(known: Field | None, other: Field) -> Field:
    if known is None or known == other:
        return other
    kind = known.type if known.type == other.type else ""
    if known.unit != other.unit:
        units = " and in ".join(unit or "no unit" for unit in (known.unit, other.unit))
        return Field(kind, "", known.doc if "reported in" in known.doc else f"reported in {units}")
    return Field(kind, known.unit, known.doc)


def _table(
    ws: Workspace, rows: list[dict[str, Any]], fields: Mapping[str, Field], about: Mapping[str, str] | None = None
) -> RecordTable:
    """Rows as a table; what a row lacks is masked."""
    from stoa.api.record_table import RecordTable  # late, as it imports astropy

    found = dict(fields) | {name: Field("") for row in rows for name in row if name not in fields}
    columns = [_column(name, field, [row.get(name) for row in rows]) for name, field in found.items()]
    made = RecordTable(columns, masked=any(column.mask.any() for column in columns))
    made.meta = {"project": ws.project.config.project, "commit": ws.repository.head(), **(about or {})}
    return made


def _column(name: str, field: Field, values: list[Any]) -> MaskedColumn:
    from astropy.table import MaskedColumn

    known = [value for value in values if value is not None]
    kind = field.type if field.type and all(type(value) in _VALUES[field.type] for value in known) else _type_of(known)
    mask = [value is None for value in values]
    data = [_FILLERS[kind] if value is None else str(value) if kind == "str" else value for value in values]
    return MaskedColumn(
        data, name=name, dtype=_TYPES[kind], mask=mask, unit=field.unit or None, description=field.doc or None
    )


def _type_of(values: Iterable[Any]) -> str:
    """The narrowest type that holds all of some values."""
    found = {type(value) for value in values}
    return next((kind for kind in ("bool", "int", "float") if found and found <= set(_VALUES[kind])), "str")
