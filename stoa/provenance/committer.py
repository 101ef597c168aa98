"""From the outcomes of a run to its commits, also when the one who ran it was killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import msgspec

from stoa.errors import StoaError
from stoa.model import SCHEMA, CauseGroup, Job, Outcome, Process, Run, Status, Summary
from stoa.project import Project
from stoa.provenance.definitions import read_process
from stoa.provenance.git import from_writable, writable
from stoa.provenance.ids import now
from stoa.provenance.journal import Closed, Committed, End, Journaled, Opened, Start
from stoa.provenance.packed import product_archives
from stoa.provenance.records import write_outcomes, write_run, write_summary
from stoa.provenance.store import Store, ordered
from stoa.provenance.thumbnails import thumbnail_archives

GroupCauses = Callable[[Iterable[Outcome]], tuple[CauseGroup, ...]]
Key = tuple[str, str]
CUT_OFF = "STOA or the machine stopped while it ran"


class Batch(msgspec.Struct, frozen=True):
    """When the outcomes of a run that continues are committed: after this many, or this long after the last time."""

    outcomes: int = 1000
    seconds: float = 60.0


class Remains(msgspec.Struct, frozen=True):
    """What a job that was cut off has left on this machine."""

    place: str = ""  # "<root>:<path>" of its directory
    log: str = ""  # the ends of what it printed
    began: bool = True


class RunWriter:
    """Takes the outcomes of one run: into the journal at once, into git in batches.

    The caller holds the lock of the spool while it is made.

    Parameters
    ----------
    frozen
        Definitions and script of the run: path below ``frozen/`` -> content.
    jobs
        Target and image group of every job that is to run.
    owner
        Who holds the run, for readers that look whether it still lives.
    up_to_date
        Number of jobs left out because they are up to date.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        frozen: Mapping[str, bytes],
        jobs: Iterable[Key],
        owner: Mapping[str, str | int],
        group_causes: GroupCauses,
        up_to_date: int = 0,
        batch: Batch | None = None,
    ) -> None:
        self._store = store
        self.run = run
        self._group_causes = group_causes
        self._due = batch or Batch()
        self._process = _process(run, frozen)
        self._files: dict[str, bytes] = {f"frozen/{name}": data for name, data in frozen.items()}
        self._files["run.yaml"] = write_run(run)
        self._pending: list[Outcome] = []
        self._bad: list[Outcome] = []
        self._attempts: dict[Key, tuple[int, Status]] = {}  # the attempt that counts, where several are possible
        self._number = 0
        self._in_doubt = False
        self._up_to_date = up_to_date
        self._start = self._last = time.monotonic()
        self._branch = store.repository.branch()
        self.before_commit: Callable[[], None] = lambda: None  # waits for what is to go with the outcomes
        self.counts: dict[str, int] = {}
        self.commits: list[str] = []
        self._running: dict[tuple[str, str, int], Start] = {}
        opened = Opened(run, dict(owner), writable(self._branch), dict(frozen), tuple(jobs), up_to_date)
        self._journal, self._opened = store.spool.open(opened)
        self.folder = self._journal.folder

    def start(self, job: Job) -> None:
        """Say that a job is handed to the engine."""
        entry = Start(job.target, job.group, job.attempt, now())
        self._journal.append(entry)
        self._running[_key(job)] = entry

    def end(self, outcome: Outcome) -> bool:
        """Take an outcome; commits a batch when one is due.

        Returns
        -------
        first
            Whether it is the first one of its job; another attempt is recorded too, and the last one counts. The
        outcome of a job that never began is not recorded, and is not the first one.

        Raises
        ------
        JournalError
            If the journal cannot take it; the outcome counts as not recorded then.
        """
        self._journal.append(End(outcome))
        self._running.pop(_key(outcome), None)
        if not outcome.began:
            self._bad.append(_brief(outcome))
            return False
        self._pending.append(outcome)
        first = self._count(outcome)
        waited_s = time.monotonic() - self._last
        if waited_s > self._due.seconds or (len(self._pending) >= self._due.outcomes and not self._in_doubt):
            self._try_batch()
        return first

    def _count(self, outcome: Outcome) -> bool:
        key = (outcome.target, outcome.group)
        before = self._attempts.get(key)
        if before and before[0] > outcome.attempt:
            return False
        if before:
            self.counts[before[1]] -= 1
            self._bad = [bad for bad in self._bad if (bad.target, bad.group) != key]
        if outcome.worker or outcome.attempt > 1 or outcome.status is Status.KILLED:  # which may be tried again
            self._attempts[key] = (outcome.attempt, outcome.status)
        self.counts[outcome.status] = self.counts.get(outcome.status, 0) + 1
        if outcome.is_amiss:
            self._bad.append(_brief(outcome))
        return before is None

    def _try_batch(self) -> None:
        """Commit what is pending; what hinders it now may be gone at the next batch or at the end of the run."""
        self._journal.sync()
        try:
            self._commit(f"{self.run.process} @ {self.run.params.name}: {self._so_far()} so far")
            said = Committed(self.commits[-1], ordered(self.counts))
            self._journal.shorten([self._opened, said, *self._running.values()])
        except StoaError:
            self._in_doubt = True
        self._last = time.monotonic()

    def _so_far(self) -> str:
        return f"{sum(self.counts.values())} of {self.run.jobs}"

    def _commit(self, subject: str) -> None:
        self.before_commit()
        self._check_mine()
        self._store.bring_back(self._branch)  # what git by hand has taken from the branch, earlier batches among it
        if self._in_doubt:  # it may have failed before the branch moved or after
            there, self._number = self._store.outcomes(self.run, self._store.repository.tip(self._branch))
            self._pending = _without(self._pending, there)
        files = dict(self._files)
        if self._pending:
            files |= outcome_files(self._store, self._process, self._pending, self._number)
        trailers = _trailers(self.run)
        changes = {Project.run_record(self.run.id, name): data for name, data in files.items()}
        try:
            commit = self._store.commit(changes, subject, trailers, self._branch, self.run.author)
        except StoaError as problem:
            raise StoaError(
                f"{problem.message}; what has ended is kept in {self.folder}",
                "; ".join(filter(None, [problem.hint, "then `stoa status` commits it"])),
            ) from None
        self.commits.append(commit)
        self._in_doubt = False
        self._number += sum(name.startswith("outcomes-") for name in files)
        self._pending = []
        self._files = {}

    def _check_mine(self) -> None:
        """Raise if the branch is gone, or someone has put this run into git as one that was cut off."""
        if not self._store.repository.tip(self._branch) and self._store.repository.head():
            raise StoaError(
                f"the branch {writable(self._branch.removeprefix('refs/heads/'))}, which takes the records of run"
                f" {self.run.id}, is gone",
                "nothing is lost: `stoa status` puts the run on the branch that is checked out",
            )
        if self._store.has_record(self.run, "summary.yaml", self._branch):
            raise StoaError(
                f"run {self.run.id} was given up by another command while it was under way here",
                "what it did not record is run again by `stoa run`",
            )

    def finish(self) -> Summary:
        """Commit what is left and the summary; the journal is removed."""
        summary = Summary(
            schema=SCHEMA,
            run=self.run.id,
            finished=now(),
            duration_s=round(time.monotonic() - self._start, 3),
            counts=ordered(self.counts),
            skipped_up_to_date=self._up_to_date,
            untouched=self.run.jobs - sum(self.counts.values()),
            causes=self._group_causes(self._bad),
        )
        self._journal.append(Closed(summary.finished))
        self._journal.sync()
        self._files["summary.yaml"] = write_summary(summary)
        self._commit(subject(self.run, self.counts))
        self.close()
        self._store.spool.remove(self.run.id)
        return summary

    def close(self) -> None:
        """Let go of the run; what is not in git is put there by the next command."""
        self._journal.close()


