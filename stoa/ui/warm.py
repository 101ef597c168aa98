"""What is loaded and read once the dashboard can be reached, so that the first person at it need not wait for it."""

from __future__ import annotations

import importlib
import threading
from contextlib import closing, suppress
from pathlib import Path

from stoa.errors import StoaError
from stoa.workspace.open import Workspace

LATE = ("astropy.io.fits", "astropy.visualization", "astropy.wcs", "matplotlib", "PIL.Image", "stoa.ui.navigation")
"""Modules that pages and images need, and that take long to load."""


def warm(project: Path) -> None:
    """Bring the index up to date and load modules, beside everything else; the first page reports what is wrong."""
    threading.Thread(target=_warm, args=(project,), name="warm", daemon=True).start()


def _warm(project: Path) -> None:
    with suppress(StoaError), closing(Workspace(project)) as ws:
        ws.index.rows("SELECT 1")
        len(ws.targets)
    for name in LATE:
        importlib.import_module(name)
