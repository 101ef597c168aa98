"""Running a run's jobs again from what it froze, and saying whether the same came out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec

from stoa.catalogue.compare import differences
from stoa.control import Control
from stoa.durable import write_hint
from stoa.errors import StoaError
from stoa.exec.environments import Prepared
from stoa.exec.job.cause import normalise
from stoa.exec.local import LocalEngine
from stoa.model import FileRef, Outcome, Process, Run, Status
from stoa.numbers import agree
from stoa.provenance.definitions import read_process
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.ids import new_id
from stoa.provenance.index import decode_outcome
from stoa.runs.definitions import Definitions
from stoa.runs.environments import Places, prepare_all
from stoa.runs.joblist import JobMaker, products_folder
from stoa.runs.planned import PlannedJob
from stoa.workspace.frozen import frozen_files, own_files
from stoa.workspace.names import resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.selection import match_names

Verdict = Literal["identical", "equal", "different", "not run"]

HOME = ".reproduced"
"""Folder below the products root for what is made again."""

_SAYS_NOTHING = (Status.BLOCKED, Status.INTERRUPTED, Status.ERROR)


class Reproduced(msgspec.Struct, frozen=True, kw_only=True):
    """How one job came out the second time.

    Attributes
    ----------
    verdict
        ``identical``: every product byte by byte, every result, or the same failure; ``equal``: within the
        declared tolerances; ``not run``: what it needs is not there as it was.
    words
        What differs, or why it was not run.
    place
        Folder of the new products, kept where they differ.
    """

    target: str
    group: str
    verdict: Verdict
    words: tuple[str, ...] = ()
    place: str = ""


class ReproduceReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a run came out the second time."""

    run: str
    process: str
    params: str
    notes: tuple[str, ...]  # what of the environment is not as it was
    jobs: tuple[Reproduced, ...]
    counts: dict[str, int]

    @property
    def succeeded(self) -> bool:
        return not (self.counts.get("different") or self.counts.get("not run"))


def reproduce(
    ws: Workspace,
    source: str = "last",
    targets: Iterable[str] = (),
    *,
    workers: int = 0,
    keep: bool = False,
    control: Control | None = None,
    seen: Callable[[Reproduced], None] = lambda _one: None,
) -> ReproduceReport:
    """Run a run's jobs again from its frozen definitions and compare what comes out.

    Nothing is recorded. Inputs are taken where they are now and have to be the same, by checksum. A run whose records
    someone took off the branch and this command put back is not executed before a person has looked at it.

    Parameters
    ----------
    source
        A run, or ``PROCESS@SET`` for the latest one of that pair.
    targets
        Names or globs; all of the run by default.
    keep
        Keep the new products, also where they are the same.
    seen
        Told of each job as it ends.
    """
    run = run_of(ws, resolve_run(ws, source))
    if run.id in ws.put_back:
        raise StoaError(
            f"the records of run {run.id} were gone from the branch and were just put back; nothing of them was run",
            f"`git log -2 --stat` shows them; if they are right, `stoa reproduce {run.id}` again",
        )
    definitions = frozen_definitions(ws, run)
    before = _outcomes(ws, run, tuple(targets))
    products = products_folder(ws)
    home = f"{HOME}/{new_id()}"  # of its own: someone else may reproduce the same run at the same time
    aside = products / home / run.id
    jobs: list[Reproduced] = []

    def take(one: Reproduced) -> None:
        jobs.append(one)
        seen(one)

    planned = {}
    for key, outcome in before.items():
        lack = _lacks(ws, outcome)
        if lack:
            take(Reproduced(target=key[0], group=key[1], verdict="not run", words=(lack,)))
        else:
            planned[key] = _planned(ws, definitions.process, outcome)
    try:
        frozen = aside / ".frozen"
        _write_frozen(frozen, definitions)
        prepared = prepare_all(
            ws.project, definitions.places, {job.environment for job in planned.values()}, top=frozen
        )
        maker = JobMaker(ws, run, definitions, prepared, products, home=home)
        maker.place_script(frozen)
        engine = LocalEngine(workers or ws.project.local.jobs)
        with closing(engine.execute((maker.job(job) for job in planned.values()), control or Control())) as ended:
            for outcome in ended:
                take(_judged(ws, definitions.process, before[outcome.target, outcome.group], outcome, keep=keep))
    finally:
        for name in (".frozen", ".work", "failed"):
            shutil.rmtree(aside / name, ignore_errors=True)
        _remove_empty(aside, products)
    counts: dict[str, int] = {}
    for one in jobs:
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    return ReproduceReport(
        run=run.id, process=run.process, params=run.params.name, notes=tuple(_notes(run, prepared)),
        jobs=tuple(sorted(jobs, key=lambda one: (one.target, one.group))), counts=counts,
    )  # fmt: skip


