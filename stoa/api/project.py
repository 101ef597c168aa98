"""An open project: tables of what is known, and the verbs as methods."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from msgspec import structs

from stoa.api.tables import answer, flags, outcomes, runs, targets
from stoa.commands import (
    comment,
    env,
    flag,
    log,
    meta,
    params,
    process,
    publish,
    root,
    status,
    stop,
    sync,
    unflag,
)
from stoa.commands.catalogue import export, match, quality
from stoa.commands.catalogue import limits as upper_limits
from stoa.commands.catalogue.plot import plot
from stoa.commands.catalogue.stack import stacked
from stoa.commands.collect import Collected
from stoa.commands.collect import collect as collect_runs
from stoa.commands.diff import DiffReport
from stoa.commands.diff import diff as diff_runs
from stoa.commands.doctor import Remark
from stoa.commands.doctor import doctor as examine
from stoa.commands.fsck import FsckReport
from stoa.commands.fsck import fsck as check_records
from stoa.commands.reproduce import ReproduceReport, reproduce
from stoa.commands.rerun import rerun
from stoa.commands.run import run
from stoa.commands.show import RunView, TargetView, show_run, show_target
from stoa.commands.target import AddReport, TargetRow, add_targets, list_targets
from stoa.commands.why import why as why_runs
from stoa.meta.explain import Explanation
from stoa.model import Environment, ParameterSet, Process, Review
from stoa.request import Request, Selection
from stoa.runs.definitions import pair
from stoa.runs.launch import Ended, Event, RunReport
from stoa.runs.planned import Plan, PlannedJob
from stoa.runs.requested import plans_of
from stoa.runs.sweep import combined, read_sets
from stoa.sources.observed import HWHM, ObservedReport, from_log
from stoa.sources.trace import Trace, trace
from stoa.workspace import reviews, roots, writing
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    from astropy.table import Table

AnyPath = str | os.PathLike[str]


class OpenProject:
    """A project: tables of what is known, and what can be done.

    Every method that changes something makes one commit, as its command does.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __repr__(self) -> str:
        return f"<STOA project {self._workspace.project.config.project} at {self._workspace.project.top}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    @property
    def workspace(self) -> Workspace:
        """The open project, its settings and targets read anew: others may have changed them."""
        self._workspace.reread()
        return self._workspace

    def close(self) -> None:
        """Close the files of the index; the next call opens them again."""
        self._workspace.close()

    # Tables.

    def targets(self, where: str = "") -> Table:
        """A row a target: name, root, path, open flags and the metadata columns."""
        return targets(self.workspace, where)

    def outcomes(self, process: str = "", params: str = "", *, latest: bool = True) -> Table:
        """A row an outcome, results as columns ``result_<name>`` with their units; by default the latest of each job.

        Parameters
        ----------
        process
            A process, or ``PROCESS@SET``.

        Raises
        ------
        NotFoundError
            If there neither is such a process or set nor was one when something ran.
        """
        ws = self.workspace
        process, params = pair(process, params, "")
        status.check_names(ws, process, params)
        return outcomes(ws, process, params, latest=latest)

    def flags(self, *, every: bool = False) -> Table:
        """A row a flag: target, reason, text, author, time; open ones, or all of them."""
        return flags(self.workspace, every=every)

    def runs(self) -> Table:
        """A row a run; ``n_<status>`` counts its outcomes."""
        return runs(self.workspace)

    def query(self, sql: str) -> Table:
        """What an SQL query over the index gives; its tables are in ``docs/index-schema.md``."""
        return answer(self.workspace, sql)

    # Verbs.

    def add_root(self, name: str, path: AnyPath, doc: str = "") -> roots.RootState:
        return root.add_root(self.workspace, name, os.fspath(path), doc)

    def roots(self) -> list[roots.RootState]:
        return roots.list_roots(self.workspace)

    def add_targets(self, root: str, *patterns: str, paths: Iterable[str] = (), list_name: str = "") -> AddReport:
        return add_targets(self.workspace, root, patterns, paths, list_name)

    def target(self, name: str) -> TargetRow:
        """Where a target lies, its open flags and what its metadata say."""
        return list_targets(self.workspace, Selection(targets=(name,)))[0]

    def targets_from_log(
        self, log: AnyPath, catalogue: AnyPath, radius: str = HWHM, out: AnyPath = ""
    ) -> ObservedReport:
        """Which objects of a catalogue an observation log has in its fields, and which of those are targets."""
        return from_log(self.workspace, Path(log), Path(catalogue), radius, Path(out) if out else None)

    def build_metadata(self, *targets: str, jobs: int = 0, replace: bool = False) -> meta.BuildReport:
        return meta.build_documents(self.workspace, targets, jobs, replace=replace)

    def check_metadata(self, *targets: str) -> list[meta.CheckedTarget]:
        return meta.check_documents(self.workspace, targets)

    def explain_file(self, file: AnyPath) -> Explanation:
        """Which rule gives a file its role, and which rules nearly did."""
        return meta.explain_file(self.workspace.project.top, Path(file))

    def add_process(self, name: str) -> writing.Made:
        return process.add_process(self.workspace, name)

    def new_process(self, name: str, script: str, over: str = "") -> writing.Made:
        return process.new_process(self.workspace, name, script, over)

    def check_processes(self, *names: str) -> process.Checked:
        return process.check_all(self.workspace, names)

    def new_params(
        self,
        name: str,
        process: str,
        values: Mapping[str, object] | None = None,
        *,
        base: str = "default",
        where: str = "",
        doc: str = "",
        **more: object,
    ) -> writing.Made:
        """Write a parameter set: ``new_params("deep", "sep", snr=4)``; with `where` for the targets that fit."""
        given = _written({**(values or {}), **more})
        return params.new_parameter_set(self.workspace, name, process, given, doc, base, where)[0]

    def diff_params(self, process: str, first: str, second: str) -> list[str]:
        """What differs between two parameter sets, in words."""
        return params.parameter_differences(self.workspace, process, first, second)

    def add_environment(
        self, name: str, python: str = "", environ: Mapping[str, str] | None = None, doc: str = "", **fields: object
    ) -> writing.Made:
        """Write an environment: ``add_environment("radio", kind="venv", requirements="radio.txt")``."""
        given = {"python": python, "environ": dict(environ or {}), "doc": doc, **fields}
        return env.add_environment(self.workspace, name, given)

    def build_environment(self, name: str, *, again: bool = False) -> dict[str, str]:
        """Build an environment, if it is not built yet, and say what it is."""
        return env.build_environment(self.workspace, name, again=again)

    def processes(self) -> list[str]:
        return self.workspace.library.processes()

    def process(self, name: str) -> Process:
        return self.workspace.library.process(name)

    def parameter_sets(self, process: str) -> list[str]:
        return self.workspace.library.parameter_sets(process)

    def parameter_set(self, process: str, name: str = "default") -> ParameterSet:
        """A parameter set, its defaults filled in."""
        library = self.workspace.library
        return library.parameter_set(library.process(process), name)

    def environments(self) -> list[str]:
        return self.workspace.library.environments()

    def environment(self, name: str) -> tuple[Environment, dict[str, str]]:
        """An environment and what it is on this machine."""
        return env.environment_facts(self.workspace, name)

    def plan(
        self,
        process: str,
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        environment: str | None = None,
        **selection: Any,
    ) -> Plan:
        """What `run` with the same arguments would do."""
        return next(plans_of(self.workspace, _request(process, params, settings, environment, selection)))

    def why(self, process: str, name: str, params: str = "") -> list[PlannedJob]:
        process, params = pair(process, params)
        return why_runs(self.workspace, process, name, params)

    def run(
        self,
        process: str,
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        environment: str | None = None,
        workers: int = 0,
        engine: str = "local",
        few: int = 0,
        **selection: Any,
    ) -> RunReport:
        """Run a process, or ``PROCESS@SET``; `selection` takes the fields of `stoa.workspace.selection.Selection`.

        With `few` it is a canary of so many jobs, of every kind of target.
        """
        asked = ("stoa.open().run", process)
        request = _request(process, params, settings, environment, selection, workers, engine, asked)
        return self._one(run(self.workspace, structs.replace(request, canary=few)))

    def run_all(
        self, process: str = "", params: str = "", *, workers: int = 0, engine: str = "local", **selection: Any
    ) -> list[RunReport]:
        """Run what a process needs and then the process; without a name every process of the project, in order."""
        asked = ("stoa.open().run_all", process)
        request = _request(process, params, None, None, selection, workers, engine, asked)
        return _ended(run(self.workspace, structs.replace(request, chain=True)))

    def sweep(
        self,
        process: str,
        params: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        sets: AnyPath | Iterable[Mapping[str, object]] = (),
        environment: str | None = None,
        workers: int = 0,
        engine: str = "local",
        **selection: Any,
    ) -> list[RunReport]:
        """Run a process once for each combination of values: ``sweep("sep", settings={"snr": [3, 5, 7]})``.

        Parameters
        ----------
        settings
            Parameter -> one value, or a list, tuple or array of them.
        sets
            Whole sets of values, as mappings or as a file (CSV or YAML); each is combined with `settings`.
        """
        rows = read_sets(Path(sets)) if isinstance(sets, str | os.PathLike) else [_written(row) for row in sets]
        choices = {name: [_text(each) for each in _several(value)] for name, value in (settings or {}).items()}
        asked = ("stoa.open().sweep", process)
        request = _request(process, params, None, environment, selection, workers, engine, asked)
        return _ended(run(self.workspace, structs.replace(request, sets=tuple(combined(rows, choices)))))

    def rerun(
        self,
        source: str = "last",
        params: str | None = None,
        settings: Mapping[str, object] | None = None,
        *,
        environment: str | None = None,
        workers: int = 0,
        engine: str = "local",
        **selection: Any,
    ) -> RunReport:
        """Run again what a run did, or what of it failed or is flagged."""
        asked = ("stoa.open().rerun", source)
        request = _request("", params or "", settings, environment, selection, workers, engine, asked)
        return self._one(rerun(self.workspace, structs.replace(request, source=source)))

    def _one(self, events: Iterable[Event]) -> RunReport:
        (report,) = _ended(events)
        return report

    def reproduce(self, source: str = "last", *targets: str, workers: int = 0, keep: bool = False) -> ReproduceReport:
        """Run a run's jobs again from what it froze; nothing is recorded."""
        return reproduce(self.workspace, source, targets, workers=workers, keep=keep)

    def stop(self, run_id: str = "", *, at_once: bool = False, forget: bool = False) -> stop.StopReport:
        return stop.stop(self.workspace, run_id, at_once=at_once, forget=forget)

    def collect(self, run_id: str = "") -> list[Collected]:
        """Commit what has ended of runs whose jobs are at a cluster, and say how far each is."""
        return collect_runs(self.workspace, run_id)

    def status(self, process: str = "", params: str = "") -> status.StatusReport:
        return status.status(self.workspace, *pair(process, params, ""))

    def show(self, name: str) -> TargetView:
        return show_target(self.workspace, name)

    def show_run(self, name: str = "last") -> RunView:
        return show_run(self.workspace, name)

    def show_row(self, table: AnyPath, row: int) -> Trace:
        """What a row of a catalogue, counted from 1, rests on: script, parameters, environment, inputs."""
        return trace(self.workspace, Path(table), row)

    def show_metadata(self, name: str) -> bytes:
        """The XML of a target's metadata document."""
        return meta.show_document(self.workspace, name)

    def log(self, name: str, run_id: str = "", group: str = "") -> str:
        return log.read_log(self.workspace, name, run_id, group).text

    def diff(self, a: str, b: str, *, sky: bool = False, radius: str = "", output: str = "") -> DiffReport:
        return diff_runs(self.workspace, a, b, sky=sky, radius=radius, output=output)

    def flag(
        self, *targets: str, reason: str = "check", text: str = "", run: str = "", group: str = "", where: str = ""
    ) -> writing.ReviewReport:
        return flag.flag(self.workspace, targets, reason=reason, text=text, run=run, group=group, where=where)

    def unflag(self, *targets: str, reason: str = "", text: str = "", where: str = "") -> writing.ReviewReport:
        return unflag.unflag(self.workspace, targets, reason=reason, text=text, where=where)

    def comment(
        self, *targets: str, text: str, run: str = "", group: str = "", where: str = ""
    ) -> writing.ReviewReport:
        return comment.comment(self.workspace, targets, text=text, run=run, group=group, where=where)

    def reviews(self, name: str = "") -> list[Review]:
        """Flags, clearings and comments in the order they were made."""
        return reviews.reviews_of(self.workspace, name)

    def sync(self, remote: str | None = None, *, rejoin: bool = False) -> Any:
        return sync.sync(self.workspace, remote, rejoin=rejoin)

    def fsck(self, *, products: bool = False) -> FsckReport:
        """Whether every record is readable and as it was written; with `products`, whether these are, too."""
        return check_records(self.workspace, products=products)

    def doctor(self) -> list[Remark]:
        """Whether this machine and this clone are fit for work."""
        return examine(self.workspace)

    def publish(self, source: str, folder: AnyPath, **options: Any) -> publish.PublishReport:
        """Write a folder for a paper; see `stoa.commands.publish.publish`."""
        return publish.publish(self.workspace, source, Path(folder), **options)

    def stack(self, source: str, **options: Any) -> Table:
        """The sources of a run or of ``PROCESS@SET`` as one table; see `stoa.commands.catalogue.stack.stacked`."""
        return stacked(self.workspace, source, **options)

    def quality(self, source: str, **options: Any) -> quality.QualityReport:
        """Apply the quality cuts of the project; see `stoa.commands.catalogue.quality.quality`."""
        return quality.quality(self.workspace, source, **options)

    def match(self, source: str, table: AnyPath, **options: Any) -> match.MatchReport:
        """Match sources with a catalogue on the sky; see `stoa.commands.catalogue.match.match`."""
        return match.match(self.workspace, source, Path(table), **options)

    def limits(self, source: str, table: AnyPath, **options: Any) -> upper_limits.LimitsReport:
        """Upper limits for objects that were looked at and not found; see `stoa.commands.catalogue.limits.limits`."""
        return upper_limits.limits(self.workspace, source, Path(table), **options)

    def export(self, source: str, out: AnyPath, **options: Any) -> int:
        """Write sources to a file of any kind, told by its suffix, and give their number."""
        return export.export(self.workspace, source, Path(out), **options)

    def plot(self, source: str, kind: str = "sky", **options: Any) -> Path:
        """Draw the sources of a run or table; see `stoa.commands.catalogue.plot.plot`."""
        return plot(self.workspace, source, kind, **options)


def _request(
    process: str,
    params: str,
    settings: Mapping[str, object] | None,
    environment: str | None,
    selection: Mapping[str, Any],
    workers: int = 0,
    engine: str = "local",
    asked: tuple[str, ...] = (),
) -> Request:
    """A request for one run; a value with a comma is one value here, as its type was never written."""
    values = _written(settings or {})
    return Request(
        process=process, params=params, environment=environment, sets=(values,) if values else (),
        selection=_selection(selection), workers=workers, engine=engine, asked=asked,
    )  # fmt: skip


def _ended(events: Iterable[Event]) -> list[RunReport]:
    """Let runs go on to their ends and give their reports."""
    return [event.report for event in events if isinstance(event, Ended)]


def _selection(fields: Mapping[str, Any]) -> Selection:
    targets = fields.get("targets", ())
    return Selection(**{**fields, "targets": (targets,) if isinstance(targets, str) else tuple(targets)})


def _written(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _several(value: object) -> Iterable[object]:
    """The values of a list, tuple, range or array; one value as it is."""
    return value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else (value,)
