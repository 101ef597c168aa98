"""CASA's tasks outside of STOA: small measurement sets from its simulator, and scripts that call tasks by hand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PYTHON = os.environ.get("CASATASKS_PYTHON", "")
"""An interpreter with casatasks, casadata and six: a gigabyte that is not installed for the tests alone."""

MARKS = [
    pytest.mark.skipif(not PYTHON, reason="CASATASKS_PYTHON names no interpreter with casatasks"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

_SIMULATE = Path(__file__).with_name("simulate_visibilities.py")


def casa(*words: str | Path, cwd: Path) -> None:
    """Run a script with CASA's tasks, as a job does."""
    settings = cwd / "casasiteconfig.py"
    settings.write_text(
        "import casadata\nmeasurespath = casadata.datapath\ndatapath = [casadata.datapath]\n"
        "measures_auto_update = False\ndata_auto_update = False\n"
    )
    environ = os.environ | {"CASASITECONFIG": str(settings)}
    done = subprocess.run([PYTHON, *map(str, words)], cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def simulate(kind: str, folder: Path) -> Path:
    """A measurement set of a kind that `simulate_visibilities.py` names."""
    casa(_SIMULATE, kind, f"{kind}.ms", cwd=folder)
    return folder / f"{kind}.ms"
