"""A script that is tried by hand: what `stoa.job` gives outside a job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from stoa.errors import StoaError
from stoa.exec.job.report import stand_in
from stoa.provenance.library import Library, open_project


def job_by_hand() -> dict[str, Any]:
    """A stand-in with the defaults of the process whose script this is, where a project has one.

    The project is that of the script's folder. Variables such as ``STOA_PARAM_SNR`` and
    ``STOA_INPUT_IMAGE`` give other values.
    """
    return stand_in(_defaults(Path(sys.argv[0] or ".").absolute()))


def _defaults(script: Path) -> dict[str, Any]:
    try:
        project = open_project(script.parent)
        library = Library(project)
        found = [library.process(name) for name in library.processes()]
    except (StoaError, OSError):
        return {}
    for process in found:
        if process.script and (project.top / process.script).resolve() == script.resolve():
            return {name: spec.default for name, spec in process.params.items() if spec.default is not None}
    return {}
