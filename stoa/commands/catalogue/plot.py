"""Draw the sources or the jobs of a run, or the sources of a table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from stoa.sources.figures import draw
from stoa.sources.files import catalogues_folder, label
from stoa.workspace.open import Workspace


def plot(
    ws: Workspace,
    source: str,
    kind: str = "sky",
    *,
    catalogue: Path | None = None,
    out: Path | None = None,
    keep: Iterable[str] = (),
    quality: bool = False,
    radius: str = "5arcsec",
    calibrators: bool = False,
    flux: str = "",
    index: float = 0.0,
    limits: Path | None = None,
) -> Path:
    """Draw a figure and give its file; the kinds and options are those of `stoa.sources.figures.draw`.

    Parameters
    ----------
    out
        File to write; by default ``SOURCE-KIND.png`` in `catalogues/`.
    """
    file = out or catalogues_folder(ws) / f"{label(source)}-{kind}.png"
    draw(
        ws, source, kind, file, catalogue=catalogue, keep=keep, quality=quality, radius=radius,
        calibrators=calibrators, flux=flux, index=index, limits=limits,
    )  # fmt: skip
    return file
