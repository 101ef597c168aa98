"""What a run took and what it made, counted by kind: a graph that stays readable for ten thousand targets."""

from __future__ import annotations

from collections import Counter

import msgspec

from stoa.provenance.index import decode_outcome, decode_run
from stoa.workspace.frozen import frozen_process
from stoa.workspace.open import Workspace


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """From inputs by script, parameters and environment to outputs and results.

    Attributes
    ----------
    inputs, outputs
        Name -> number of files.
    needs
        Process and set that it takes outputs of.
    """

    run: str
    process: str
    params: str
    environment: str
    script: str
    author: str
    digest: str  # of the script
    jobs: int
    inputs: dict[str, int]
    outputs: dict[str, int]
    results: tuple[str, ...]
    needs: tuple[str, ...]


def lineage(ws: Workspace, run: str) -> Lineage:
    """What a run took and made.

    Parameters
    ----------
    run
        Its id.
    """
    record = decode_run(ws.index.rows("SELECT record FROM runs WHERE run = ?", (run,))[0][0])
    process = frozen_process(ws, run)
    inputs: Counter[str] = Counter()
    outputs: Counter[str] = Counter()
    results: dict[str, None] = {}
    jobs = 0
    for (text,) in ws.index.rows("SELECT record FROM outcomes WHERE run = ? ORDER BY id", (run,)):
        outcome = decode_outcome(text)
        jobs += 1
        inputs.update(outcome.inputs.keys())
        outputs.update(outcome.outputs.keys())
        results.update(dict.fromkeys(outcome.results))
    return Lineage(
        run=run, process=record.process, params=record.params.name, environment=record.environment,
        script=process.script if process else "", author=record.author.name,
        digest=record.digests.get("script", "")[:12], jobs=jobs, inputs=dict(inputs), outputs=dict(outputs),
        results=tuple(results),
        needs=tuple(f"{need.process}@{need.params}" for need in (process.needs if process else ())),
    )  # fmt: skip
