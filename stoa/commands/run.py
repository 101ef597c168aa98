"""Running a process over many targets: from a plan to outcomes in git."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from stoa import __version__
from stoa.commands.canary import Forecast, canary, forecast
from stoa.commands.chain import stages
from stoa.commands.environments import prepare_all, run_digests
from stoa.commands.live import recover_run
from stoa.commands.needs import paths
from stoa.commands.plan import Plan, PlannedJob, make_plan, without_live
from stoa.commands.resolve import Definitions, resolve
from stoa.commands.selection import Selection
from stoa.commands.workspace import Workspace
from stoa.errors import StoaError
from stoa.exec.cause import group_causes
from stoa.exec.command import expand
from stoa.exec.control import Control
from stoa.exec.engines import make_engine
from stoa.exec.environments import Prepared
from stoa.exec.jobs import JobContext, job_description, job_environ, placeholder_values
from stoa.exec.liveness import Owner
from stoa.model import BAD, SCHEMA, CauseGroup, FileRef, Job, Outcome, Process, Run, Status, Target
from stoa.project import PRODUCTS_ROOT, Project
from stoa.provenance.committer import Batch, RunWriter
from stoa.provenance.ids import id_after, now
from stoa.provenance.library import DEFAULT_SET
from stoa.provenance.spool import check_writable

__all__ = ["Control", "Launch", "RunReport", "launch", "nothing_to_do", "run", "run_all"]


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did."""

    run: str  # "" when nothing was to be done
    commit: str  # the last one of the run
    commits: int
    process: str
    params: str
    targets: int
    jobs: int
    counts: dict[str, int]
    up_to_date: dict[str, int]  # jobs left alone, by reason
    causes: tuple[CauseGroup, ...]
    duration_s: float
    stopped: bool  # by the user, before every job had run to its end
    forecast: Forecast | None = None  # of a canary, for the jobs that are left

    @property
    def all_ok(self) -> bool:
        return not any(self.counts.get(status.value) for status in BAD)


