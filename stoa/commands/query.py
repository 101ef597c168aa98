"""Asking the index in SQL."""

from __future__ import annotations

from typing import Any

import msgspec

from stoa.errors import guess
from stoa.provenance.index import QUERY_S, QueryError
from stoa.workspace.open import Workspace

_COLUMNS = """
SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid
"""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a query gave."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def query(ws: Workspace, sql: str, within_s: float = QUERY_S) -> Answer:
    """Rows of an SQL query over the index, whose tables ``docs/index-schema.md`` describes.

    Parameters
    ----------
    within_s
        How long it may take.

    Raises
    ------
    QueryError
        If it is not a single SELECT, would write, takes too long or gives too much.
    """
    index = ws.index
    try:
        names, rows = index.select(sql, within_s=within_s)
    except QueryError as problem:
        raise _with_guess(problem, index.rows(_COLUMNS)) from None
    return Answer(columns=tuple(names), rows=tuple(rows))


def _with_guess(problem: QueryError, known: list[tuple[Any, ...]]) -> QueryError:
    """The problem with the name that a misspelt table or column most likely meant."""
    tables = list(dict.fromkeys(table for table, _ in known))
    for what, names in (("table", tables), ("column", [column for _, column in known])):
        _, found, missing = problem.message.partition(f"no such {what}: ")
        if found:
            name = missing.rpartition(".")[2]
            near = guess(name, names)
            if name in names:
                near = f"; there is one in {' and '.join(table for table, column in known if column == name)}"
            return QueryError(f"{problem.message}{near}", f"tables: {', '.join(tables)} (docs/index-schema.md)")
    return problem
