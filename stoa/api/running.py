"""Runs: planned, carried out, run again, stopped, collected."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import stoa.commands.stop
from stoa.api.displays import ShownList
from stoa.api.following import FollowedRun, begin, followed, followed_html, under_way
from stoa.api.opened import AnyPath, Opened, names_of, several, text_of, texts_of
from stoa.commands import update
from stoa.commands.adopt import AdoptReport, adopt
from stoa.commands.collect import Collected, collect
from stoa.commands.plan import plan
from stoa.commands.reproduce import ReproduceReport, reproduce
from stoa.commands.rerun import rerun
from stoa.commands.run import run
from stoa.commands.why import why
from stoa.request import Request, Selection
from stoa.runs.launch import Ended, Event, RunReport
from stoa.runs.planned import Plan, PlannedJob
from stoa.runs.sweep import combined, read_sets
from stoa.runs.typed import command_of
from stoa.show.notebook import reasons_html
from stoa.workspace.names import asked_pair

Targets = str | Iterable[str]


class Running(Opened):
    """Runs: planned, carried out, run again, stopped, collected.

    The keywords are the options of the command line. `targets` are names or patterns, `where` is an SQL expression
    over the targets' columns; `new`, `stale`, `failed` and `flagged` choose jobs by their states, `force` takes all.
    """

    def plan(
        self,
        process: str,
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        env: str | None = None,
        targets: Targets = (),
        where: str = "",
        tags: str | Iterable[str] = (),
        new: bool = False,
        stale: bool = False,
        failed: bool = False,
        flagged: bool = False,
        force: bool = False,
    ) -> Plan:
        """What `run` with the same arguments would do."""
        chosen = _chosen(targets, where, tags, new=new, stale=stale, failed=failed, flagged=flagged, force=force)
        (made,) = plan(
            self.workspace,
            Request(process=process, params=params, environment=env, sets=_one_set(settings), selection=chosen),
        )
        return made

    def why(self, process: str, name: str, params: str = "", *, env: str = "") -> list[PlannedJob]:
        """Why the jobs of a target would run or be left alone."""
        ws = self.workspace
        process, params, env = asked_pair(ws, process, params, env)
        return ShownList(why(ws, process, name, params, env or None), reasons_html)

    def run(
        self,
        process: str,
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        env: str | None = None,
        targets: Targets = (),
        where: str = "",
        tags: str | Iterable[str] = (),
        new: bool = False,
        stale: bool = False,
        failed: bool = False,
        flagged: bool = False,
        force: bool = False,
        canary: int = 0,
        jobs: int = 0,
        engine: str = "local",
        message: str = "",
    ) -> RunReport:
        """Run a process, or ``PROCESS@SET``, and commit one outcome for each job.

        Parameters
        ----------
        settings
            Parameter -> value, instead of those of the parameter set.
        env
            Environment instead of the process's own.
        canary
            Run only this many jobs, sampled from every kind of target; 0 runs all.
        jobs
            Number of parallel jobs; 0 is one for each processor core.

        Raises
        ------
        StoaError
            If nothing could begin. A script that fails raises nothing: see `RunReport.counts`.
        """
        chosen = _chosen(targets, where, tags, new=new, stale=stale, failed=failed, flagged=flagged, force=force)
        request = Request(
            process=process, params=params, environment=env, sets=_one_set(settings), selection=chosen, canary=canary,
            workers=jobs, engine=engine, message=message, asked=("stoa.open().run", process),
        )  # fmt: skip
        return _ended(run(self.workspace, request))[0]

    def start(
        self,
        process: str,
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        env: str | None = None,
        targets: Targets = (),
        where: str = "",
        tags: str | Iterable[str] = (),
        new: bool = False,
        stale: bool = False,
        failed: bool = False,
        flagged: bool = False,
        force: bool = False,
        canary: int = 0,
        jobs: int = 0,
        engine: str = "local",
        message: str = "",
    ) -> FollowedRun:
        """Start what `run` with the same arguments runs, as a process that continues without this one.

        A notebook shows how far it is, with buttons that stop it, and stays free for other cells.

        Returns
        -------
        run
            `look` says how far it is, `wait` waits for its end, `stop` stops it. After a restart `live` and `follow`
            find it again.

        Raises
        ------
        StoaError
            If records cannot be committed now. `wait` and the display report what is wrong with the request.
        """
        chosen = _chosen(targets, where, tags, new=new, stale=stale, failed=failed, flagged=flagged, force=force)
        request = Request(
            process=process, params=params, environment=env, settings=texts_of(settings or {}), selection=chosen,
            canary=canary, workers=jobs, engine=engine, message=message,
        )  # fmt: skip
        return begin(self.workspace, command_of(request), (process, params))

    def live(self) -> list[FollowedRun]:
        """The runs that are under way, the newest first, whoever started them."""
        return ShownList(under_way(self.workspace), followed_html)

    def follow(self, run: str = "last") -> FollowedRun:
        """A run by its id or the start of it; ``last`` is the newest one that is live, or else the newest in git.

        Directly after `start` the newest one is that run, also before it has a record.

        Raises
        ------
        StoaError
            If there is no such run.
        """
        return followed(self.workspace, run)

    def run_all(
        self,
        process: str = "",
        params: str = "",
        *,
        targets: Targets = (),
        where: str = "",
        tags: str | Iterable[str] = (),
        new: bool = False,
        stale: bool = False,
        failed: bool = False,
        flagged: bool = False,
        force: bool = False,
        jobs: int = 0,
        engine: str = "local",
        message: str = "",
    ) -> list[RunReport]:
        """Run what a process needs and then the process; without a name every process of the project, in order."""
        chosen = _chosen(targets, where, tags, new=new, stale=stale, failed=failed, flagged=flagged, force=force)
        request = Request(
            process=process, params=params, chain=True, selection=chosen, workers=jobs, engine=engine,
            message=message, asked=("stoa.open().run_all", process),
        )  # fmt: skip
        return _ended(run(self.workspace, request))

    def sweep(
        self,
        process: str,
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        sets: AnyPath | Iterable[Mapping[str, object]] = (),
        env: str | None = None,
        targets: Targets = (),
        where: str = "",
        tags: str | Iterable[str] = (),
        new: bool = False,
        stale: bool = False,
        failed: bool = False,
        flagged: bool = False,
        force: bool = False,
        jobs: int = 0,
        engine: str = "local",
        message: str = "",
    ) -> list[RunReport]:
        """Run a process once for each combination of values: ``sweep("sep", settings={"snr": [3, 5, 7]})``.

        Parameters
        ----------
        settings
            Parameter -> one value, or a list, tuple or array of them.
        sets
            Whole sets of values, as mappings or as a file (CSV or YAML); each is combined with `settings`.
        """
        rows = read_sets(Path(sets)) if isinstance(sets, str | os.PathLike) else [texts_of(row) for row in sets]
        choices = {name: [text_of(each) for each in several(value)] for name, value in (settings or {}).items()}
        chosen = _chosen(targets, where, tags, new=new, stale=stale, failed=failed, flagged=flagged, force=force)
        request = Request(
            process=process, params=params, environment=env, sets=tuple(combined(rows, choices)), selection=chosen,
            workers=jobs, engine=engine, message=message, asked=("stoa.open().sweep", process),
        )  # fmt: skip
        return _ended(run(self.workspace, request))

    def rerun(
        self,
        source: str = "last",
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        env: str | None = None,
        targets: Targets = (),
        where: str = "",
        tags: str | Iterable[str] = (),
        failed: bool = False,
        flagged: bool = False,
        like: str = "",
        jobs: int = 0,
        engine: str = "local",
        message: str = "",
    ) -> RunReport:
        """Run again what a run did, or what of it failed or is flagged.

        Parameters
        ----------
        like
            Part of the cause of the outcomes that are run again.
        """
        chosen = _chosen(targets, where, tags, failed=failed, flagged=flagged, like=like)
        request = Request(
            source=source, params=params, environment=env, sets=_one_set(settings), selection=chosen, workers=jobs,
            engine=engine, message=message, asked=("stoa.open().rerun", source),
        )  # fmt: skip
        return _ended(rerun(self.workspace, request))[0]

    def reproduce(self, source: str = "last", *targets: str, jobs: int = 0, keep: bool = False) -> ReproduceReport:
        """Run a run's jobs again from what it froze; nothing is recorded."""
        return reproduce(self.workspace, source, targets, workers=jobs, keep=keep)

    def stop(self, run: str = "", *, now: bool = False, forget: bool = False) -> stoa.commands.stop.StopReport:
        """Stop a live run; with `now` its running jobs too."""
        return stoa.commands.stop.stop(self.workspace, run, at_once=now, forget=forget)

    def collect(self, run: str = "") -> list[Collected]:
        """Commit what has ended of runs whose jobs are on a cluster, and say how far each is."""
        return collect(self.workspace, run)

    def adopt(
        self,
        process: str,
        tree: AnyPath,
        params: str = "",
        *,
        env: str = "",
        patterns: str | Iterable[str] = (),
        log: str = "",
        targets: Targets = (),
        force: bool = False,
        dry_run: bool = False,
    ) -> AdoptReport:
        """Record products that were made before STOA, below `tree`, as outcomes of a process."""
        return adopt(
            self.workspace, process, Path(tree), params=params, environment=env, patterns=names_of(patterns), log=log,
            targets=names_of(targets), force=force, dry_run=dry_run, asked=("adopt", process, os.fspath(tree)),
        )  # fmt: skip

    def update(
        self, *processes: str, settled_s: float = update.SETTLED_S, sync: bool = True, jobs: int = 0
    ) -> update.UpdateReport:
        """Add new folders by the remembered patterns, describe them, run what is new, and share it."""
        ws = self.workspace
        prepared = update.prepare(ws, processes, settled_s=settled_s, sync=sync, workers=jobs)
        reports = _ended(update.run_new(ws, prepared, jobs, asked=("update", *processes)))
        return update.finish(ws, prepared, tuple(reports), sync=sync)


def _one_set(settings: Mapping[str, object] | None) -> tuple[dict[str, str], ...]:
    """Settings as one set of values; a comma in a value is part of it, as values have their types here."""
    return (texts_of(settings),) if settings else ()


def _chosen(targets: Targets, where: str, tags: str | Iterable[str], *, like: str = "", **states: bool) -> Selection:
    """The jobs that are asked for; `states` are the fields of `Selection` that are true or false."""
    return Selection(targets=names_of(targets), where=where, tags=names_of(tags), like=like, **states)


def _ended(events: Iterable[Event]) -> list[RunReport]:
    """Let runs continue to their ends and give their reports."""
    return [event.report for event in events if isinstance(event, Ended)]
