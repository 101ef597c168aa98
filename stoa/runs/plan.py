"""What would run and why, from the records and the definitions alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from stoa.errors import StoaError
from stoa.exec.job.inputs import changed_inputs
from stoa.model import FileRef, Need, Override, Status, Target, Value, effective
from stoa.provenance.index import decode_run
from stoa.runs.definitions import Definitions, definition_changes, resolve
from stoa.runs.environments import Chosen, Present, choose_environments
from stoa.runs.images import Choice, Choices
from stoa.runs.needs import Given, Needs, Reasons, changes
from stoa.runs.overrides import choose_overrides
from stoa.workspace.live import LiveRun
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import Selection, choose, is_bad

RETRIED = (Status.INTERRUPTED, Status.ERROR)
"""Statuses that say nothing about the target, so that the next run tries again."""


_LEFT_TO_RUN = {
    "running": "is running in {}",
    "submitted": "is at a cluster in {} (`stoa collect` takes what has ended)",
    "orphaned": "is running in {}, whose STOA was killed (`stoa stop` ends its jobs)",
    "elsewhere": "is running in {} on another machine",
    "cut off": "was running in {}, which was cut off and is not in git yet",
}
"""Why a job is left alone, by the state of the live run that it belongs to."""


class PlannedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One target (or image group of it) and what is to be done with it."""

    target: str
    group: str
    state: str  # new, stale or the status of the latest outcome
    reason: str  # why it runs or why it is left alone
    runs: bool
    missing: str = ""  # what the process needs and is not there: such a job ends as blocked
    inputs: dict[str, str | None] = {}  # input -> file below the target's folder
    meta: str = ""  # object id of the metadata document
    needs: dict[str, FileRef] = {}  # outputs of other processes, by their names in the outcome's inputs
    waits: str = ""  # why a job is left alone that the chain would run, after what it needs
    environment: str = ""  # where a rule chose another one than the run's
    environment_reason: str = ""
    overrides: dict[str, Override] = {}  # values that rules of the parameter set give to the target

    @property
    def ends_blocked(self) -> bool:
        """Whether it takes part in the run only to say what is missing."""
        return self.runs and bool(self.missing)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Which strata the jobs of a plan fall into of which a few run first.

    Attributes
    ----------
    strata
        Job (target and image group) -> number of its stratum, for all jobs that would run.
    left
        How many of them are not among the few.
    """

    strata: dict[tuple[str, str], int]
    left: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every job that a run would look at."""

    definitions: Definitions
    jobs: tuple[PlannedJob, ...]
    sample: Sample | None = None  # where a few of its jobs stand for the rest

    @property
    def to_run(self) -> tuple[PlannedJob, ...]:
        return tuple(job for job in self.jobs if job.runs)

    def left_alone(self, *, chain: bool = False) -> dict[str, int]:
        """How many jobs do not run, by reason without what differs from target to target.

        Parameters
        ----------
        chain
            What they need runs first.
        """
        found: dict[str, int] = {}
        for job in self.jobs:
            if not job.runs:
                reason = f"{job.state} before" if job.reason.startswith(f"{job.state}: ") else job.reason
                reason = f"after that, as {job.waits}" if chain and job.waits else reason
                found[reason] = found.get(reason, 0) + 1
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))


class Past(msgspec.Struct, frozen=True):
    """What a plan needs of the latest outcome of a job, decoded from its record."""

    run: str
    status: Status
    cause: str = ""
    meta: str = ""
    inputs: dict[str, FileRef] = {}
    changed_inputs: tuple[str, ...] = ()
    environment: str = ""
    overrides: dict[str, Override] = {}


_PAST = msgspec.json.Decoder(Past)


def latest(ws: Workspace, process: str, params: str, names: Iterable[str]) -> Iterator[dict[str, Past]]:
    """For each target its latest outcomes by image group, one target after the other."""
    index = ws.index
    sql = (
        "SELECT l.grp, o.record FROM current l JOIN outcomes o ON o.id = l.outcome"
        " WHERE l.process = ? AND l.params = ? AND l.target = ?"
    )
    for name in names:
        yield {group: _PAST.decode(record) for group, record in index.rows(sql, (process, params, name))}


def make_plan(ws: Workspace, definitions: Definitions, selection: Selection) -> Plan:
    """What a run of these definitions over these targets would do; heals runs that were cut off."""
    ws.heal()
    names = choose(ws, selection, definitions.process.name, definitions.params.name)
    return _planned(ws, definitions, names, selection)


