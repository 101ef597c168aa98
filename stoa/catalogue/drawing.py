"""Matplotlib, without the settings of the folder in which a command runs.

A file `matplotlibrc` there comes before the user's own, and may have come by `git pull`: it chooses a module to import,
and programs of TeX with what they are to do.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path


def load_matplotlib() -> None:
    """Import matplotlib as it would be in an empty folder; call it before any import of a part of it."""
    if "matplotlib" in sys.modules or not os.path.lexists("matplotlibrc"):
        return
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(Path(__file__).parent)
        import_module("matplotlib")
    finally:
        os.fchdir(before)
        os.close(before)
