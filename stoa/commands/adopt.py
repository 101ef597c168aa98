"""Making outcomes of products that are older than the project."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from stoa import __version__
from stoa.errors import StoaError
from stoa.exec.job.cause import group_causes
from stoa.exec.liveness import Owner
from stoa.model import INCONCLUSIVE, SCHEMA, Outcome, Run
from stoa.provenance.committer import RunWriter
from stoa.provenance.ids import id_after, now
from stoa.provenance.store import ordered
from stoa.request import Selection
from stoa.runs.adopt import HAS_OUTCOME, Search, outcome_of, place_of, search, words
from stoa.runs.definitions import Definitions, resolve
from stoa.runs.description import describe_missing
from stoa.runs.environments import run_digests
from stoa.runs.judge import held_words
from stoa.runs.plan import judged
from stoa.runs.planned import PlannedJob
from stoa.workspace.ahead import newest_ahead
from stoa.workspace.latest import refresh
from stoa.workspace.live import recover_run
from stoa.workspace.names import asked_pair
from stoa.workspace.open import Workspace
from stoa.workspace.selection import choose

ENGINE = "adopted"
"""What a run of adopted outcomes has in the place of an engine."""


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """A job, the folder that was found for it, and how it counts."""

    target: str
    group: str
    folder: str  # <root>:<path>
    log: str  # its file below the tree; "" where none was found
    status: str
    cause: str


class AdoptReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was adopted, and what was left out.

    Attributes
    ----------
    run
        "" for a dry run, and where nothing was found.
    left
        Why -> jobs that were not adopted.
    strangers
        Folders of the tree that belong to no job.
    """

    run: str
    commit: str
    process: str
    params: str
    tree: str
    counts: dict[str, int]
    adopted: tuple[Adopted, ...]
    left: dict[str, tuple[str, ...]]
    strangers: tuple[str, ...]


def adopt(
    ws: Workspace,
    name: str,
    tree: Path,
    *,
    params: str = "",
    environment: str = "",
    patterns: tuple[str, ...] = (),
    log: str = "",
    targets: tuple[str, ...] = (),
    force: bool = False,
    dry_run: bool = False,
    asked: tuple[str, ...] = (),
) -> AdoptReport:
    """Record products that were made before STOA as outcomes of a process; the files stay where they are.

    Parameters
    ----------
    name
        ``PROCESS[@SET[+ENV]]``: what the products are taken to be made by, as it is defined now.
    tree
        Folder with the products, below a root of the project.
    patterns, log
        Where the folder and the log of a job are; see `stoa.runs.adopt.search`.
    force
        Also where a job has an outcome.
    dry_run
        Say what would be adopted and write nothing.

    Raises
    ------
    StoaError
        If a definition or a pattern is wrong, or the tree is below no root.
    """
    ws.ready()
    tree = tree.absolute()
    if not tree.is_dir():
        raise StoaError(f"{tree} is no folder", "`stoa adopt PROCESS --from FOLDER`")
    place = place_of(ws.project, tree)
    process, set_name, env = asked_pair(ws, name, params, environment)
    definitions = resolve(ws, process, set_name, {}, env or None)
    chosen = Selection(targets=targets)
    if not dry_run:
        describe_missing(ws, definitions, chosen)
    free, left = _free(judged(ws, definitions, choose(ws, chosen), chosen), force=force)
    found = search(ws, definitions.process, free, tree, patterns, log)
    run = id_after(ws.store.newest_run())
    outcomes = tuple(outcome_of(ws, definitions.process, run, one) for one in found.found)
    commit = "" if dry_run or not outcomes else _record(ws, definitions, run, outcomes, asked)
    return AdoptReport(
        run=run if commit else "", commit=commit, process=process, params=set_name, tree=place,
        counts=ordered(Counter(outcome.status.value for outcome in outcomes)), adopted=_rows(found, outcomes, tree),
        left=left | found.left, strangers=found.strangers,
    )  # fmt: skip


def _free(jobs: tuple[PlannedJob, ...], *, force: bool) -> tuple[list[PlannedJob], dict[str, tuple[str, ...]]]:
    """Jobs that an outcome may be recorded for, and why others are left out."""
    free: list[PlannedJob] = []
    left: dict[str, list[str]] = {}
    for job in jobs:
        why = ""
        if job.held:
            why = held_words(job.held)
        elif job.missing:
            why = job.missing
        elif not force and job.state not in ("new", *INCONCLUSIVE):
            why = HAS_OUTCOME
        if why:
            left.setdefault(why, []).append(words(job))
        else:
            free.append(job)
    return free, {why: tuple(names) for why, names in left.items()}


def _record(
    ws: Workspace, definitions: Definitions, run_id: str, outcomes: tuple[Outcome, ...], asked: tuple[str, ...]
) -> str:
    """Commit adopted outcomes as a run in which nothing ran."""
    run = Run(
        schema=SCHEMA, id=run_id, process=definitions.process.name, params=definitions.params,
        environment=definitions.environment.name, engine=ENGINE, author=ws.repository.author(),
        host=socket.gethostname(), started=now(), asked=asked, jobs=len(outcomes),
        targets=len({outcome.target for outcome in outcomes}),
        digests=definitions.digests | run_digests(definitions.places, {}), stoa_version=__version__,
        after=newest_ahead(ws),
    )  # fmt: skip
    owner: Mapping[str, str | int] = msgspec.to_builtins(Owner.here())
    keys = [(outcome.target, outcome.group) for outcome in outcomes]
    with ws.store.spool.lock():
        writer = RunWriter(ws.store, run, definitions.frozen, keys, owner, group_causes)
    try:
        for outcome in outcomes:
            writer.end(outcome)
        writer.finish()
        ws.remark(refresh(ws, definitions.pair, run.id))
    except BaseException:
        writer.close()
        with suppress(StoaError, OSError), ws.store.spool.lock():
            recover_run(ws.store, run.id)
        raise
    return writer.commits[-1]


def _rows(found: Search, outcomes: tuple[Outcome, ...], tree: Path) -> tuple[Adopted, ...]:
    return tuple(
        Adopted(
            target=outcome.target, group=outcome.group, folder=outcome.place,
            log=one.log.relative_to(tree).as_posix() if one.log and one.log.is_relative_to(tree) else "",
            status=outcome.status.value, cause=outcome.cause,
        )
        for one, outcome in zip(found.found, outcomes, strict=True)
    )  # fmt: skip
