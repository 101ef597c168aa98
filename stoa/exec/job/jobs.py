"""What a script gets to know about its job: in its directory, its environ and its arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from msgspec import Struct, field

from stoa.model import SCHEMA, Value


class JobContext(Struct, frozen=True, kw_only=True):
    """The facts of one job that its script may ask for."""

    run: str
    process: str
    target: str
    group: str = ""
    folder: str  # absolute path of the target
    meta: str = ""  # absolute path of its metadata document
    out: str  # absolute path of the job's directory
    inputs: Mapping[str, str | None] = field(default_factory=dict)  # absolute paths; None: optional and not there
    facts: Mapping[str, object] = field(default_factory=dict)  # plain values by input, for `stoa-job.json` alone
    params: Mapping[str, Value] = field(default_factory=dict)
    needs: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)  # PROCESS.OUTPUT -> absolute path or paths
    attempt: int = 1


def text_of(value: Value) -> str:
    """A parameter's value as an argument: ``true`` and ``false``, floats so that they read back the same."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def job_description(context: JobContext) -> bytes:
    """Content of `stoa-job.json`; parameters keep their types, a missing input is null."""
    needs: dict[str, dict[str, str | tuple[str, ...]]] = {}
    for name, paths in context.needs.items():
        process, _, output = name.rpartition(".")
        needs.setdefault(process, {})[output] = paths
    facts = {
        "schema": SCHEMA,
        "run": context.run,
        "process": context.process,
        "target": context.target,
        "group": context.group,
        "folder": context.folder,
        "meta": context.meta,
        "out": context.out,
        "inputs": dict(context.inputs),
        "facts": dict(context.facts),
        "params": dict(context.params),
        "needs": needs,
        "attempt": context.attempt,
    }
    return json.dumps(facts).encode()


def job_environ(context: JobContext) -> dict[str, str]:
    """The `STOA_*` variables; an input that is missing is set to the empty string, several paths are one per line."""
    environ = {
        "STOA_RUN": context.run,
        "STOA_PROCESS": context.process,
        "STOA_TARGET": context.target,
        "STOA_GROUP": context.group,
        "STOA_FOLDER": context.folder,
        "STOA_META": context.meta,
        "STOA_OUT": context.out,
    }
    environ |= {_variable("PARAM", name): text_of(value) for name, value in context.params.items()}
    environ |= {_variable("NEEDS", name): _lines(paths) for name, paths in context.needs.items()}
    return environ | {_variable("INPUT", name): path or "" for name, path in context.inputs.items()}


def placeholder_values(context: JobContext, script: str = "") -> dict[str, str | tuple[str, ...]]:
    """Values for `stoa.exec.job.command.expand`; an input that is missing has none.

    Parameters
    ----------
    script
        Absolute path of the frozen script.
    """
    values: dict[str, str | tuple[str, ...]] = {
        "script": script,
        "target": context.folder,
        "name": context.target,
        "group": context.group,
        "meta": context.meta,
        "out": context.out,
    }
    values |= {f"params.{name}": text_of(value) for name, value in context.params.items()}
    values |= {f"needs.{name}": paths for name, paths in context.needs.items()}
    return values | {name: path for name, path in context.inputs.items() if path}


def _lines(paths: str | tuple[str, ...]) -> str:
    return paths if isinstance(paths, str) else "\n".join(paths)


def _variable(kind: str, name: str) -> str:
    return f"STOA_{kind}_{re.sub(r'[^A-Z0-9_]', '_', name.upper())}"
