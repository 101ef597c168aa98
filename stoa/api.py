"""STOA in a notebook or a script: tables, and the verbs as functions.

Every verb of the command line but `demo` has a counterpart here, which takes plain values and gives what the
command prints with ``--json``, or a table.

>>> import stoa
>>> project = stoa.open("quasars")              # doctest: +SKIP
>>> project.outcomes("sep", "default")          # doctest: +SKIP
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stoa.commands import catalogue, define, history, meta, publish, rerun, review, run, share, status, stop, tables
from stoa.commands import init as setup
from stoa.commands import limits as upper_limits
from stoa.commands import target as listing
from stoa.commands.collect import Collected
from stoa.commands.collect import collect as collect_runs
from stoa.commands.diff import DiffReport
from stoa.commands.diff import diff as diff_runs
from stoa.commands.doctor import Remark
from stoa.commands.doctor import doctor as examine
from stoa.commands.fsck import FsckReport
from stoa.commands.fsck import fsck as check_records
from stoa.commands.meta import Explanation
from stoa.commands.observed import HWHM, ObservedReport, from_log
from stoa.commands.plan import Plan, PlannedJob, make_plan
from stoa.commands.plan import why as why_runs
from stoa.commands.reproduce import ReproduceReport, reproduce
from stoa.commands.resolve import pair, resolve
from stoa.commands.run import RunReport
from stoa.commands.selection import Selection
from stoa.commands.sweep import combined, read_sets
from stoa.commands.trace import Trace, trace
from stoa.commands.workspace import Workspace
from stoa.model import Environment, ParameterSet, Process, Review

if TYPE_CHECKING:
    from astropy.table import Table

AnyPath = str | os.PathLike[str]


def init(path: AnyPath = ".") -> OpenProject:
    """Make a project in a git repository, commit it and open it.

    Raises
    ------
    StoaError
        Outside git, in a bare repository, or where there is a project already.
    """
    setup.init(Path(path))
    return open(path)


def clone(url: str, directory: AnyPath = "") -> OpenProject:
    """Copy a project from a collaborator or a server, and open it; `OpenProject.roots` says which lack a path here.

    Parameters
    ----------
    directory
        Where it is to be; by default a folder of this one, named as the repository.

    Raises
    ------
    StoaError
        If it cannot be reached, has no project in it, or what it holds cannot be trusted.
    """
    return open(share.clone(url, Path(directory) if directory else None).path)


def open(path: AnyPath = ".") -> OpenProject:  # noqa: A001 -- read as stoa.open
    """The project that a folder belongs to.

    Raises
    ------
    StoaError
        If there is no project there.
    """
    workspace = Workspace(Path(path))
    _opened.add(workspace)
    return OpenProject(workspace)


_opened: weakref.WeakSet[Workspace] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what a script left open: git's packs cannot be closed any more when the interpreter is half gone."""
    for workspace in list(_opened):
        workspace.close()


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
        return tables.targets(self.workspace, where)

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
        return tables.outcomes(ws, process, params, latest=latest)

    def flags(self, *, every: bool = False) -> Table:
        """A row a flag: target, reason, text, author, time; open ones, or all of them."""
        return tables.flags(self.workspace, every=every)

    def runs(self) -> Table:
        """A row a run; ``n_<status>`` counts its outcomes."""
        return tables.runs(self.workspace)

    def query(self, sql: str) -> Table:
        """What an SQL query over the index gives; its tables are in ``docs/index-schema.md``."""
        return tables.answer(self.workspace, sql)

    # Verbs.

    def add_root(self, name: str, path: AnyPath, doc: str = "") -> setup.RootState:
        return setup.add_root(self.workspace, name, os.fspath(path), doc)

    def roots(self) -> list[setup.RootState]:
        return setup.list_roots(self.workspace)

    def add_targets(
        self, root: str, *patterns: str, paths: Iterable[str] = (), list_name: str = ""
    ) -> listing.AddReport:
        return listing.add_targets(self.workspace, root, patterns, paths, list_name)

    def target(self, name: str) -> listing.TargetRow:
        """Where a target lies, its open flags and what its metadata say."""
        return listing.list_targets(self.workspace, Selection(targets=(name,)))[0]

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

    def add_process(self, name: str) -> define.Made:
        return define.add_process(self.workspace, name)

    def new_process(self, name: str, script: str, over: str = "") -> define.Made:
        return define.new_process(self.workspace, name, script, over)

    def check_processes(self, *names: str) -> define.Checked:
        return define.check_all(self.workspace, names)

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
    ) -> define.Made:
        """Write a parameter set: ``new_params("deep", "sep", snr=4)``; with `where` for the targets that fit."""
        given = _written({**(values or {}), **more})
        return define.new_parameter_set(self.workspace, name, process, given, doc, base, where)[0]

    def diff_params(self, process: str, first: str, second: str) -> list[str]:
        """What differs between two parameter sets, in words."""
        return define.parameter_differences(self.workspace, process, first, second)

    def add_environment(
        self, name: str, python: str = "", environ: Mapping[str, str] | None = None, doc: str = "", **fields: object
    ) -> define.Made:
        """Write an environment: ``add_environment("radio", kind="venv", requirements="radio.txt")``."""
        given = {"python": python, "environ": dict(environ or {}), "doc": doc, **fields}
        return define.add_environment(self.workspace, name, given)

    def build_environment(self, name: str, *, again: bool = False) -> dict[str, str]:
        """Build an environment, if it is not built yet, and say what it is."""
        return define.build_environment(self.workspace, name, again=again)

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
        return define.environment_facts(self.workspace, name)

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
        ws = self.workspace
        definitions = resolve(ws, *pair(process, params), _written(settings or {}), environment)
        return make_plan(ws, definitions, _selection(selection))

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
        """Run a process, or ``PROCESS@SET``; `selection` takes the fields of `stoa.commands.selection.Selection`.

        With `few` it is a canary of so many jobs, of every kind of target.
        """
        process, params = pair(process, params)
        return run.run(
            self.workspace, process, params=params, settings=_written(settings or {}), environment=environment,
            selection=_selection(selection), workers=workers, engine=engine, asked=("stoa.open().run", process),
            few=few,
        )  # fmt: skip

    def run_all(
        self, process: str = "", params: str = "", *, workers: int = 0, engine: str = "local", **selection: Any
    ) -> list[RunReport]:
        """Run what a process needs and then the process; without a name every process of the project, in order."""
        process, params = pair(process, params)
        return run.run_all(
            self.workspace, process, params=params, selection=_selection(selection), workers=workers, engine=engine,
            asked=("stoa.open().run_all", process),
        )  # fmt: skip

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
        process, params = pair(process, params)
        return run.run_each(
            self.workspace, process, combined(rows, choices), params=params, environment=environment,
            selection=_selection(selection), workers=workers, engine=engine, asked=("stoa.open().sweep", process),
        )  # fmt: skip

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
        return rerun.rerun(
            self.workspace, source, params=params, settings=_written(settings or {}), environment=environment,
            selection=_selection(selection), workers=workers, engine=engine, asked=("stoa.open().rerun", source),
        )  # fmt: skip

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

    def show(self, name: str) -> history.TargetView:
        return history.show_target(self.workspace, name)

    def show_run(self, name: str = "last") -> history.RunView:
        return history.show_run(self.workspace, name)

    def show_row(self, table: AnyPath, row: int) -> Trace:
        """What a row of a catalogue, counted from 1, rests on: script, parameters, environment, inputs."""
        return trace(self.workspace, Path(table), row)

    def show_metadata(self, name: str) -> bytes:
        """The XML of a target's metadata document."""
        return meta.show_document(self.workspace, name)

    def log(self, name: str, run_id: str = "", group: str = "") -> str:
        return history.read_log(self.workspace, name, run_id, group).text

    def diff(self, a: str, b: str, *, sky: bool = False, radius: str = "", output: str = "") -> DiffReport:
        return diff_runs(self.workspace, a, b, sky=sky, radius=radius, output=output)

    def flag(
        self, *targets: str, reason: str = "check", text: str = "", run: str = "", group: str = "", where: str = ""
    ) -> review.ReviewReport:
        return review.flag(self.workspace, targets, reason=reason, text=text, run=run, group=group, where=where)

    def unflag(self, *targets: str, reason: str = "", text: str = "", where: str = "") -> review.ReviewReport:
        return review.unflag(self.workspace, targets, reason=reason, text=text, where=where)

    def comment(self, *targets: str, text: str, run: str = "", group: str = "", where: str = "") -> review.ReviewReport:
        return review.comment(self.workspace, targets, text=text, run=run, group=group, where=where)

    def reviews(self, name: str = "") -> list[Review]:
        """Flags, clearings and comments in the order they were made."""
        return history.reviews_of(self.workspace, name)

    def sync(self, remote: str | None = None, *, rejoin: bool = False) -> Any:
        return share.sync(self.workspace, remote, rejoin=rejoin)

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
        """The sources of a run or of ``PROCESS@SET`` as one table; see `stoa.commands.catalogue.stack`."""
        return catalogue.stack(self.workspace, source, **options)

    def quality(self, source: str, **options: Any) -> catalogue.QualityReport:
        """Apply the quality cuts of the project; see `stoa.commands.catalogue.quality`."""
        return catalogue.quality(self.workspace, source, **options)

    def match(self, source: str, table: AnyPath, **options: Any) -> catalogue.MatchReport:
        """Match sources with a catalogue on the sky; see `stoa.commands.catalogue.match`."""
        return catalogue.match(self.workspace, source, Path(table), **options)

    def limits(self, source: str, table: AnyPath, **options: Any) -> upper_limits.LimitsReport:
        """Upper limits for objects that were looked at and not found; see `stoa.commands.limits.limits`."""
        return upper_limits.limits(self.workspace, source, Path(table), **options)

    def export(self, source: str, out: AnyPath, **options: Any) -> int:
        """Write sources to a file of any kind, told by its suffix, and give their number."""
        return catalogue.export(self.workspace, source, Path(out), **options)

    def plot(self, source: str, kind: str = "sky", **options: Any) -> Path:
        """Draw the sources of a run or table; see `stoa.commands.catalogue.plot`."""
        return catalogue.plot(self.workspace, source, kind, **options)


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
