"""Runs and reviews dated far ahead of this machine's clock: one of two clocks is wrong, or someone made them up."""

from __future__ import annotations

import msgspec

from stoa.provenance.ids import LENGTH, horizon
from stoa.provenance.index import Index
from stoa.workspace.open import Workspace

AHEAD_HINT = "is the clock of this machine right (`date -u`)? New runs count as later than those all the same"


class Ahead(msgspec.Struct, frozen=True):
    """An id more than a day ahead of the clock."""

    where: str  # path below `.stoa`
    id: str

    @property
    def message(self) -> str:
        when = f"{self.id[:4]}-{self.id[4:6]}-{self.id[6:8]}"
        return f"dated {when}, more than a day ahead of this machine's clock"


def ahead(index: Index) -> tuple[Ahead, ...]:
    """Runs and reviews that are dated more than a day ahead."""
    runs = index.rows("SELECT 'runs/' || run, run FROM runs WHERE run > ? ORDER BY run", (horizon(),))
    about = "coalesce(nullif(target, ''), nullif(run, ''), process)"
    sql = f"SELECT 'reviews/' || {about} || '/' || id || '.yaml', id FROM reviews WHERE id > ? ORDER BY target, id"
    return tuple(Ahead(*row) for row in (*runs, *index.rows(sql, (horizon(),))))


def newest_ahead(ws: Workspace) -> str:
    """The last id far ahead of the clock that a new run has to count after; "" where there is none."""
    newest: str = ws.index.rows("SELECT ifnull(max(rank), '') FROM runs")[0][0][:LENGTH]
    return newest if newest > horizon() else ""
