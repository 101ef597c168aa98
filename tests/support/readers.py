"""Everything that reads records, with a good file for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stoa.errors import StoaError
from stoa.model import SCHEMA, Author, Outcome, ParameterSet, Review, Run, Status, Summary, Target, View
from stoa.provenance.definitions import read_config, read_local, read_process
from stoa.provenance.dialect import RecordError
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.parameter_sets import read_parameter_set
from stoa.provenance.records import (
    read_frozen_set,
    read_outcomes,
    read_review,
    read_run,
    read_summary,
    read_targets,
    read_view,
    write_outcomes,
    write_review,
    write_run,
    write_summary,
    write_targets,
    write_view,
)

TIME = "2026-11-22T10:00:00.000+00:00"
ID = "20261122T103000-k3f9q2"
ME = Author("A", "a@example.org")
PROCESS = b"""\
schema: 1
name: peak
command: [python, "{script}"]
script: scripts/peak.py
inputs: {image: {role: [correctedImage, image]}}
params: {snr: {type: float, default: 5, min: 1, choices: [5, 6]}}
outputs: {table: {path: peak.csv, kind: catalogue}}
results: {rms: {type: float, unit: Jy, tolerance: 5%}}
timeout: 10m
memory: 2GB
skip_codes: [77]
"""
SET = ParameterSet(process="peak", name="deep", values={"snr": 5.5, "mode": "no", "n": 3})
GOOD: dict[Callable, bytes] = {
    read_outcomes: write_outcomes(
        [Outcome(schema=1, run=ID, target="a", status=Status.OK, duration_s=1e-9, results={"n": 3}, place="p:x")]
    ),
    read_targets: write_targets([Target("a", "alma", "x"), Target("b", "alma", "y")]),
    read_run: write_run(
        Run(
            schema=SCHEMA, id=ID, process="peak", params=SET, environment="host", engine="local", author=ME, host="h",
            started=TIME, asked=("stoa", "run"), jobs=1, targets=1, digests={"process": "ab"},
        )
    ),
    read_summary: write_summary(Summary(schema=SCHEMA, run=ID, finished=TIME, duration_s=1.5, counts={"ok": 1})),
    read_review: write_review(Review(schema=1, id=ID, kind="flag", target="a", author=ME, time=TIME, clears=(ID,))),
    read_view: write_view(View(schema=1, id=ID, name="v", page="wall", filters=(("has", "x"),), author=ME, time=TIME)),
    read_frozen_set: b"process: peak\nname: deep\nvalues: {snr: 5.5, mode: 'no', n: 3}\n",
    read_process: PROCESS,
    read_environment: b"name: casa\nkind: host\nenviron: {A: b}\ninherit: [C]\n",
    read_config: b"schema: 1\nproject: p\nroots: {alma: data}\nreasons: {check: look}\n",
    read_local: b"roots: {alma: /data}\njobs: 4\n",
    partial(read_parameter_set, process=read_process(PROCESS, "p"), name="s"): b"schema: 1\nvalues: {snr: 5}\n",
}  # fmt: skip


def check(read: Callable, data: bytes) -> None:
    """Fail unless the file is read, or refused with a message that can be shown."""
    try:
        found = read(data, file="f.yaml")
        problems = [one for one in found if isinstance(one, RecordError)] if read is read_outcomes else []
    except StoaError as problem:
        problems = [problem]
    for problem in problems:
        assert problem.message.isprintable(), problem.message
        assert len(problem.message) < 400, problem.message
