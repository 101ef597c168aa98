"""From one row of a catalogue back to what made it: script, parameters, environment, inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.model import FileRef, Outcome, Override, Run, Value, effective
from stoa.project import STOA_DIR
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import outcome_of

NEEDED = ("target", "group", "run", "product")
"""Columns of a stacked catalogue that say where a row comes from."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row of a catalogue comes from."""

    catalogue: str
    row: int
    values: dict[str, Any]  # of the row
    target: str
    group: str
    process: str
    run: str
    author: str
    started: str
    host: str
    stoa_version: str
    script: str  # frozen copy in the repository; "" for a bare command
    params: dict[str, Value]  # of this target, those included that a rule of the set gave
    params_name: str
    overrides: dict[str, Override]  # the values that a rule gave
    environment: str  # of this target
    environment_facts: dict[str, str]
    digests: dict[str, str]  # process, script, params, environment
    inputs: dict[str, FileRef]
    metadata: str  # digest of the metadata document
    product: FileRef
    product_state: str  # as recorded, changed, or not on this machine


def trace(ws: Workspace, catalogue: Path, row: int) -> Trace:
    """What a row of a stacked, cut or matched catalogue rests on.

    Parameters
    ----------
    row
        Counted from 1, as `stilts tpipe cmd='rowrange N N'` does.

    Raises
    ------
    StoaError
        If the table has no such row or does not say where its rows come from, or the project knows no such run.
    """
    ws.check_given(catalogue)
    table = read_table(catalogue)
    lacking = [name for name in NEEDED if name not in table.colnames]
    if lacking:
        raise StoaError(
            f"{str(catalogue)!r} does not say where its rows come from: it has no column {', '.join(lacking)}",
            "`stoa catalogue stack` writes catalogues that do",
        )
    if not 1 <= row <= len(table):
        raise StoaError(f"{str(catalogue)!r} has no row {row}; its rows are 1 to {len(table)}")
    values = {name: _plain(table[name][row - 1]) for name in table.colnames}
    target, group, name, product = (str(values[key] or "") for key in NEEDED)
    run = run_of(ws, resolve_run(ws, name))
    outcome = outcome_of(ws, target, run.id, group)
    recorded = next((ref for ref in outcome.outputs.values() if ref.path == product), None)
    if recorded is None:
        raise StoaError(f"the outcome of {target} in run {run.id} has no product {product!r}", "was the table edited?")
    process = frozen_process(ws, run.id)
    script = Path(process.script).name if process else ""
    return Trace(
        catalogue=str(catalogue), row=row, values=values, target=target, group=group, process=run.process, run=run.id,
        author=f"{run.author.name} <{run.author.email}>", started=run.started, host=run.host,
        stoa_version=run.stoa_version, script=f"{STOA_DIR}/runs/{run.id}/frozen/script/{script}" if script else "",
        params=effective(run.params.values, outcome.overrides), params_name=run.params.name,
        overrides=outcome.overrides, environment=outcome.environment or run.environment,
        environment_facts=run.environment_facts, digests=_digests(run, outcome), inputs=outcome.inputs,
        metadata=outcome.meta, product=recorded, product_state=_state(ws, recorded),
    )  # fmt: skip


def _digests(run: Run, outcome: Outcome) -> dict[str, str]:
    """Those of the run, that of the environment being the one of this outcome."""
    chosen = run.digests.get(f"environment {outcome.environment}")
    return run.digests | ({"environment": chosen} if chosen else {})


def _plain(value: Any) -> Any:
    """A value of a table as JSON has it; None where it is absent."""
    import numpy as np

    if value is np.ma.masked:
        return None
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain


def _state(ws: Workspace, ref: FileRef) -> str:
    try:
        file = ws.products.file(ref)
    except StoaError:
        return "not on this machine"
    if not file.is_file():
        return "not on this machine"
    same = file.stat().st_size == ref.size and (not ref.sha256 or ws.checksums.of(file, afresh=True)[1] == ref.sha256)
    return "as recorded" if same else "changed"
