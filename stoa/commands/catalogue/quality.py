"""Quality cuts over stacked sources."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.catalogue.quality import CutCount
from stoa.errors import StoaError
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    pass
from stoa.sources.files import label, write
from stoa.sources.stack import cut, cuts_of, uncut


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the quality cuts of the project removed."""

    source: str
    files: tuple[str, ...]
    sources: int
    kept: int
    cuts: tuple[CutCount, ...]


def quality(
    ws: Workspace, source: str, keep: Iterable[str] = (), without: Iterable[str] = (), out: Path | None = None
) -> QualityReport:
    """Apply the quality cuts of the project to the sources of a run or table, and write what is left.

    Parameters
    ----------
    keep
        Further conditions, applied after those of the project.
    without
        Names of declared cuts that are not applied.

    Raises
    ------
    StoaError
        If the project declares no cuts and none are given, or has none of a name in `without`.
    """
    cuts = cuts_of(ws, keep, quality=True, without=tuple(without))
    if not cuts:
        raise StoaError(
            "no quality cuts are declared", 'write `quality:` and below it `  bright: "snr >= 7"` in .stoa/config.yaml'
        )
    selection = cut(uncut(ws, source), source, cuts)
    return QualityReport(
        source=source, files=write(ws, selection.table, out, f"{label(source)}-quality", (source,)),
        sources=len(selection.table) + sum(cut.removed for cut in selection.cuts), kept=len(selection.table),
        cuts=selection.cuts,
    )  # fmt: skip
