"""Which targets a verb is about."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping

import msgspec

from stoa.errors import NotFoundError, StoaError, guess
from stoa.model import BAD, Target
from stoa.provenance.index import QueryError
from stoa.request import Selection
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace
from stoa.workspace.scope import made_of, targets_for
from stoa.workspace.tags import jobs_with


def match_names(patterns: Iterable[str], known: Iterable[str] | Mapping[str, Target]) -> list[str]:
    """Known names that any pattern matches, in the order they are known.

    Raises
    ------
    NotFoundError
        If a name is unknown; a `StoaError` if a pattern matches nothing.
    """
    names = dict.fromkeys(known)
    chosen: set[str] = set()
    for pattern in patterns:
        found = [pattern] if pattern in names else fnmatch.filter(names, pattern)
        if not found and any(c in pattern for c in "*?["):
            raise StoaError(f"no target matches {pattern!r}", "`stoa target list` shows the targets")
        if not found:
            raise NotFoundError(
                "target", pattern, list(names), "`stoa target list` shows the targets", _now(pattern, known)
            )
        chosen.update(found)
    return [name for name in names if name in chosen]


def _now(name: str, known: Iterable[str] | Mapping[str, Target]) -> str:
    """The present name of a target that had another one, "" for none."""
    targets = known.values() if isinstance(known, Mapping) else ()
    return next((target.name for target in targets if name in target.formerly), "")


def choose(ws: Workspace, selection: Selection, pair: Pair | None = None) -> list[str]:
    """Names of the targets that a selection's patterns and SQL expression match, and that have a job with its tags.

    Parameters
    ----------
    pair
        Only targets that its process runs over; of one that runs over products, those made of the chosen targets.
    """
    names = list(ws.targets)
    if not names:
        raise StoaError("this project has no targets yet", "`stoa target add ROOT GLOB` adds some")
    if selection.targets:
        names = match_names(selection.targets, ws.targets)
    if selection.where:
        fitting = _where(ws, selection.where, pair)
        names = [name for name in names if name in fitting]
    if selection.tags:
        having = jobs_with(ws, selection.tags, names).targets
        names = [name for name in names if name in having]
    if pair:
        chosen, over = set(names), pair.process in ws.library.over_products()
        mine = targets_for(ws, pair.process)
        names = [name for name in mine if name in chosen or (over and made_of(ws, name) in chosen)]
    return names


def _where(ws: Workspace, expression: str, pair: Pair | None) -> set[str]:
    one = " AND l.process = ? AND l.params = ? AND l.environment = ?" if pair else ""  # of any pair otherwise
    source = (
        "SELECT t.name, m.*, o.status, o.cause, o.duration_s, o.memory_mb, o.run, o.grp,"
        " EXISTS (SELECT 1 FROM open_flags f WHERE f.target = t.name) AS flagged"
        " FROM target_names t LEFT JOIN metadata m ON m.target = t.name"
        f" LEFT JOIN current l ON l.target = t.name{one}"
        " LEFT JOIN outcomes o ON o.id = l.outcome"
    )
    known = ("status", "cause", "duration_s", "memory_mb", "run", "grp", "flagged")
    return _fitting(ws, source, expression, msgspec.structs.astuple(pair) if pair else (), "--where", known)


def described(ws: Workspace, expression: str, asker: str) -> set[str]:
    """Targets whose metadata an SQL expression matches.

    Parameters
    ----------
    asker
        Who asks, for messages.
    """
    source = "SELECT t.name, m.* FROM target_names t LEFT JOIN metadata m ON m.target = t.name"
    return _fitting(ws, source, expression, (), asker, ())


def _fitting(
    ws: Workspace, source: str, expression: str, arguments: tuple[str, ...], asker: str, further: tuple[str, ...]
) -> set[str]:
    index = ws.index
    index.connection.execute("CREATE TEMP TABLE IF NOT EXISTS target_names(name TEXT PRIMARY KEY)")
    index.connection.execute("DELETE FROM target_names")
    index.connection.executemany("INSERT INTO target_names VALUES (?)", [(name,) for name in ws.targets])
    try:
        _, rows = index.select(f"SELECT DISTINCT name FROM ({source}) WHERE ({expression}\n)", arguments)
    except QueryError as problem:
        columns = [row[1] for row in index.rows("SELECT * FROM pragma_table_info('metadata')")]
        raise with_guess(problem, asker, [*columns, "name", *further]) from None
    return {row[0] for row in rows}


def with_guess(problem: QueryError, asker: str, known: list[str]) -> QueryError:
    """The error of an expression, with a guess for a column that is not known, and the known ones as hint."""
    missing = problem.message.partition("no such column: ")[2]
    near = (guess(missing, known) or "; a text is in single quotes") if missing else ""
    return QueryError(f"{asker}: {problem.message}{near}", f"columns: {', '.join(known)}")


def is_bad(status: str) -> bool:
    """Whether `--failed` selects a status."""
    return status in {bad.value for bad in BAD}
