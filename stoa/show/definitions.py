"""Definitions (roots, processes, parameter sets, environments) in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stoa.model import InputSpec, Process, Value
from stoa.show.runs import limits_in_words
from stoa.show.table import Column, Table, table
from stoa.show.words import one_line, shown

if TYPE_CHECKING:
    from stoa.workspace.listing import Listed
    from stoa.workspace.roots import RootState


def roots_table(states: Iterable[RootState]) -> Table:
    """Roots and their places on this machine."""
    columns = (Column("root"), Column("path", 1, text=True), Column("exists", 2), Column("what", 3, text=True))
    return table(columns, [(s.name, s.path or "no path here", "yes" if s.exists else "no", s.doc) for s in states])


def listed_words(row: Listed) -> str:
    """The description of a definition, or what is wrong with it."""
    return f"broken: {row.problem}" if row.problem else row.doc


def listed_table(what: str, rows: Iterable[Listed]) -> Table:
    """Definitions of one kind with their descriptions."""
    return table((Column(what), Column("what", 1, text=True)), [(row.name, listed_words(row)) for row in rows])


def sets_table(rows: Iterable[tuple[str, Listed]]) -> Table:
    """Parameter sets with the values that they change."""
    columns = (Column("process"), Column("set"), Column("values", 1, text=True))
    return table(columns, [(process, row.name, listed_words(row)) for process, row in rows])


def values_table(process: Process, found: Mapping[str, tuple[Value | None, str]]) -> Table:
    """Values of a parameter set, and where each comes from."""
    columns = (
        Column("parameter"), Column("value"), Column("unit", 1, optional=True), Column("from", 2, text=True),
        Column("what", 3, text=True, optional=True),
    )  # fmt: skip
    specs = process.params
    return table(
        columns,
        [(key, shown(value), specs[key].unit, origin, specs[key].doc) for key, (value, origin) in found.items()],
    )


def rule_lines(rules: Iterable[Any]) -> list[str]:
    """Rules of a parameter set, one line each."""
    lines = []
    for number, rule in enumerate(rules, 1):
        given = ", ".join(f"{key}={shown(value)}" for key, value in rule.values.items())
        doc = f" ({one_line(rule.doc)})" if rule.doc else ""
        lines.append(f"rule {number}: {given} where {one_line(rule.where)}{doc}")
    return lines


def process_lines(process: Process) -> list[str]:
    """A process in lines, without its parameters."""
    files = f" (with {', '.join(process.files)})" if process.files else ""
    lines = [
        f"{process.name}: {process.doc}" if process.doc else process.name,
        f"command: {' '.join(process.command)}" + (" (by the shell)" if process.shell else ""),
        f"script: {process.script or 'none'}{files}   over: {process.over}   environment: {process.environment}",
        limits_in_words(process),
    ]
    lines += [
        f"input {key}: {_found_by(given)}{' (optional)' if given.optional else ''}"
        for key, given in process.inputs.items()
    ]
    return lines


def _found_by(given: InputSpec) -> str:
    return f"pattern {given.pattern}" if given.pattern else f"role {' or '.join(given.role)}"


def parameters_table(process: Process) -> Table:
    """Parameters of a process with their limits."""
    columns = (
        Column("parameter"), Column("type", 2), Column("default"), Column("min", 3, optional=True),
        Column("max", 3, optional=True), Column("choices", 4, text=True, optional=True),
        Column("unit", 5, optional=True), Column("what", 1, text=True, optional=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (key, spec.type, *(None if v is None else shown(v) for v in (spec.default, spec.min, spec.max)),
             ", ".join(map(shown, spec.choices)), spec.unit, spec.doc)
            for key, spec in process.params.items()
        ],
    )  # fmt: skip


def promised_lines(process: Process) -> list[str]:
    """Outputs and results of a process."""
    lines = [
        f"output {key}: {promised.path} ({promised.kind}){' (optional)' if promised.optional else ''}"
        for key, promised in process.outputs.items()
    ]
    for key, result in process.results.items():
        tolerance = f", tolerance {100 * result.tolerance:g} %" if result.tolerance else ""
        lines.append(f"result {key}: {result.type} {result.unit}".rstrip() + tolerance)
    return lines


def facts_table(environment: Any, facts: Mapping[str, str]) -> Table:
    """An environment and its facts on this machine."""
    rows = [("interpreter", environment.python or "the one that STOA runs in")] if environment.kind == "host" else []
    named = ("requirements", "executable", "image", "dockerfile")
    rows += [(field, value) for field in named if (value := getattr(environment, field))]
    rows += [(f"variable {name}", value) for name, value in environment.environ.items()]
    rows += [("inherits", name) for name in environment.inherit]
    rows += [(f"rule for {rule.environment}", one_line(rule.where)) for rule in environment.rules]
    return pairs_table("fact", rows + [(name, value) for name, value in facts.items() if name != "kind"])


def pairs_table(name: str, rows: Iterable[tuple[str, object]]) -> Table:
    """Names with their values."""
    return table((Column(name), Column("value", text=True)), rows)