def subject(run: Run, counts: Mapping[str, int]) -> str:
    """First line of a run's commit: ``aegean @ 5sigma: 35 ok, 39 failed of 74``."""
    parts = ", ".join(f"{number} {status}" for status, number in ordered(counts).items()) or "nothing ran"
    return f"{run.process} @ {run.params.name}: {parts} of {run.jobs}"


def _trailers(run: Run) -> dict[str, str]:
    return {"Run": run.id, "Process": run.process, "Params": run.params.name, "Environment": run.environment}


def outcome_files(store: Store, process: Process | None, outcomes: list[Outcome], number: int) -> dict[str, bytes]:
    """Outcomes as files of at most a thousand each, numbered from `number` on, with the products that go with them."""
    most = Batch().outcomes
    files: dict[str, bytes] = {}
    for place, start in enumerate(range(0, len(outcomes), most), number):
        part = outcomes[start : start + most]
        files[f"outcomes-{place:04d}.yaml"] = write_outcomes(part)
        files |= product_archives(store.project, process, part, place)
        files |= thumbnail_archives(store, process, part, place)
    return files


def _process(run: Run, frozen: Mapping[str, bytes]) -> Process | None:
    """The process that a run froze, as far as it can be read."""
    name = "process.yaml"
    with suppress(StoaError):
        return read_process(frozen[name], f"runs/{run.id}/frozen/{name}") if name in frozen else None
    return None


