"""Runs that are not in git as a whole: under way, without their STOA, out of sight, or cut off."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from stoa.durable import make_folder
from stoa.errors import StoaError
from stoa.exec.cluster.remote import chunk_folder, is_left
from stoa.exec.cluster.standing import Standing, standings
from stoa.exec.job.cause import group_causes
from stoa.exec.job.folder import move_folder
from stoa.exec.job.log import excerpt
from stoa.exec.liveness import Owner, alive
from stoa.exec.orphans import Orphan, orphans
from stoa.model import LiveState, Outcome, Run, Status
from stoa.project import LOG_FILE, PRODUCTS_ROOT, Project
from stoa.provenance.committer import Batch, Remains, last_attempts, recover
from stoa.provenance.dialect import RecordError
from stoa.provenance.git import check_ready
from stoa.provenance.ids import is_id
from stoa.provenance.journal import Journaled, Opened, Start, is_locked, read_journal
from stoa.provenance.store import Store, ordered
from stoa.workspace.gather import gather_left_behind, gather_part, is_due, is_left_behind, with_chunks
from stoa.workspace.healing import Healing, former_spool, in_words


class LiveRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the spool.

    `running`: its STOA lives. `submitted`: its jobs are on a cluster and continue without a STOA.
    `orphaned`: its STOA was killed, and jobs of the run continue without it; what had ended the next command that
    may commit puts into git, the rest when these jobs are over.
    `elsewhere`: it is held by another machine, of whose processes nothing is known here.
    `cut off`: nothing of it lives, and the next command that may commit puts it into git.
    """

    said: Journaled
    state: LiveState
    orphans: tuple[Orphan, ...]
    silent_s: float  # since its STOA last gave a sign of life
    standing: Standing | None = None  # of jobs that are elsewhere, where no STOA follows them

    @property
    def opened(self) -> Opened:
        return self.said.opened

    @property
    def run(self) -> Run:
        return self.said.opened.run

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs have ended, by status."""
        found = dict(self.said.committed.counts) if self.said.committed else {}
        ended: Iterable[Outcome] = self.said.ended
        if self.standing:  # its outcomes are all that were not blocked, those in git too
            found = {status: count for status, count in found.items() if status == Status.BLOCKED}
            ended = last_attempts(
                [*(o for o in self.said.ended if o.status is Status.BLOCKED), *self.standing.outcomes]
            )
        for outcome in ended:
            found[outcome.status.value] = found.get(outcome.status.value, 0) + 1
        return ordered(found)

    @property
    def owner(self) -> Owner:
        return msgspec.convert(self.said.opened.owner, Owner)

    @property
    def orphaned_jobs(self) -> int:
        return len({(orphan.target, orphan.image_group) for orphan in self.orphans})


def live_runs(store: Store) -> dict[str, LiveRun]:
    """The runs of the spool by id; one with an unreadable journal is left out, until `heal_runs` names it."""
    return _look(store)[0]


def _look(store: Store) -> tuple[dict[str, LiveRun], list[str]]:
    """Live runs, and those whose journals cannot be read."""
    said, unreadable = {}, []
    for run, folder in store.spool.runs().items():
        try:
            if journaled := read_journal(folder):
                said[run] = journaled
        except RecordError:
            unreadable.append(run)
    lives = {run: _lives(journaled, store.spool.folder / run) for run, journaled in said.items()}
    dead = [run for run, verdict in lives.items() if verdict is False]
    left = orphans(dead) if dead else ()
    places = {run: chunk_folder(store.spool.folder, run) for run in dead}
    there = {run: place for run, place in places.items() if place.is_dir()}
    stand = standings(there) if there else {}
    found = {
        run: LiveRun(
            said=journaled,
            state=_state(lives[run], mine := tuple(o for o in left if o.run == run), stand.get(run)),
            orphans=mine,
            silent_s=_silence_s(store.spool.folder / run),
            standing=stand.get(run),
        )
        for run, journaled in said.items()
    }
    return found, unreadable


def _lives(said: Journaled, folder: Path) -> bool | None:
    """Whether the process that holds a run has it under way; None where one cannot know."""
    if is_left(chunk_folder(folder.parent, folder.name)):
        return is_locked(folder)
    owner = msgspec.convert(said.opened.owner, Owner)
    verdict = alive(owner)
    if verdict is not False and said.opened.locked and owner.same_kernel():
        return is_locked(folder)  # also a process that lives, or a container's, may have let go of the run
    return verdict


def _state(lives: Literal[True, False] | None, left: tuple[Orphan, ...], standing: Standing | None) -> LiveState:
    if lives is None:
        return "elsewhere"
    if lives:
        return "running"
    if standing and not standing.over:
        return "submitted"
    return "orphaned" if left else "cut off"


def _silence_s(folder: Path) -> float:
    try:
        return max(0.0, time.time() - (folder / "journal").stat().st_mtime)
    except OSError:
        return 0.0


def heal_runs(store: Store, returned: str) -> Healing:
    """Put the runs that were cut off into git, and remove what killed commands left half made.

    Of runs that continue without their STOA what has ended is put there. Where nothing can be
    committed now nothing is done, and the reason is given.

    Parameters
    ----------
    returned
        Records that were put back on the branch just before, in words.
    """
    waiting: list[str] = []
    try:
        _take_in_former_spool(store)
        found, unreadable = _look(store)
        dead = [run for run, live in found.items() if live.state == "cut off"]
        due = [live for live in found.values() if _is_due(store, live)]
        waiting = [*dead, *(live.run.id for live in due if live.state == "orphaned")]
        if not (dead or due or unreadable or store.spool.has_leftovers()):
            return Healing(damaged=store.spool.damaged(), returned=returned)
        check_ready(store.repository)
        with store.spool.lock() as locked:
            store.spool.sweep(locked=locked)
            dead, unreadable = _dead(store)  # someone else may have healed them meanwhile
            for run in unreadable:
                store.spool.keep_damaged(run)
            healed = tuple(run for run in dead if recover_run(store, run))
            for live in due:
                _take_part(store, live)
    except (StoaError, OSError) as problem:
        names = f"not in git yet: {', '.join(waiting)}: " if waiting else ""
        return Healing(hindered=f"{names}{in_words(problem)}", damaged=store.spool.damaged(), returned=returned)
    return Healing(healed, damaged=store.spool.damaged(), returned=returned)


def _take_in_former_spool(store: Store) -> None:
    """Move runs that an earlier version of STOA had in `.stoa/spool` to where they are looked for now.

    One that still runs there is left to its process.
    """
    former = former_spool(store)
    for folder in sorted(former.iterdir()) if former else ():
        if is_id(folder.name) and (folder / "journal").is_file() and not is_locked(folder):
            make_folder(store.spool.folder)
            move_folder(str(folder), str(store.spool.folder / folder.name))


def _is_due(store: Store, live: LiveRun) -> bool:
    if live.state == "orphaned":
        return is_left_behind(store.spool.folder / live.run.id, live.said)
    folder = chunk_folder(store.spool.folder, live.run.id)
    return live.state == "submitted" and live.standing is not None and is_due(folder, live.standing, Batch())


def _take_part(store: Store, live: LiveRun) -> None:
    """Commit what has ended of a run that continues; someone else may have been faster."""
    if not read_journal(store.spool.folder / live.run.id):
        return
    if live.state == "orphaned":
        gather_left_behind(store, live.said)
    elif live.standing:
        gather_part(store, live.said, live.standing)


def _dead(store: Store) -> tuple[list[str], list[str]]:
    found, unreadable = _look(store)
    return [run for run, live in found.items() if live.state == "cut off"], unreadable


def recover_run(store: Store, run: str) -> bool:
    """Put one run into git as it is in its journal; the caller holds the lock of the spool."""
    said = read_journal(store.spool.folder / run)
    if said is None:
        return False
    recover(store, with_chunks(store, said), group_causes, partial(_remains, store.project, said.opened.run))
    with suppress(StoaError):
        work = Project.job_place(said.opened.run.process, run, "", kind=".work")
        shutil.rmtree(store.project.root(PRODUCTS_ROOT) / work, ignore_errors=True)
    return True


def _remains(project: Project, run: Run, start: Start) -> Remains:
    """Directory and log of a job that was cut off; the directory is kept as that of a failed job is."""
    work, failed, done = (
        Project.job_place(run.process, run.id, start.target, start.group, kind=kind) for kind in (".work", "failed", "")
    )
    try:
        products = project.root(PRODUCTS_ROOT).absolute()
        if (products / work).is_dir():
            move_folder(str(products / work), str(products / failed))
        if (products / failed).is_dir():
            return Remains(f"{PRODUCTS_ROOT}:{failed}", _log(products / failed / LOG_FILE))
        if products.is_dir() and not (products / done).is_dir():
            return Remains(began=False)  # it waited for a worker: a job begins by making its directory
    except (OSError, StoaError):
        pass  # what it left cannot be reached from here
    return Remains()


def _log(file: Path) -> str:
    # A script can put anything in the place of its log; opening a pipe would wait for ever.
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return excerpt(descriptor) if stat.S_ISREG(os.fstat(descriptor).st_mode) else ""
    finally:
        os.close(descriptor)
