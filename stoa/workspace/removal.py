"""Taking definitions out of a project; what was recorded with them stays."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.workspace.open import Workspace


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, and what still refers to it."""

    kind: str
    names: tuple[str, ...]
    files: tuple[str, ...]
    refers: tuple[str, ...]  # in words; records keep what they need
    commit: str


def count_refers(ws: Workspace, column: str, name: str, further: str = "", value: str = "") -> list[str]:
    """How many runs and outcomes name a definition, in words.

    Parameters
    ----------
    column, further
        Columns of the tables `runs` and `outcomes`; of the second "" for none.
    """
    also = f" AND {further} = ?" if further else ""
    arguments = (name, value) if further else (name,)
    found = []
    for table in ("runs", "outcomes"):
        number = ws.index.rows(f"SELECT count(*) FROM {table} WHERE {column} = ?{also}", arguments)[0][0]
        if number:
            found.append(f"{number} {table if number > 1 else table[:-1]}")
    return found


def refuse_in_use(kind: str, name: str, users: list[str], hint: str) -> None:
    """Raise `StoaError` where other definitions still name one that is to be removed."""
    if users:
        more = f" and {len(users) - 3} more" if len(users) > 3 else ""
        raise StoaError(f"{kind} {name!r} is still named by {', '.join(users[:3])}{more}", hint)


def refuse_live(ws: Workspace, process: str = "", params: str = "", environment: str = "") -> None:
    """Raise `StoaError` where a live run uses a definition."""
    for run, live in ws.live().items():
        given = live.run.process, live.run.params.name, live.run.environment
        asked = process or given[0], params or given[1], environment or given[2]
        if given == asked:
            raise StoaError(f"run {run} is under way with it", f"`stoa stop {run}` ends it")


def remove_files(ws: Workspace, kind: str, name: str, files: list[Path], refers: list[str]) -> Removed:
    """Remove definitions in one commit."""
    changes: dict[str, bytes | None] = {file.relative_to(ws.project.stoa).as_posix(): None for file in files}
    commit = ws.store.commit(changes, f"remove {kind} {name}")
    return Removed(
        kind=kind, names=(name,), files=tuple(f".stoa/{path}" for path in changes), refers=tuple(refers), commit=commit
    )  # fmt: skip