class Launch:
    """One run, from its first record to its last.

    Iterate `outcomes`, then take `finish`. Left by an exception, as a context manager, it ends
    the jobs that run and commits what had ended; where that is not possible the next command does.
    """

    def __init__(
        self,
        ws: Workspace,
        plan: Plan,
        asked: tuple[str, ...],
        engine: str,
        workers: int,
        rerun_of: str = "",
        batch: Batch | None = None,
    ) -> None:
        self.ws = ws
        self._engine = make_engine(engine, workers or ws.project.local.jobs)
        self._products = _products_folder(ws)
        self._prepared = prepare_all(ws.project, plan.definitions.places, {job.environment for job in plan.to_run})
        self._control = Control()
        with ws.store.spool.lock():
            self.plan = without_live(ws, plan)
            self.run = _describe(ws, self.plan, asked, engine, self._prepared, rerun_of)
            self._writer = _begin(ws, self.plan, self.run, batch, self._prepared)
        self._ended: Generator[Outcome, None, None] | None = None
        self._script = ""
        self._environs: dict[str, dict[str, str]] = {}
        self._roots: dict[str, str] = {}
        self._meta = str(ws.project.meta_file("x").parent.absolute())
        self._done = 0
        self._workers = workers or ws.project.jobs_at_once
        self._tried: list[Outcome] = []  # of a canary

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            return
        if self._ended:
            self._ended.close()
        self._writer.close()
        with suppress(StoaError, OSError), self.ws.store.spool.lock():
            recover_run(self.ws.store, self.run.id)

    def outcomes(self, control: Control) -> Iterator[Outcome]:
        """Each outcome as its job ends; it is in the journal when it is given, a tenth of a second later on disk."""
        self._control = control
        self._script = _place_script(self.plan.definitions, self._writer.folder)
        self._environs = {
            name: _with_siblings(prepared.environ, self.ws.project, self.plan.definitions.process)
            for name, prepared in self._prepared.items()
        }
        for job in self.plan.to_run:
            if job.missing:
                outcome = self._blocked(job)
                yield self._take(outcome)
        self._ended = self._engine.execute(self._jobs(), control)
        for outcome in self._ended:
            yield self._take(outcome)

    def _take(self, outcome: Outcome) -> Outcome:
        self._writer.end(outcome)
        self._done += 1
        if self.plan.sample:
            self._tried.append(outcome)
        return outcome

    def finish(self) -> RunReport:
        """Commit what is left and say what was done."""
        summary = self._writer.finish()
        work = self._products / self.run.process / self.run.id / ".work"
        shutil.rmtree(work, ignore_errors=True)
        return RunReport(
            run=self.run.id, commit=self._writer.commits[-1], commits=len(self._writer.commits),
            process=self.run.process, params=self.run.params.name, targets=self.run.targets, jobs=self.run.jobs,
            counts=summary.counts, up_to_date=self.plan.left_alone(), causes=summary.causes,
            duration_s=summary.duration_s,
            stopped=self._done < self.run.jobs or (self._control.draining and "interrupted" in summary.counts),
            forecast=forecast(self.plan.sample, self._tried, self._workers) if self.plan.sample else None,
        )  # fmt: skip

    def _blocked(self, job: PlannedJob) -> Outcome:
        return Outcome(
            schema=SCHEMA, run=self.run.id, target=job.target, group=job.group, status=Status.BLOCKED,
            cause=job.missing, start=now(), meta=job.meta,
        )  # fmt: skip

    def _jobs(self) -> Iterator[Job]:
        """Jobs, made one at a time as the engine asks for them."""
        for planned in self.plan.to_run:
            if planned.missing:
                continue
            if self._control.draining:
                return
            job = self._job(planned)
            self._writer.start(job)
            yield job

    def _job(self, planned: PlannedJob) -> Job:
        # Thousands of jobs a minute pass here: names are put together as texts, not as `Path`s.
        process = self.plan.definitions.process
        prepared = self._prepared[planned.environment]
        target = self.ws.targets[planned.target]
        folder = self._folder(target)
        place, work, failed = (
            Project.job_place(process.name, self.run.id, target.name, planned.group, kind=kind)
            for kind in ("", ".work", "failed")
        )
        context = JobContext(
            run=self.run.id, process=process.name, target=target.name, group=planned.group, folder=folder,
            meta=f"{self._meta}/{target.name}.xml", out=f"{self._products}/{work}",
            inputs={name: f"{folder}/{file}" if file else None for name, file in planned.inputs.items()},
            params=self.plan.definitions.params.values, needs=paths(self.ws.project, planned.needs),
        )  # fmt: skip
        return Job(
            run=self.run.id, target=target.name, group=planned.group,
            argv=prepared.argv(expand(process, placeholder_values(context, self._script))),
            environ=self._environs[planned.environment] | job_environ(context), work=context.out,
            place=f"{self._products}/{place}", place_ref=f"{PRODUCTS_ROOT}:{place}",
            failed_place=f"{self._products}/{failed}", failed_ref=f"{PRODUCTS_ROOT}:{failed}",
            description=job_description(context), inputs=self._fingerprints(target, planned.inputs) | planned.needs,
            meta=planned.meta, outputs=process.outputs, results=process.results, timeout_s=process.timeout_s,
            grace_s=process.grace_s, memory_mb=process.memory_mb, cpu_limit_s=process.cpu_s, file_mb=process.file_mb,
            processes=process.processes, umask=prepared.umask, skip_codes=process.skip_codes,
            environment=planned.environment, environment_reason=planned.environment_reason,
            container=prepared.container,
        )  # fmt: skip

    def _folder(self, target: Target) -> str:
        """Absolute path of a target, without looking whether it is there."""
        if target.root not in self._roots:
            self._roots[target.root] = str(self.ws.project.root(target.root).absolute())
        root = self._roots[target.root]
        return f"{root}/{target.path}" if target.path else root

    def _fingerprints(self, target: Target, inputs: Mapping[str, str | None]) -> dict[str, FileRef]:
        """What the inputs are right before the job starts."""
        found = {}
        for name, file in inputs.items():
            if file is None:
                continue
            path = f"{target.root}:{'/'.join(part for part in (target.path, file) if part)}"
            try:
                size, sha256 = self.ws.checksums.of(self.ws.project.file(path))
            except OSError:
                size, sha256 = 0, ""  # the script will say that it is not there
            found[name] = FileRef(path=path, size=size, sha256=sha256)
        return found


def run(
    ws: Workspace,
    process: str,
    *,
    params: str = DEFAULT_SET,
    settings: Mapping[str, str] | None = None,
    environment: str | None = None,
    selection: Selection | None = None,
    engine: str = "local",
    workers: int = 0,
    control: Control | None = None,
    asked: tuple[str, ...] = (),
    few: int = 0,
) -> RunReport:
    """Run a process over the selected targets and commit the outcomes.

    Parameters
    ----------
    few
        How many jobs to run as a canary, of every kind of target; 0 for all.

    Returns
    -------
    report
        With an empty `run` when everything is up to date.
    """
    ws.ready()
    plan = make_plan(ws, resolve(ws, process, params, settings, environment), selection or Selection())
    if few:
        plan = canary(ws, plan, few)
    if not plan.to_run:
        return nothing_to_do(plan)
    with launch(ws, plan, asked=asked, engine=engine, workers=workers) as started:
        for _ in started.outcomes(control or Control()):
            pass
        return started.finish()


