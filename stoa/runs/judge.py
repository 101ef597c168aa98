"""Whether a job runs, and why: from its latest outcome, the definitions, its inputs and what was asked."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from stoa.errors import StoaError
from stoa.exec.job.cause import normalise
from stoa.exec.job.inputs import changed_inputs
from stoa.model import INCONCLUSIVE, FileRef, Outcome, Override, Status, Target, Value, effective
from stoa.provenance.index import decode_run
from stoa.request import Selection
from stoa.runs.definitions import Definitions, definition_changes
from stoa.runs.environments import Chosen, Present
from stoa.runs.images import Choice
from stoa.runs.needs import Given, Needs, changes
from stoa.runs.patterns import with_found
from stoa.runs.planned import Because, Held, PlannedJob
from stoa.runs.restore import find
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged
from stoa.workspace.selection import is_bad

if TYPE_CHECKING:
    from stoa.workspace.live import LiveRun

_LEFT_TO_RUN = {
    "running": "is running in {}",
    "submitted": "is on the cluster in {} (`stoa collect` takes what has ended)",
    "orphaned": "is running in {}, whose STOA was killed (`stoa stop` ends its jobs)",
    "elsewhere": "is running in {} on another machine",
    "cut off": "was running in {}, which was cut off and is not in git yet",
}
"""Why a job is left alone, by the state of the live run that it belongs to."""


def held_words(held: Held) -> str:
    """Why a job that belongs to a live run is left alone."""
    return _LEFT_TO_RUN[held.state].format(held.run)


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


MOST_READ = 10_000_000
"""How large a file may be, in bytes, that a look with a time limit reads."""


class TooLong(Exception):
    """A look at the inputs would take longer than it may."""


class Judge:
    """Decides job by job; holds what is the same for all."""

    def __init__(
        self,
        ws: Workspace,
        definitions: Definitions,
        selection: Selection,
        needs: Needs,
        chosen: Mapping[str, Chosen],
        overrides: Mapping[str, dict[str, Override]],
        until: float | None = None,
    ) -> None:
        self.ws = ws
        self.needs = needs
        self.definitions = definitions
        self.selection = selection
        self.flags = flagged(ws)
        self.live = live_jobs(ws, definitions)
        self.chosen = chosen  # environment by target, where a rule matches
        self.overrides = overrides  # values by target, where a rule matches
        self._until = until  # when to give up, by the monotonic clock
        self._present = Present(ws.project, definitions.places)
        self._changes: dict[object, str] = {}
        self._roots: dict[str, str] = {}

    def jobs(
        self, target: Target, described: tuple[str, tuple[Choice, ...]], past: Mapping[str, Past]
    ) -> Iterator[PlannedJob]:
        oid, choices = described
        if self._until and time.monotonic() > self._until:
            raise TooLong
        for choice in choices:
            known = past.get(choice.group)
            one = self._with_found(target, choice, known)
            given = self.needs.of(target.name, one.group)
            state, state_reason = self._state(target, known, one, given, oid)
            held = self.live.get((target.name, one.group))
            runs, because, reason = self._decide(target.name, one.group, held, known, state, state_reason)
            waits = given.waits if runs and not self.selection.force else ""
            if waits:
                reason = f"{given.waits} (`stoa run --all {self.definitions.process.name}` runs both)"
                runs, because = False, "waits"
            missing = one.missing or given.missing or (self._absent(target, one.inputs, given) if runs else "")
            restores = None
            if because in ("new", "stale", "again") and runs and not missing:
                restores = self._restored(target, one, given, oid)
            yield PlannedJob(
                target=target.name, group=one.group, state=state, reason=reason, state_reason=state_reason, runs=runs,
                because=because, held=held, missing=missing, inputs=one.inputs, meta=oid[:12], needs=given.files,
                skips=one.skips, waits=waits, restores=restores,
                environment=self._chosen(target).name, environment_reason=self._chosen(target).reason,
                overrides=self.overrides.get(target.name, {}),
            )  # fmt: skip

    def _state(self, target: Target, known: Past | None, job: Choice, given: Given, oid: str) -> tuple[str, str]:
        if known is None:
            return "new", "no outcome yet"
        status = known.status
        if status in INCONCLUSIVE:  # of what it says nothing about, nothing is stale
            return status.value, known.cause or status.value
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

    def _restored(self, target: Target, job: Choice, given: Given, oid: str) -> Outcome | None:
        """An earlier outcome that says what a run would say, whose products are here."""
        if not self._any_ok:
            return None

        def up_to_date(outcome: Outcome) -> bool:
            past = Past(
                run=outcome.run, status=outcome.status, cause=outcome.cause, meta=outcome.meta, inputs=outcome.inputs,
                changed_inputs=outcome.changed_inputs, environment=outcome.environment, overrides=outcome.overrides,
            )  # fmt: skip
            return self._state(target, past, job, given, oid)[0] == Status.OK

        return find(self.ws, self.definitions.process.name, target.name, job.group, up_to_date)

    @cached_property
    def _any_ok(self) -> bool:
        """Whether the process ever had an ok outcome."""
        sql = "SELECT EXISTS (SELECT 1 FROM latest WHERE process = ? AND status = 'ok')"
        return bool(self.ws.index.rows(sql, (self.definitions.process.name,))[0][0])

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
                how = "changed while the last job ran" if meanwhile else "was delivered again"
                words.append(f"input {name} {how}")
        return "; ".join(words)

    def _content_changed(self, old: FileRef) -> bool:
        root, _, path = old.path.partition(":")
        place = self._root(root)
        try:
            if not place:
                return False  # not on this machine: the metadata document is all there is to go by
            file = os.path.join(place, path)
            size, sha256 = self.ws.checksums.known(file)
            if size != old.size or not old.sha256:
                return size != old.size
            if not sha256:  # neither size nor times say whether it changed
                if self._until and size > MOST_READ:
                    raise TooLong
                sha256 = self.ws.checksums.of(file)[1]
        except OSError:
            return False
        return sha256 != old.sha256

    def _with_found(self, target: Target, choice: Choice, past: Past | None) -> Choice:
        root = self._root(target.root)
        folder = os.path.join(root, target.path) if root else ""
        return with_found(self.definitions.process, choice, target, folder, past.inputs if past else {})

    def _absent(self, target: Target, inputs: Mapping[str, str | None], given: Given) -> str:
        """What of a target is gone from its root; nothing if the root itself is not on this machine."""
        root = self._root(target.root)
        if not root:
            return ""
        folder = os.path.join(root, target.path)
        if not os.path.isdir(folder):
            return f"the folder {target.root}:{target.path} is not there"
        by_role = [name for name, spec in self.definitions.process.inputs.items() if spec.role]
        gone = [
            name for name in by_role if (file := inputs.get(name)) and not os.path.isfile(os.path.join(folder, file))
        ]
        if gone:
            return f"input {gone[0]} is not there: {inputs[gone[0]]} (`stoa meta build` looks again)"
        products, again = self.ws.products, "`stoa rerun` of its run makes it again"
        for ref in given.files.values():
            if not products.file(ref).exists():
                return f"{ref.path} is not on this machine ({again})"
            if ref.sha256 and products.here(ref) is None:
                return f"{ref.path} is not as its run wrote it ({again})"
        return ""

    def _root(self, name: str) -> str:
        """Where a root is on this machine, "" where it is not."""
        if name not in self._roots:
            try:
                place = self.ws.project.root(name)
                self._roots[name] = str(place) if place.is_dir() else ""
            except StoaError:
                self._roots[name] = ""
        return self._roots[name]

    def _decide(
        self, target: str, group: str, held: Held | None, known: Past | None, state: str, reason: str
    ) -> tuple[bool, Because, str]:
        """Whether a job runs, why, and the reason in words."""
        chosen = self.selection
        if held:
            return False, "held", held_words(held)
        if chosen.force:
            return True, "forced", "forced"
        if not chosen.names_states:
            return _by_default(state, reason)
        status, cause = (known.status.value, known.cause) if known else ("", "")
        flags = self.flags.get(target, [])
        picked: list[tuple[bool, Because, str]] = [
            (chosen.new and state == "new", "new", "new"),
            (chosen.stale and state == "stale", "stale", reason),
            (chosen.failed and is_bad(status), "failed", f"{status} before"),
            (chosen.flagged and bool(flags), "flagged", f"flagged: {', '.join(flags)}"),
            (not chosen.names_kinds, "cause", "its cause matches"),
        ]
        for matches, because, why in picked:
            if matches and (not chosen.like or has_cause(chosen.like, cause, target, group)):
                return True, because, why
        return (False, "not selected", "not selected") if state != "ok" else (False, "up to date", "up to date")


def has_cause(like: str, cause: str, target: str, group: str) -> bool:
    """Whether a text is part of a cause, or of what is left of it without the names of the job."""
    return like in cause or like in normalise(cause, target, group)


def out_of_reach(
    ws: Workspace, chosen: Selection, asked_for: Collection[str], with_outcome: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Flagged targets that `--flagged` asks for and that cannot take part, by the reason.

    Parameters
    ----------
    asked_for
        Targets that the names and the expression of the selection choose.
    with_outcome
        Targets that have an outcome to run again.
    """
    if not chosen.flagged:
        return {}
    flags = flagged(ws)
    unlisted = [] if chosen.targets or chosen.where or chosen.tags else sorted(flags.keys() - ws.targets.keys())
    found = {
        "in no list": tuple(unlisted),
        "without an outcome": tuple(sorted((flags.keys() & set(asked_for)) - set(with_outcome))),
    }
    return {why: targets for why, targets in found.items() if targets}


