"""STOA, Script Tracking for Observational Astronomy.

`stoa.open` gives a project's targets, outcomes and flags as astropy tables and the verbs of
the command line as functions, `stoa.init` and `stoa.clone` make one; `stoa.report` and `stoa.job`
are for scripts that STOA runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["StoaError", "__version__", "clone", "init", "job", "open", "report"]

if TYPE_CHECKING:
    from stoa.api import clone, init, open
    from stoa.errors import StoaError
    from stoa.exec.job.report import job, report

_HOMES = {
    "clone": "stoa.api", "init": "stoa.api", "open": "stoa.api", "StoaError": "stoa.errors",
    "load_ipython_extension": "stoa.api.magics", "unload_ipython_extension": "stoa.api.magics",
    "job": "stoa.exec.job.report", "report": "stoa.exec.job.report",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # Late, so that a script that reports one number does not import the whole of STOA.
    if name not in _HOMES:
        raise AttributeError(f"module 'stoa' has no attribute {name!r}")
    from importlib import import_module

    if name == "job" and not import_module(_HOMES["job"]).is_job():
        return import_module("stoa.api").job_by_hand  # a script that is tried by hand
    return getattr(import_module(_HOMES[name]), name)