def recover(
    store: Store, said: Journaled, group_causes: GroupCauses, remains: Callable[[Start], Remains] | None = None
) -> Summary:
    """Put a run that no one holds into git: what had ended as it ended, what ran as interrupted.

    The caller holds the lock of the spool. Done again, also after another crash, it adds nothing
    twice. Jobs that had not begun get no outcome: they are what they were before the run.

    Parameters
    ----------
    remains
        Gives what a job that ran has left behind.
    """
    run = said.opened.run
    branch = _branch(store, said.opened)
    store.bring_back(branch)
    there, number = store.outcomes(run, store.repository.tip(branch))
    earlier = store.outcomes(run, said.committed.commit)[0] if said.committed else []
    ended = [*earlier, *_without([*said.ended, *there], earlier)]
    cut = [_cut(run.id, start, remains(start) if remains else Remains()) for start in said.running]
    known = [*ended, *_without(cut, ended)]
    outcomes = [outcome for outcome in known if outcome.began]
    counting = last_attempts(outcomes)
    counts: dict[str, int] = {}
    for outcome in counting:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    summary = Summary(
        schema=SCHEMA, run=run.id, finished=said.closed or now(), duration_s=0.0, counts=ordered(counts),
        skipped_up_to_date=said.opened.skipped, untouched=run.jobs - len(counting),
        causes=group_causes(o for o in last_attempts(known) if o.is_amiss),
    )  # fmt: skip
    process = _process(run, said.opened.frozen)
    changes = outcome_files(store, process, _without(outcomes, there), number)
    changes |= _head(store, said.opened, branch)
    if not store.has_record(run, "summary.yaml", branch):
        changes["summary.yaml"] = write_summary(summary)
    if changes:
        records = {Project.run_record(run.id, name): data for name, data in changes.items()}
        trailers = _trailers(run)
        cut_off = " (cut off)" if len(counting) < run.jobs or cut else ""
        store.commit(records, f"{subject(run, counts)}{cut_off}", trailers, branch, run.author)
    if said.damaged:
        store.spool.keep_damaged(run.id)
    else:
        store.spool.remove(run.id)
    return summary


def commit_part(store: Store, said: Journaled, outcomes: Iterable[Outcome]) -> str:
    """Commit what has ended of a run that continues without its STOA; the caller holds the lock of the spool.

    Returns
    -------
    commit
        Its id; "" if everything is in git.
    """
    run, branch = said.opened.run, _branch(store, said.opened)
    store.bring_back(branch)
    there, number = store.outcomes(run, store.repository.tip(branch))
    ended = [*said.ended, *outcomes]
    fresh = [outcome for outcome in _without(ended, there) if outcome.began]
    if not fresh:
        return ""
    changes = outcome_files(store, _process(run, said.opened.frozen), fresh, number)
    changes |= _head(store, said.opened, branch)
    records = {Project.run_record(run.id, name): data for name, data in changes.items()}
    trailers = _trailers(run)
    so_far = len(last_attempts([*there, *fresh]))
    words = f"{run.process} @ {run.params.name}: {so_far} of {run.jobs} so far"
    return store.commit(records, words, trailers, branch, run.author)


def last_attempts(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Of several attempts at a job the last one, which counts."""
    found: dict[Key, Outcome] = {}
    for outcome in outcomes:
        key = (outcome.target, outcome.group)
        if key not in found or found[key].attempt <= outcome.attempt:
            found[key] = outcome
    return list(found.values())


def _branch(store: Store, opened: Opened) -> str:
    """The branch that takes the records of a run; the one that is checked out where the run's is gone."""
    branch = from_writable(opened.branch)
    if not store.repository.tip(branch) and store.repository.head():
        return store.repository.branch()
    return branch


def _head(store: Store, opened: Opened, branch: str) -> dict[str, bytes]:
    """The files that the first commit of a run brings."""
    if store.has_record(opened.run, "run.yaml", branch):
        return {}
    frozen = {f"frozen/{name}": data for name, data in opened.frozen.items()}
    return frozen | {"run.yaml": write_run(opened.run)}


def _brief(outcome: Outcome) -> Outcome:
    """What a cause group needs of an outcome."""
    return msgspec.structs.replace(outcome, inputs={}, outputs={}, results={}, log="")


def _key(of: Job | Outcome | Start) -> tuple[str, str, int]:
    return of.target, of.group, of.attempt


def _without(outcomes: Iterable[Outcome], others: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes of jobs that the others do not have, each once."""
    known = {_key(outcome) for outcome in others}
    found = {_key(outcome): outcome for outcome in outcomes if _key(outcome) not in known}
    return list(found.values())


def _cut(run: str, start: Start, left: Remains) -> Outcome:
    return Outcome(
        schema=SCHEMA, run=run, target=start.target, group=start.group, attempt=start.attempt,
        status=Status.INTERRUPTED, cause=CUT_OFF, start=start.time if left.began else "", place=left.place,
        log=left.log,
    )  # fmt: skip