def run_all(
    ws: Workspace,
    process: str = "",
    *,
    params: str = DEFAULT_SET,
    selection: Selection | None = None,
    engine: str = "local",
    workers: int = 0,
    asked: tuple[str, ...] = (),
) -> list[RunReport]:
    """Run what a process needs and then the process; without a name every process of the project, in order."""
    return [
        run(ws, stage.process, params=stage.params, selection=selection, engine=engine, workers=workers, asked=asked)
        for stage in stages(ws, process, params)
    ]


def launch(
    ws: Workspace,
    plan: Plan,
    *,
    asked: tuple[str, ...] = (),
    engine: str = "local",
    workers: int = 0,
    rerun_of: str = "",
    batch: Batch | None = None,
) -> Launch:
    """Start a run of what a plan says is to run.

    Parameters
    ----------
    batch
        When outcomes are committed while the run goes on.
    """
    check_writable(ws.project)
    _check_roots(ws, plan)
    return Launch(ws, plan, asked, engine, workers, rerun_of, batch)


def nothing_to_do(plan: Plan) -> RunReport:
    """The report of a run that had no job."""
    return RunReport(
        run="", commit="", commits=0, process=plan.definitions.process.name, params=plan.definitions.params.name,
        targets=len({job.target for job in plan.jobs}), jobs=0, counts={}, up_to_date=plan.left_alone(), causes=(),
        duration_s=0.0, stopped=False,
    )  # fmt: skip


def _check_roots(ws: Workspace, plan: Plan) -> None:
    for root in {ws.targets[job.target].root for job in plan.to_run}:
        place = ws.project.root(root)
        if not place.is_dir():
            raise StoaError(
                f"root {root!r} should lie at {place}, and nothing is there",
                f"is the disk mounted? `stoa root add {root} PATH` says where it lies on this machine",
            )


def _products_folder(ws: Workspace) -> Path:
    folder = ws.project.root(PRODUCTS_ROOT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if folder.is_relative_to(ws.repository.top) and not ignore.exists():
            ignore.write_text("# Products are found by their records; they stay out of git.\n*\n")
    except OSError as problem:
        raise StoaError(
            f"cannot write to the products root {folder}: {problem.strerror}",
            f"`stoa root add {PRODUCTS_ROOT} PATH` puts it elsewhere",
        ) from None
    return folder.absolute()


def _begin(ws: Workspace, plan: Plan, run: Run, batch: Batch | None, prepared: Mapping[str, Prepared]) -> RunWriter:
    keys = [(job.target, job.group) for job in plan.to_run]
    owner = msgspec.to_builtins(Owner.here())
    left = len(plan.jobs) - len(keys)
    found = {
        f"environments/{name or run.environment}/{file}": content
        for name, each in prepared.items()
        for file, content in each.files.items()
    }
    frozen = plan.definitions.frozen | found
    return RunWriter(ws.store, run, frozen, keys, owner, group_causes, up_to_date=left, batch=batch)


def _describe(
    ws: Workspace, plan: Plan, asked: tuple[str, ...], engine: str, prepared: Mapping[str, Prepared], rerun_of: str
) -> Run:
    jobs = plan.to_run
    fresh = id_after(ws.store.newest_run())
    usual = plan.definitions.environment.name
    facts = dict(prepared[""].facts) if "" in prepared else {}
    for name, each in prepared.items():
        facts |= {f"{name}: {fact}": value for fact, value in each.facts.items() if name}
    identities = {name or usual: each.identity for name, each in prepared.items()}
    return Run(
        schema=SCHEMA, id=fresh, process=plan.definitions.process.name, params=plan.definitions.params,
        environment=usual, engine=engine, author=ws.repository.author(),
        host=socket.gethostname(), started=now(), asked=asked, jobs=len(jobs),
        targets=len({job.target for job in jobs}),
        digests=plan.definitions.digests | run_digests(plan.definitions.places, identities),
        environment_facts=facts, stoa_version=__version__, rerun_of=rerun_of,
    )  # fmt: skip


def _with_siblings(environ: Mapping[str, str], project: Project, process: Process) -> dict[str, str]:
    """The environ in which a Python script finds the modules beside it, though a frozen copy of it runs."""
    if not process.script.endswith(".py"):
        return dict(environ)
    folders = [environ.get("PYTHONPATH", ""), str((project.top / process.script).parent.absolute())]
    return {**environ, "PYTHONPATH": os.pathsep.join(folder for folder in folders if folder)}


def _place_script(definitions: Definitions, folder: Path) -> str:
    """Path of the copy of the script that this run's jobs use, its files beside it; edits meanwhile change nothing."""
    if not definitions.process.script:
        return ""
    file = folder / "script" / Path(definitions.process.script).name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for name, content in {file.name: definitions.script, **definitions.files}.items():
            (file.parent / name).write_bytes(content)
        file.chmod(0o755)
    except OSError as problem:
        raise StoaError(f"cannot write {file}: {problem.strerror}", "is the disk full or read-only?") from None
    return str(file)