def frozen_definitions(ws: Workspace, run: Run) -> Definitions:
    """What a run rested on, as it froze it.

    Raises
    ------
    StoaError
        If a frozen definition is missing or cannot be read.
    """
    frozen = frozen_files(ws, run.id)
    for name in ("process.yaml", "environment.yaml"):
        if name not in frozen:
            raise StoaError(f"run {run.id} has no frozen {name}", "`stoa fsck` says what else is missing")
    frozen = own_files(ws, run, frozen)
    process = read_process(frozen["process.yaml"], f"runs/{run.id}/frozen/process.yaml")
    known = {run.environment: read_environment(frozen["environment.yaml"], f"runs/{run.id}/frozen/environment.yaml")}
    former = ws.library.former()
    for name, data in frozen.items():
        folder, _, file = name.partition("/")
        if folder == "environments" and file.endswith(".yaml") and "/" not in file:
            known[former.environment(file.removesuffix(".yaml"))] = read_environment(
                data, f"runs/{run.id}/frozen/{name}"
            )
    script = frozen[f"script/{Path(process.script).name}"] if process.script else b""
    beside = {Path(path).name: frozen[f"script/{Path(path).name}"] for path in process.files}
    if "environment" not in run.digests:
        where = f"runs/{run.id}/run.yaml"
        raise StoaError(f"{where}: digests: environment is missing", "`stoa fsck` says what else is wrong")
    places = Places(
        usual=run.environment, known=known, frozen=frozen,
        digests={name: run.digests.get(f"environment {name}", run.digests["environment"]) for name in known},
    )  # fmt: skip
    return Definitions(
        process=process, params=run.params, environment=known[run.environment], places=places, script=script,
        files=beside, digests=run.digests, frozen=frozen,
    )  # fmt: skip


def _write_frozen(folder: Path, definitions: Definitions) -> None:
    """Put the files that environments name where their definitions look for them."""
    places = definitions.places
    try:
        folder.mkdir(parents=True)
        for environment in places.known.values():
            for path in environment.named_files:
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(places.frozen[f"environments/{environment.name}/{os.path.basename(path)}"])
    except OSError as problem:
        raise StoaError(f"cannot write to {folder}: {problem.strerror}", write_hint(problem)) from None
    except KeyError as problem:
        raise StoaError(f"the run has not frozen {problem}, which its environment names") from None


def _outcomes(ws: Workspace, run: Run, targets: tuple[str, ...]) -> dict[tuple[str, str], Outcome]:
    rows = ws.index.rows("SELECT record FROM outcomes WHERE run = ? ORDER BY target, grp, attempt", (run.id,))
    found = {(one.target, one.group): one for one in (decode_outcome(row[0]) for row in rows)}
    chosen = match_names(targets, sorted({target for target, _ in found})) if targets else None
    return {key: one for key, one in found.items() if chosen is None or key[0] in chosen}


def _lacks(ws: Workspace, outcome: Outcome) -> str:
    """Why a job cannot be run again as it was."""
    if outcome.status in _SAYS_NOTHING:
        return f"it was {outcome.status.value}: {outcome.cause}"
    if outcome.target not in ws.targets:
        return "it is in no target list any more"
    for name, ref in outcome.inputs.items():
        if not ref.sha256:
            continue
        try:
            _, sha256 = ws.checksums.of(ws.project.file(ref))
        except (OSError, StoaError):
            return f"{name} is not there: {ref.path}"
        if sha256 != ref.sha256:
            return f"{name} is another file now: {ref.path}"
    return ""


