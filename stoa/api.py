"""STOA in a notebook or a script: tables, and the verbs as functions.

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

from stoa.commands import catalogue, define, history, meta, publish, rerun, review, run, share, status, stop, target
from stoa.commands.diff import DiffReport
from stoa.commands.diff import diff as diff_runs
from stoa.commands.init import RootState, add_root, list_roots
from stoa.commands.plan import Plan, PlannedJob, make_plan
from stoa.commands.plan import why as why_runs
from stoa.commands.reproduce import ReproduceReport, reproduce
from stoa.commands.resolve import resolve
from stoa.commands.run import RunReport
from stoa.commands.selection import Selection
from stoa.commands.workspace import Workspace
from stoa.model import ParameterSet, Process, Review

if TYPE_CHECKING:
    from astropy.table import Table


def open(path: str | os.PathLike[str] = ".") -> OpenProject:  # noqa: A001 -- read as stoa.open
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
        rows = target.list_targets(self.workspace, Selection(where=where))
        return _table(
            [
                {"name": row.name, "root": row.root, "path": row.path, "flags": " ".join(row.flags), **row.metadata}
                for row in rows
            ]
        )

    def outcomes(self, process: str = "", params: str = "", *, latest: bool = True) -> Table:
        """A row an outcome, results as columns ``result_<name>``; by default the latest of each job.

        Parameters
        ----------
        process
            A process, or ``PROCESS@SET``.

        Raises
        ------
        NotFoundError
            If there neither is such a process or set nor was one when something ran.
        """
        if not params:
            process, _, params = process.partition("@")
        status.check_names(self.workspace, process, params)
        return _table(history.outcome_rows(self.workspace, process, params, latest=latest))

    def flags(self, *, every: bool = False) -> Table:
        """A row a flag: target, reason, text, author, time; open ones, or all of them."""
        return _table(history.flag_rows(self.workspace, every=every))

    def runs(self) -> Table:
        """A row a run."""
        return _table(
            [
                {
                    "run": row.run, "process": row.process, "params": row.params, "environment": row.environment,
                    "author": row.author, "started": row.started, "state": row.state, "jobs": row.jobs,
                    **{f"n_{name}": number for name, number in row.counts.items()},
                }
                for row in history.list_runs(self.workspace)
            ]
        )  # fmt: skip

    # Verbs.

    def add_root(self, name: str, path: str | os.PathLike[str], doc: str = "") -> RootState:
        return add_root(self.workspace, name, os.fspath(path), doc)

    def roots(self) -> list[RootState]:
        return list_roots(self.workspace)

    def add_targets(self, root: str, *patterns: str, paths: Iterable[str] = ()) -> target.AddReport:
        return target.add_targets(self.workspace, root, patterns, paths)

    def build_metadata(self, *targets: str) -> meta.BuildReport:
        return meta.build_documents(self.workspace, targets)

    def check_metadata(self, *targets: str) -> list[meta.CheckedTarget]:
        return meta.check_documents(self.workspace, targets)

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
        **more: object,
    ) -> define.Made:
        """Write a parameter set: ``new_params("deep", "sep", snr=4)``; with `where` for the targets that fit."""
        given = _written({**(values or {}), **more})
        return define.new_parameter_set(self.workspace, name, process, given, base=base, where=where)[0]

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

    def plan(
        self,
        process: str,
        params: str = "default",
        settings: Mapping[str, object] | None = None,
        *,
        environment: str | None = None,
        **selection: Any,
    ) -> Plan:
        """What `run` with the same arguments would do."""
        ws = self.workspace
        definitions = resolve(ws, process, params, _written(settings or {}), environment)
        return make_plan(ws, definitions, _selection(selection))

    def why(self, process: str, name: str, params: str = "default") -> list[PlannedJob]:
        return why_runs(self.workspace, process, name, params)

    def run(
        self,
        process: str,
        params: str = "default",
        settings: Mapping[str, object] | None = None,
        *,
        environment: str | None = None,
        workers: int = 0,
        engine: str = "local",
        few: int = 0,
        **selection: Any,
    ) -> RunReport:
        """Run a process; `selection` takes the fields of `stoa.commands.selection.Selection`.

        With `few` it is a canary of so many jobs, of every kind of target.
        """
        return run.run(
            self.workspace, process, params=params, settings=_written(settings or {}), environment=environment,
            selection=_selection(selection), workers=workers, engine=engine, asked=("stoa.open().run", process),
            few=few,
        )  # fmt: skip

    def run_all(
        self, process: str = "", params: str = "default", *, workers: int = 0, engine: str = "local", **selection: Any
    ) -> list[RunReport]:
        """Run what a process needs and then the process; without a name every process of the project, in order."""
        return run.run_all(
            self.workspace, process, params=params, selection=_selection(selection), workers=workers, engine=engine,
            asked=("stoa.open().run_all", process),
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

    def stop(self, run_id: str = "", *, at_once: bool = False) -> stop.StopReport:
        return stop.stop(self.workspace, run_id, at_once=at_once)

    def status(self, process: str = "", params: str = "") -> status.StatusReport:
        return status.status(self.workspace, process, params)

    def show(self, name: str) -> history.TargetView:
        return history.show_target(self.workspace, name)

    def show_run(self, name: str = "last") -> history.RunView:
        return history.show_run(self.workspace, name)

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

    def sync(self, remote: str | None = None) -> Any:
        return share.sync(self.workspace, remote)

    def publish(self, source: str, folder: str | os.PathLike[str], **options: Any) -> publish.PublishReport:
        """Write a folder for a paper; see `stoa.commands.publish.publish`."""
        return publish.publish(self.workspace, source, Path(folder), **options)

    def stack(self, source: str, **options: Any) -> Table:
        """The sources of a run or of ``PROCESS@SET`` as one table; see `stoa.commands.catalogue.stack`."""
        return catalogue.stack(self.workspace, source, **options)

    def match(self, source: str, table: str | os.PathLike[str], **options: Any) -> catalogue.MatchReport:
        """Match sources with a catalogue on the sky; see `stoa.commands.catalogue.match`."""
        return catalogue.match(self.workspace, source, Path(table), **options)

    def plot(self, source: str, kind: str = "sky", **options: Any) -> Path:
        """Draw the sources of a run or table; see `stoa.commands.catalogue.plot`."""
        return catalogue.plot(self.workspace, source, kind, **options)


def _selection(fields: Mapping[str, Any]) -> Selection:
    targets = fields.get("targets", ())
    return Selection(**{**fields, "targets": (targets,) if isinstance(targets, str) else tuple(targets)})


def _written(values: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}


def _table(rows: list[dict[str, Any]]) -> Table:
    """Rows as a table; what a row lacks is masked."""
    from astropy.table import MaskedColumn, Table

    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = []
    for name in names:
        values = [row.get(name) for row in rows]
        missing = [value is None for value in values]
        filler = next((value for value in values if value is not None), "")
        data = [filler if value is None else value for value in values]
        columns.append(MaskedColumn(data, name=name, mask=missing) if any(missing) else MaskedColumn(data, name=name))
    return Table(columns, names=names, masked=any(any(row.get(name) is None for row in rows) for name in names))