def _by_default(state: str, reason: str) -> tuple[bool, Because, str]:
    """Whether a job runs when no state is asked for: what failed is left alone."""
    if state in INCONCLUSIVE:
        return True, "again", f"{state} before"
    if state == "ok":
        return False, "up to date", reason
    if state in ("new", "stale"):
        return True, "new" if state == "new" else "stale", reason
    return False, "ended", f"{state}: {reason}"


def _hashable(overrides: Mapping[str, Override]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, given.value) for name, given in overrides.items())


def _leaf(ref: FileRef | None) -> str:
    return ref.path.rpartition("/")[2] if ref else "none"


def live_jobs(ws: Workspace, definitions: Definitions) -> dict[tuple[str, str], Held]:
    """Jobs of the same pair that belong to a live run, and the run that they are left to."""
    found: dict[tuple[str, str], Held] = {}
    for run, live in ws.live().items():
        if Pair(live.run.process, live.run.params.name, live.run.environment) == definitions.pair:
            found.update(dict.fromkeys(_jobs_of(live), Held(run, live.state)))
    return found


def _jobs_of(live: LiveRun) -> Iterable[tuple[str, str]]:
    """Jobs that no one else may begin: all of a live run, as what has ended may wait for its commit.

    Of one whose STOA was killed, what had ended is in git and the rest never began: only what continues is held.
    """
    if live.state == "orphaned":
        return {(orphan.target, orphan.image_group) for orphan in live.orphans}
    return live.opened.jobs
