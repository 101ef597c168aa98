"""Taking over an outcome that was made before, in the place of running a job again.

An ok outcome of the same definitions and inputs says what a run would say, whoever made it and under whatever name of
the parameter set or environment. It is taken over where its products can be had on this machine. Which outcomes those
are is decided by the judge: the ones that it would call up to date.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from stoa.errors import StoaError
from stoa.model import SCHEMA, Outcome, Status
from stoa.provenance.ids import now
from stoa.provenance.index import decode_outcome
from stoa.runs.planned import PlannedJob
from stoa.workspace.open import Workspace

MOST_CANDIDATES = 20
"""Of one job; more would have been looked at in vain."""

_SQL = (
    "SELECT o.record FROM outcomes o JOIN runs r USING (run)"
    " WHERE o.target = ? AND o.grp = ? AND o.process = ? AND o.status = ? AND o.cause = ''"
    f" ORDER BY r.rank DESC, o.attempt DESC LIMIT {MOST_CANDIDATES}"
)

UpToDate = Callable[[Outcome], bool]


def find(ws: Workspace, process: str, target: str, group: str, up_to_date: UpToDate) -> Outcome | None:
    """The latest ok outcome of a job that is as a run would make it now, and whose products are here; None without one.

    Parameters
    ----------
    up_to_date
        Whether the definitions and inputs of an outcome are the present ones.
    """
    for (record,) in ws.index.rows(_SQL, (target, group, process, Status.OK.value)):
        outcome = decode_outcome(record)
        if up_to_date(outcome) and _has_products(ws, outcome):
            return outcome
    return None


def _has_products(ws: Workspace, outcome: Outcome) -> bool:
    """Whether the products of an outcome are on this machine, each as it was recorded."""
    try:
        if not outcome.outputs and outcome.place and not ws.project.file(outcome.place).is_dir():
            return False
        for ref in outcome.outputs.values():
            file = os.fspath(ws.products.file(ref, outcome.run))
            size, sha256 = ws.checksums.known(file)
            if size != ref.size or (ref.sha256 and (sha256 or ws.checksums.of(file)[1]) != ref.sha256):
                return False
    except (OSError, StoaError):
        return False
    return True


def restored(origin: Outcome, run: str, job: PlannedJob) -> Outcome:
    """The outcome of a job that is taken over from an earlier run; its products stay where they are."""
    return msgspec.structs.replace(
        origin, schema=SCHEMA, run=run, attempt=1, worker="", start=now(), duration_s=0.0, cpu_s=0.0, memory_mb=0.0,
        meta=job.meta, environment=job.environment, environment_reason=job.environment_reason, overrides=job.overrides,
        restored=origin.restored or origin.run,
    )  # fmt: skip