def _planned(ws: Workspace, definitions: Definitions, names: list[str], selection: Selection) -> Plan:
    stale = {need.process: _stale(ws, need, names) for need in definitions.process.needs}
    chosen = choose_environments(ws, definitions.places, names)
    overrides = choose_overrides(ws, definitions.params, names)
    with ws.index.reading(), ws.checksums.many():
        judge = _Judge(ws, definitions, selection, Needs(ws, definitions.process, stale), chosen, overrides)
        choices = Choices(ws, definitions.process)
        # One target after the other: documents and records of a hundred thousand would fill the memory.
        past = latest(ws, definitions.process.name, definitions.params.name, names)
        jobs = tuple(
            job
            for name, before in zip(names, past, strict=True)
            for job in judge.jobs(ws.targets[name], choices.of(name), before)
        )
    choices.keep()
    return Plan(definitions=definitions, jobs=jobs)


def _stale(ws: Workspace, need: Need, names: list[str]) -> Reasons:
    """Jobs of a needed process that would be run again, and why."""
    plan = _planned(ws, resolve(ws, need.process, need.params), names, Selection())
    return {(job.target, job.group): job.reason for job in plan.jobs if job.state == "stale"}


class _Judge:
    """Decides job by job; holds what is the same for all."""

    def __init__(
        self,
        ws: Workspace,
        definitions: Definitions,
        selection: Selection,
        needs: Needs,
        chosen: Mapping[str, Chosen],
        overrides: Mapping[str, dict[str, Override]],
    ) -> None:
        self.ws = ws
        self.needs = needs
        self.definitions = definitions
        self.selection = selection
        self.flags = flagged(ws)
        self.live = _live_jobs(ws, definitions)
        self.chosen = chosen  # environment by target, where a rule fits
        self.overrides = overrides  # values by target, where a rule fits
        self._present = Present(ws.project, definitions.places)
        self._changes: dict[object, str] = {}
        self._roots: dict[str, str] = {}

    def jobs(
        self, target: Target, described: tuple[str, tuple[Choice, ...]], past: Mapping[str, Past]
    ) -> Iterator[PlannedJob]:
        oid, choices = described
        for one in choices:
            known = past.get(one.group)
            given = self.needs.of(target.name, one.group)
            state, reason = self._state(target, known, one, given, oid)
            runs, reason = self._decide((target.name, one.group), known, state, reason)
            waits = given.waits if runs and not self.selection.force else ""
            if waits:
                runs, reason = False, f"{given.waits} (`stoa run --all {self.definitions.process.name}` runs both)"
            missing = one.missing or given.missing or (self._absent(target, one.inputs, given) if runs else "")
            yield PlannedJob(
                target=target.name, group=one.group, state=state, reason=reason, runs=runs, missing=missing,
                inputs=one.inputs, meta=oid[:12], needs=given.files, waits=waits, environment=self._chosen(target).name,
                environment_reason=self._chosen(target).reason, overrides=self.overrides.get(target.name, {}),
            )  # fmt: skip

    def _state(self, target: Target, known: Past | None, job: Choice, given: Given, oid: str) -> tuple[str, str]:
        if known is None:
            return "new", "no outcome yet"
        status = known.status
        if status == Status.BLOCKED:
            lack = job.missing or given.missing or self._absent(target, job.inputs, given)
            return ("blocked", lack) if lack else ("stale", "what was missing is there now")
        changed = self._definitions_changed(known, target)
        changed = changed or self._inputs_changed(target, known, job.inputs, oid)
        changed = changed or given.missing or "; ".join(changes(known.inputs, given.files)) or given.waits
        if changed:
            return "stale", changed
        if status == Status.OK:
            return "ok", "up to date"
        return status.value, known.cause or status.value

    def _chosen(self, target: Target) -> Chosen:
        return self.chosen.get(target.name, Chosen())

    def _definitions_changed(self, past: Past, target: Target) -> str:
        environment, overrides = self._chosen(target).name, self.overrides.get(target.name, {})
        key = past.run, past.environment, environment, _hashable(past.overrides), _hashable(overrides)
        if key not in self._changes:
            run = decode_run(self.ws.index.rows("SELECT record FROM runs WHERE run = ?", (past.run,))[0][0])
            now = self.definitions
            values = effective(run.params.values, past.overrides), effective(now.params.values, overrides)
            words = definition_changes(run, now, *values)
            words.append(self._present.change_since(run, past.environment, environment))
            self._changes[key] = "; ".join(filter(None, words))
        return self._changes[key]

    def _inputs_changed(self, target: Target, past: Past, inputs: Mapping[str, str | None], oid: str) -> str:
        process = self.definitions.process
        if not process.inputs and not process.needs:
            changed = past.meta and oid and past.meta != oid[:12]
            return "the metadata of the folder changed" if changed else ""
        words = []
        for name, file in inputs.items():
            old = past.inputs.get(name)
            new = f"{target.root}:{'/'.join(part for part in (target.path, file) if part)}" if file else ""
            if (old.path if old else "") != new:
                moved = old and file and _leaf(old) == file.rpartition("/")[2]  # then the names say nothing
                before, after = (old.path, new) if old and moved else (_leaf(old), file or "none")
                words.append(f"input {name}: {before} -> {after}")
            elif old and self._content_changed(old):
                meanwhile = name in changed_inputs(past.changed_inputs, past.cause)
                how = "changed while the last job ran" if meanwhile else "was delivered anew"
                words.append(f"input {name} {how}")
        return "; ".join(words)

    def _content_changed(self, old: FileRef) -> bool:
        root, _, path = old.path.partition(":")
        place = self._root(root)
        try:
            if not place:
                return False  # not on this machine: the metadata document is all there is to go by
            size, sha256 = self.ws.checksums.of(os.path.join(place, path))
        except OSError:
            return False
        return size != old.size or (bool(old.sha256) and sha256 != old.sha256)

    def _absent(self, target: Target, inputs: Mapping[str, str | None], given: Given) -> str:
        """What of a target is gone from its root; nothing if the root itself is not on this machine."""
        root = self._root(target.root)
        if not root:
            return ""
        folder = os.path.join(root, target.path)
        if not os.path.isdir(folder):
            return f"the folder {target.root}:{target.path} is not there"
        gone = [name for name, file in inputs.items() if file and not os.path.isfile(os.path.join(folder, file))]
        if gone:
            return f"input {gone[0]} is not there: {inputs[gone[0]]} (`stoa meta build` looks anew)"
        lost = [ref.path for ref in given.files.values() if not self.ws.project.file(ref).exists()]
        return f"{lost[0]} is not on this machine (`stoa rerun` of its run makes it again)" if lost else ""

    def _root(self, name: str) -> str:
        """Where a root lies on this machine, "" where it does not."""
        if name not in self._roots:
            try:
                place = self.ws.project.root(name)
                self._roots[name] = str(place) if place.is_dir() else ""
            except StoaError:
                self._roots[name] = ""
        return self._roots[name]

    def _decide(self, job: tuple[str, str], known: Past | None, state: str, reason: str) -> tuple[bool, str]:
        """Whether a job runs, and the reason in words."""
        chosen = self.selection
        if job in self.live:
            return False, self.live[job]
        if chosen.force:
            return True, "forced"
        if not chosen.names_states:
            return _by_default(state, reason)
        status, cause = (known.status.value, known.cause) if known else ("", "")
        flags = self.flags.get(job[0], [])
        picked = [
            (chosen.new and state == "new", "new"),
            (chosen.stale and state == "stale", reason),
            (chosen.failed and is_bad(status), f"{status} before"),
            (chosen.flagged and bool(flags), f"flagged: {', '.join(flags)}"),
            (bool(chosen.like) and chosen.like in cause, "its cause fits"),
        ]
        for fits, why in picked:
            if fits:
                return True, why
        return False, "not selected" if state != "ok" else "up to date"


