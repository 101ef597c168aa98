"""The targets of a project and what their metadata say."""

from __future__ import annotations

from typing import Any

from stoa.errors import NotFoundError, StoaError
from stoa.model import Target
from stoa.workspace.open import Workspace


def metadata_rows(ws: Workspace) -> dict[str, dict[str, Any]]:
    """Metadata columns by target."""
    columns = [row[1] for row in ws.index.rows("SELECT * FROM pragma_table_info('metadata')")]
    return {row[0]: dict(zip(columns[1:], row[1:], strict=True)) for row in ws.index.rows("SELECT * FROM metadata")}


def known_target(ws: Workspace, name: str) -> Target:
    """A target by name, or `NotFoundError`."""
    if name not in ws.targets:
        if ws.index.rows("SELECT 1 FROM outcomes WHERE target = ? LIMIT 1", (name,)):
            listed = f":/{ws.store.prefix}/targets"
            raise StoaError(
                f"target {name!r} is in no list any more; its outcomes and reviews are still recorded",
                f"`git log -p -S{name} -- {listed}` shows its line, to be put back; `stoa query` reads outcomes",
            )
        now = next((target.name for target in ws.targets.values() if name in target.formerly), "")
        raise NotFoundError("target", name, list(ws.targets), "`stoa target list` shows the targets", now)
    return ws.targets[name]
