"""Warm interpreters of a run: what its record says of them, and what they would have saved where there were none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from stoa.errors import StoaError
from stoa.exec.environments import Prepared
from stoa.exec.environments.base import PACKAGES_FILE, PYTHON_NAMES
from stoa.exec.job.warm.measure import import_seconds, report_of
from stoa.exec.job.warm.modules import wanted, warm_of
from stoa.model import Process
from stoa.runs.definitions import Definitions, read_files, read_script
from stoa.runs.environments import setting_of
from stoa.runs.joblist import sources_of, with_siblings
from stoa.workspace.open import Workspace
from stoa.workspace.trust import prepare_trusted, trusts_modules

LEAST_JOBS = 50
"""For fewer jobs nothing is measured: it takes the time of one of them."""

_LEAST_SHARE = 0.5  # of a job's processor time, that has to be start-up
_MOST_JOB_S = 5.0


class Saving(Struct, frozen=True, kw_only=True):
    """What warm interpreters would have saved in a run whose jobs started cold."""

    process: str
    modules: tuple[str, ...]
    import_s: float  # processor time for each job
    job_s: float  # mean processor time of a job
    jobs: int


def warm_facts(definitions: Definitions, prepared: Mapping[str, Prepared]) -> dict[str, str]:
    """For the record of a run: the modules that its jobs share, with versions; nothing where jobs start cold."""
    process = definitions.process
    if not process.warm:
        return {}
    modules = wanted(process, sources_of(definitions))
    found = {}
    for name, each in prepared.items():
        versions = _versions(each.files.get(PACKAGES_FILE, b"").decode("utf-8", "replace"))
        words = (f"{module} {versions.get(_package(module), '')}".rstrip() for module in modules)
        found[f"{name}: warm" if name else "warm"] = ", ".join(words) or "Python alone"
    return found


def _versions(packages: str) -> dict[str, str]:
    pairs = (line.partition("==") for line in packages.splitlines())
    return {name: version for name, _, version in pairs}


def _package(module: str) -> str:
    """The package that a module is of, by its name; several have another one, and are listed without a version."""
    return re.sub(r"[-_.]+", "-", module.partition(".")[0]).lower()


class Warmth(Struct, frozen=True, kw_only=True):
    """What interpreters the jobs of a process in Python have, or could have."""

    process: str
    warm: bool
    modules: dict[str, str]  # shared ones -> version; of a cold process: those that could be
    left_out: dict[str, str]  # -> why
    import_s: float = 0.0  # processor time that a cold job spends on them


def warmth_of(ws: Workspace, process: Process) -> Warmth | None:
    """The modules of a process, imported on this machine to see; None where that is not possible here."""
    if not (process.warm or could_be_warm(process)):
        return None
    try:
        if not trusts_modules(ws, process):
            return None  # importing would execute what someone else wrote
        prepared = prepare_trusted(ws, ws.library.environment(process.environment), setting_of(ws.project))
    except StoaError:
        return None  # it is not built yet
    prepared = msgspec.structs.replace(prepared, environ=with_siblings(prepared.environ, ws.project, process))
    sources = {Path(process.script).name: read_script(ws.project, process), **read_files(ws.project, process)}
    script = ws.project.top.absolute() / process.script
    asked = msgspec.structs.replace(process, warm=process.warm or True)
    warm = warm_of(asked, str(script), sources, str(script.parent))
    report = report_of(prepared, warm) if warm and warm.modules else None
    if report is None:
        return None
    import_s = 0.0 if process.warm else import_seconds(prepared, tuple(report.modules))
    return Warmth(
        process=process.name, warm=bool(process.warm), modules=report.modules, left_out=report.left_out,
        import_s=import_s,
    )  # fmt: skip


def could_be_warm(process: Process) -> bool:
    """Whether the command is Python and a script, and it does not mention warm interpreters."""
    plain = process.command[:1] in {(name,) for name in PYTHON_NAMES} and process.command[1:2] == ("{script}",)
    return plain and process.script.endswith(".py") and not process.warm and not process.shell


def saving_of(definitions: Definitions, prepared: Prepared | None, jobs: int, cpu_s: float) -> Saving | None:
    """What a run of short jobs that are mostly start-up would have saved; None for all others.

    Parameters
    ----------
    jobs, cpu_s
        How many ran, and the processor time of all of them.
    """
    process = definitions.process
    if prepared is None or jobs < LEAST_JOBS or cpu_s > _MOST_JOB_S * jobs or not could_be_warm(process):
        return None
    modules = wanted(msgspec.structs.replace(process, warm=True), sources_of(definitions))
    import_s = import_seconds(prepared, modules) if modules else 0.0
    if import_s * jobs < _LEAST_SHARE * cpu_s:
        return None
    return Saving(process=process.name, modules=modules, import_s=import_s, job_s=cpu_s / jobs, jobs=jobs)