def _planned(ws: Workspace, process: Process, outcome: Outcome) -> PlannedJob:
    target = ws.targets[outcome.target]
    folder = f"{target.root}:{target.path}/" if target.path else f"{target.root}:"
    inputs = {
        name: outcome.inputs[name].path.removeprefix(folder) if name in outcome.inputs else None
        for name in process.inputs
    }
    return PlannedJob(
        target=outcome.target, group=outcome.group, state="ok", reason="reproduced", runs=True, inputs=inputs,
        meta=outcome.meta, needs={name: ref for name, ref in outcome.inputs.items() if name.startswith("needs.")},
        environment=outcome.environment, overrides=outcome.overrides,
    )  # fmt: skip


def _judged(ws: Workspace, process: Process, old: Outcome, new: Outcome, *, keep: bool) -> Reproduced:
    same_bytes, words = _compared(ws, process, old, new)
    verdict: Verdict = "different" if words else "identical" if same_bytes else "equal"
    place = ""
    if new.place and new.status is Status.OK:
        folder = ws.project.file(new.place)
        if words or keep:
            place = str(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return Reproduced(target=old.target, group=old.group, verdict=verdict, words=tuple(words), place=place)


def _compared(ws: Workspace, process: Process, old: Outcome, new: Outcome) -> tuple[bool, list[str]]:
    """Whether nothing at all differs, and what differs beyond the tolerances, in words."""
    if old.status is not new.status:
        return False, [f"was {_ending(old)}, is {_ending(new)}"]
    if old.status is not Status.OK:
        causes = [normalise(one.cause, one.target, one.group) for one in (old, new)]
        return causes[0] == causes[1], [] if causes[0] == causes[1] else [f"was {_ending(old)}, is {_ending(new)}"]
    words = []
    same = old.results == new.results
    for name in dict.fromkeys((*old.results, *new.results)):
        before, after = old.results.get(name), new.results.get(name)
        spec = process.results.get(name)
        if not agree(before, after, spec.tolerance if spec else 0.0):
            words.append(f"result {name}: {before} -> {after}")
    for name in dict.fromkeys((*old.outputs, *new.outputs)):
        first, second = old.outputs.get(name), new.outputs.get(name)
        if first and second and first.sha256 == second.sha256:
            continue
        same = False
        words += [f"{name}: {text}" for text in _output_words(ws, process, name, first, second)]
    return same, words


def _ending(outcome: Outcome) -> str:
    return f"{outcome.status.value} ({outcome.cause})" if outcome.cause else outcome.status.value


def _output_words(ws: Workspace, process: Process, name: str, old: FileRef | None, new: FileRef | None) -> list[str]:
    if old is None or new is None:
        return ["is new"] if old is None else ["is not written any more"]
    try:
        file = ws.products.file(old)
        found = ws.checksums.of(file)[1]
    except (OSError, StoaError):
        return ["has another checksum, and the recorded file is not on this machine to compare with"]
    if found != old.sha256:
        return ["has another checksum, and the recorded file has been changed since"]
    return differences(file, ws.project.file(new), process.outputs[name])


def _notes(run: Run, prepared: Mapping[str, Prepared]) -> Iterator[str]:
    """What of the environments is not as it was."""
    for name, each in prepared.items():
        for fact, value in each.facts.items():
            key = f"{name}: {fact}" if name else fact
            was = run.environment_facts.get(key)
            if was is not None and was != value:
                yield f"{key}: {was} -> {value}"
        was = run.digests.get(f"content of {name or run.environment}")
        if was and each.identity and was != each.identity:
            yield f"environment {name or run.environment} has another content: {was[:19]} -> {each.identity[:19]}"


def _remove_empty(folder: Path, above: Path) -> None:
    """Remove a folder's empty folders, it and those above it as well."""
    for path, _, _ in os.walk(folder, topdown=False):
        if not os.listdir(path):
            os.rmdir(path)
    while folder != above and not folder.exists():
        folder = folder.parent
        if folder != above and folder.exists() and not os.listdir(folder):
            folder.rmdir()