def _by_default(state: str, reason: str) -> tuple[bool, str]:
    """Whether a job runs when no state is asked for: what failed is left alone."""
    if state in RETRIED:
        return True, f"{state} before"
    if state in ("new", "stale", "ok"):
        return state != "ok", reason
    return False, f"{state}: {reason}"


def _hashable(overrides: Mapping[str, Override]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, given.value) for name, given in overrides.items())


def _leaf(ref: FileRef | None) -> str:
    return ref.path.rpartition("/")[2] if ref else "none"


def without_live(ws: Workspace, plan: Plan) -> Plan:
    """A plan without the jobs that another run has begun since it was made.

    Raises
    ------
    StoaError
        If no job is left.
    """
    live = _live_jobs(ws, plan.definitions)
    jobs = tuple(_left(job, live.get((job.target, job.group), "")) for job in plan.jobs)
    fresh = msgspec.structs.replace(plan, jobs=jobs)
    if not fresh.to_run:
        raise StoaError("another run has just begun with all of these jobs", "`stoa status` shows how far it is")
    return fresh


def _left(job: PlannedJob, reason: str) -> PlannedJob:
    return msgspec.structs.replace(job, runs=False, reason=reason) if job.runs and reason else job


def _live_jobs(ws: Workspace, definitions: Definitions) -> dict[tuple[str, str], str]:
    """Jobs of the same process and set that belong to a live run, and why they are left to it."""
    found: dict[tuple[str, str], str] = {}
    for run, live in ws.live().items():
        if (live.run.process, live.run.params.name) == (definitions.process.name, definitions.params.name):
            found.update(dict.fromkeys(_held(live), _LEFT_TO_RUN[live.state].format(run)))
    return found


def _held(live: LiveRun) -> Iterable[tuple[str, str]]:
    """Jobs that nobody else may begin: all of a live run, as what has ended may wait for its commit.

    Of one whose STOA was killed, what had ended is in git and the rest never began: only what goes on is held.
    """
    if live.state == "orphaned":
        return {(orphan.target, orphan.image_group) for orphan in live.orphans}
    return live.opened.jobs
