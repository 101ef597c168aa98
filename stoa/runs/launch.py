"""One run, from a plan to outcomes in git."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Self

import msgspec

from stoa import __version__
from stoa.control import Control
from stoa.errors import StoaError
from stoa.exec.cluster.remote import chunk_folder, is_left
from stoa.exec.engines import GO_ON_ALONE, TAKES_MORE, Engine, make_engine
from stoa.exec.environments import Prepared
from stoa.exec.job.cause import group_causes
from stoa.exec.job.verdict import with_more_memory
from stoa.exec.liveness import Owner
from stoa.hashing import HashingStopped
from stoa.model import BAD, SCHEMA, CauseGroup, Job, Outcome, Run, Status
from stoa.provenance.committer import Batch, RunWriter
from stoa.provenance.ids import id_after, now
from stoa.provenance.spool import check_writable
from stoa.provenance.store import ordered
from stoa.provenance.thumbnails import has_thumbnails
from stoa.request import Request
from stoa.runs.canary import Forecast, forecast
from stoa.runs.definitions import check_mark
from stoa.runs.environments import prepare_all, run_digests
from stoa.runs.joblist import JobMaker, check_home_is_hidden, check_room, products_folder
from stoa.runs.plan import without_live
from stoa.runs.planned import Plan, PlannedJob
from stoa.runs.restore import restored
from stoa.runs.thumbnails import Drawing
from stoa.runs.warm import Saving, saving_of, warm_facts
from stoa.workspace.ahead import newest_ahead
from stoa.workspace.build_report import BuildReport
from stoa.workspace.latest import refresh
from stoa.workspace.live import recover_run
from stoa.workspace.open import Workspace
from stoa.workspace.trust import accept


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
    left: int = 0  # jobs that continue on a cluster
    saving: Saving | None = None  # by warm interpreters, of a run whose short jobs are mostly start-up
    untouched: int = 0  # jobs that never began; they have no outcome
    restored: int = 0  # jobs whose outcome was taken over from an earlier run
    out_of_reach: dict[str, tuple[str, ...]] = {}  # why -> flagged targets that were asked for and cannot take part
    held: dict[str, int] = {}  # jobs that belong to live runs, by run

    @property
    def all_ok(self) -> bool:
        return not self.untouched and not any(self.counts.get(status.value) for status in BAD)


class Launch:
    """One run, from its first record to its last.

    Iterate `outcomes`, then take `finish`. Left by an exception, as a context manager, it ends
    the jobs that run and commits what had ended; where that is not possible the next command does.
    """

    def __init__(
        self, ws: Workspace, plan: Plan, run: Run, writer: RunWriter, engine: Engine, maker: JobMaker, workers: int
    ) -> None:
        self.ws = ws
        self.plan = plan
        self.run = run
        self._writer = writer
        self._engine = engine
        self._maker = maker
        self._workers = workers
        self._drawing = Drawing(ws.project, plan.definitions.process, ws.checksums, _pictured(ws, plan))
        self._writer.before_commit = self._drawing.settle
        self._control = Control()
        self._ended: Generator[Outcome, None, None] | None = None
        self._done = 0
        self._tried: list[Outcome] = []  # of a canary
        self._again: list[Job] = []  # attempts with more memory
        self._limits_mb: dict[tuple[str, str], int] = {}
        self._cpu_s = 0.0  # of all jobs so far

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            return
        if self._ended:
            self._ended.close()
        self._drawing.close()
        self._writer.close()
        if self._is_left():
            return
        with suppress(StoaError, OSError), self.ws.store.spool.lock():
            recover_run(self.ws.store, self.run.id)

    def outcomes(self, control: Control) -> Iterator[Outcome]:
        """Each outcome as its job ends; it is in the journal when it is given, a tenth of a second later on disk."""
        self._control = control
        self.ws.checksums.stopped = lambda: control.cancelled
        self._maker.place_script(self._writer.folder)
        for job in self.plan.to_run:
            if job.missing:
                yield self._take(self._not_started(job))
            elif job.restores:
                yield self._take(restored(job.restores, self.run.id, job))
        self._ended = self._engine.execute(self._jobs(), control)
        yield from self._watched()
        while self._again and not control.draining:
            again, self._again = self._again, []
            self._ended = self._engine.execute(self._started(again), control)
            yield from self._watched()

    def _watched(self) -> Iterator[Outcome]:
        """Takes what the engine gives; jobs that ran out of memory and may be tried again are noted."""
        most_mb = self.plan.definitions.process.memory_most_mb
        for outcome in self._ended or ():
            limit_mb = self._limits_mb.get((outcome.target, outcome.group), 0)
            if outcome.attempt > 1 and limit_mb:
                outcome = msgspec.structs.replace(outcome, memory_limit_mb=limit_mb)
            self._drawing.add(outcome)
            if self._writer.end(outcome):
                yield self._count(outcome)
            if most_mb and outcome.status is Status.KILLED and self.run.engine in TAKES_MORE:
                self._try_again(outcome, limit_mb, most_mb)

    def _try_again(self, outcome: Outcome, limit_mb: int, most_mb: int) -> None:
        key = outcome.target, outcome.group
        planned = next(job for job in self.plan.to_run if (job.target, job.group) == key)
        job = self._maker.job(planned)
        job = msgspec.structs.replace(job, memory_mb=limit_mb or job.memory_mb)
        if more := with_more_memory(job, most_mb, outcome):
            self._limits_mb[key] = more.memory_mb
            self._again.append(more)

    def _started(self, jobs: list[Job]) -> Iterator[Job]:
        for job in jobs:
            self._writer.start(job)
            yield job

    def _take(self, outcome: Outcome) -> Outcome:
        self._writer.end(outcome)
        return self._count(outcome)

    def _count(self, outcome: Outcome) -> Outcome:
        self._done += 1
        self._cpu_s += outcome.cpu_s
        if self.plan.sample:
            self._tried.append(outcome)
        return outcome

    @property
    def goes_on_alone(self) -> bool:
        """Whether the jobs continue when this process ends."""
        return self.run.engine in GO_ON_ALONE

    def _is_left(self) -> bool:
        """Whether jobs continue on a cluster, and whoever comes next commits them."""
        return is_left(chunk_folder(self.ws.store.spool.folder, self.run.id))

    def finish(self) -> RunReport:
        """Commit what is left and say what was done; of a run that continues on a cluster, say that."""
        if self._is_left():
            self._drawing.close()
            self._writer.close()
            commits = self._writer.commits
            return RunReport(
                run=self.run.id, commit=commits[-1] if commits else "", commits=len(commits),
                process=self.run.process, params=self.run.params.name, targets=self.run.targets, jobs=self.run.jobs,
                counts=ordered(self._writer.counts), up_to_date=self.plan.left_alone(), causes=(),
                duration_s=0.0, stopped=True, left=self.run.jobs - self._done, held=self.plan.held,
                out_of_reach=self.plan.out_of_reach,
            )  # fmt: skip
        summary = self._writer.finish()
        self._drawing.close()
        if without := self._drawing.problems:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            self.ws.remark(f"an image has no thumbnail: {without[0]}{more}")
        self.ws.remark(refresh(self.ws, self.plan.definitions.pair, self.run.id))
        work = self._maker.products / self.run.process / self.run.id / ".work"
        shutil.rmtree(work, ignore_errors=True)
        return RunReport(
            run=self.run.id, commit=self._writer.commits[-1], commits=len(self._writer.commits),
            process=self.run.process, params=self.run.params.name, targets=self.run.targets, jobs=self.run.jobs,
            counts=summary.counts, up_to_date=self.plan.left_alone(), causes=summary.causes,
            duration_s=summary.duration_s,
            stopped=self._control.draining and bool(summary.untouched or summary.counts.get(Status.INTERRUPTED)),
            untouched=summary.untouched, restored=sum(bool(job.restores) for job in self.plan.to_run),
            forecast=forecast(self.plan.sample, self._tried, self._workers) if self.plan.sample else None,
            saving=saving_of(self.plan.definitions, self._maker.prepared.get(""), self._done, self._cpu_s),
            held=self.plan.held, out_of_reach=self.plan.out_of_reach,
        )  # fmt: skip

    def _not_started(self, job: PlannedJob) -> Outcome:
        status = Status.SKIPPED if job.skips else Status.BLOCKED
        return Outcome(
            schema=SCHEMA, run=self.run.id, target=job.target, group=job.group, status=status,
            cause=job.missing, start=now(), meta=job.meta,
        )  # fmt: skip

    def _jobs(self) -> Iterator[Job]:
        """Jobs, made one at a time as the engine asks for them."""
        for planned in self.plan.to_run:
            if planned.missing or planned.restores:
                continue
            if self._control.draining:
                return
            try:
                job = self._maker.job(planned)
            except HashingStopped:
                return
            self._writer.start(job)
            yield job


class Described(msgspec.Struct, frozen=True):
    """Metadata that a run needs, and that its targets lacked, were built and committed."""

    report: BuildReport


class Began(msgspec.Struct, frozen=True):
    """A run has begun: its first record is written, and no job has started."""

    run: Run
    goes_on_alone: bool  # its jobs continue when this process ends


class NotBegun(msgspec.Struct, frozen=True):
    """A run that was asked for does not begin, as the user stopped the one before it."""

    process: str
    params: str


class Ended(msgspec.Struct, frozen=True):
    """A run has ended, or had nothing to do."""

    report: RunReport
    rerun_of: str = ""


Event = Described | Began | Outcome | Ended | NotBegun
"""What happens while requests are carried out, in this order for each run; outcomes as their jobs end."""


def carry_out(
    ws: Workspace, plans: Iterable[tuple[Plan, str]], request: Request, control: Control
) -> Generator[Event, None, None]:
    """Run one plan after the other and commit the outcomes.

    A consumer that stops early has to close the generator: that ends the jobs and commits what had ended.

    Parameters
    ----------
    plans
        Each with the run that it runs again, or ""; the next one is made when the one before it has ended.
    """
    for plan, rerun_of in plans:
        if control.draining:
            yield NotBegun(plan.definitions.process.name, plan.definitions.params.name)
        elif not plan.to_run:
            yield Ended(nothing_to_do(plan), rerun_of)
        else:
            if plan.described:
                yield Described(plan.described)
            with launch(ws, plan, request, rerun_of=rerun_of) as started:
                yield Began(started.run, started.goes_on_alone)
                yield from started.outcomes(control)
                report = started.finish()
            yield Ended(report, rerun_of)


def launch(ws: Workspace, plan: Plan, request: Request, *, rerun_of: str = "", batch: Batch | None = None) -> Launch:
    """Make ready what a plan needs, and write the first record of its run.

    Parameters
    ----------
    rerun_of
        The run whose jobs are run again.
    batch
        When outcomes are committed while the run continues.

    Raises
    ------
    StoaError
        If a root, an environment, the engine or the disk is not fit for it, or another run has just begun with
        all of its jobs. Nothing is written then.
    """
    check_writable(ws.project)
    check_mark(plan.definitions.process, plan.definitions.script)
    _check_roots(ws, plan)
    engine = make_engine(request.engine, request.workers, ws.project.local, ws.project.spool)
    workers = request.workers or ws.project.jobs_at_once
    products = products_folder(ws)
    ws.project.check_inside(products / plan.definitions.process.name)
    check_room(products, plan.definitions.process, min(workers, len(plan.to_run)))
    accept(ws, plan.definitions.places.known.values(), plan.definitions.process)
    prepared = prepare_all(ws.project, plan.definitions.places, {job.environment for job in plan.to_run})
    if any(each.container for each in prepared.values()):
        check_home_is_hidden(ws, plan.definitions.process, products, os.environ.get("HOME", ""))
    with ws.store.spool.lock():
        plan = without_live(ws, plan)
        run = _describe(ws, plan, request, prepared, rerun_of)
        writer = _begin(ws, plan, run, batch, prepared)
    maker = JobMaker(ws, run, plan.definitions, prepared, products)
    return Launch(ws, plan, run, writer, engine, maker, workers)


def _pictured(ws: Workspace, plan: Plan) -> set[str]:
    """Checksums of images that need no thumbnail any more."""
    return ws.thumbnails.known() if has_thumbnails(plan.definitions.process) else set()


def nothing_to_do(plan: Plan) -> RunReport:
    """The report of a run that had no job."""
    return RunReport(
        run="", commit="", commits=0, process=plan.definitions.process.name, params=plan.definitions.params.name,
        targets=len({job.target for job in plan.jobs}), jobs=0, counts={}, up_to_date=plan.left_alone(), causes=(),
        duration_s=0.0, stopped=False, held=plan.held, out_of_reach=plan.out_of_reach,
    )  # fmt: skip


def _check_roots(ws: Workspace, plan: Plan) -> None:
    for root in {ws.targets[job.target].root for job in plan.to_run}:
        place = ws.project.root(root)
        if not place.is_dir():
            raise StoaError(
                f"root {root!r} should be at {place}, and nothing is there",
                f"is the disk mounted? `stoa root add {root} PATH` says where it is on this machine",
            )


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


def _describe(ws: Workspace, plan: Plan, request: Request, prepared: Mapping[str, Prepared], rerun_of: str) -> Run:
    jobs = plan.to_run
    usual = plan.definitions.environment.name
    facts = dict(prepared[""].facts) if "" in prepared else {}
    for name, each in prepared.items():
        facts |= {f"{name}: {fact}": value for fact, value in each.facts.items() if name}
    facts |= warm_facts(plan.definitions, prepared)
    identities = {name or usual: each.identity for name, each in prepared.items()}
    return Run(
        schema=SCHEMA, id=id_after(ws.store.newest_run()), process=plan.definitions.process.name,
        params=plan.definitions.params, environment=usual, engine=request.engine, author=ws.repository.author(),
        host=socket.gethostname(), started=now(), asked=request.asked, message=request.message,
        jobs=len(jobs),
        targets=len({job.target for job in jobs}),
        digests=plan.definitions.digests | run_digests(plan.definitions.places, identities),
        environment_facts=facts, stoa_version=__version__, rerun_of=rerun_of,
        after=newest_ahead(ws),
    )  # fmt: skip
