"""What has happened, as tables and as views."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stoa.api.opened import AnyPath, Opened
from stoa.api.tables import answer, outcomes, runs, targets
from stoa.commands import log, results, status
from stoa.commands.diff import DiffReport, diff
from stoa.commands.open import Place, places
from stoa.commands.report import report
from stoa.commands.show import RunView, TargetView, show_run, show_target
from stoa.show.report import report_page
from stoa.sources.trace import Trace, trace
from stoa.workspace.names import asked_pair

if TYPE_CHECKING:
    from stoa.api.record_table import RecordTable


class Looking(Opened):
    """What has happened, as tables and as views."""

    def targets(self, where: str = "") -> RecordTable:
        """One row per target: name, root, path, open flags and the metadata columns."""
        return targets(self.workspace, where)

    def outcomes(self, process: str = "", params: str = "", *, env: str = "", latest: bool = True) -> RecordTable:
        """One row per outcome, results as columns ``result_<name>`` with their units; by default the current ones.

        Parameters
        ----------
        process
            A process, ``PROCESS@SET`` or ``PROCESS@SET+ENV``.
        env
            "" for outcomes of every environment.

        Raises
        ------
        NotFoundError
            If there neither is such a process or set nor was one when something ran.
        """
        ws = self.workspace
        process, params, env = asked_pair(ws, process, params, env, "")
        status.check_names(ws, process, params)
        return outcomes(ws, process, params, env, latest=latest)

    def results(
        self, process: str, params: str = "", *, env: str = "", where: str = "", sort: str = ""
    ) -> results.ResultsTable:
        """What a process reported for each target, from the current outcomes."""
        return results.results(self.workspace, process, params, env, where, sort)

    def runs(self) -> RecordTable:
        """One row per run; ``n_<status>`` counts its outcomes."""
        return runs(self.workspace)

    def query(self, sql: str) -> RecordTable:
        """What an SQL query over the index gives; its tables are in ``docs/index-schema.md``."""
        return answer(self.workspace, sql)

    def status(self, process: str = "", params: str = "", *, env: str = "", look: bool = False) -> status.StatusReport:
        """The state of every target; with `look`, all inputs are looked at, however long that takes."""
        ws = self.workspace
        return status.status(ws, *asked_pair(ws, process, params, env, ""), look=look)

    def show(self, name: str) -> TargetView:
        """Everything about a target: metadata, current outcomes, flags and comments."""
        return show_target(self.workspace, name)

    def show_run(self, name: str = "last") -> RunView:
        """A run with its summary, by its id, the start of it, ``last`` or ``PROCESS@SET``."""
        return show_run(self.workspace, name)

    def show_row(self, table: AnyPath, row: int) -> Trace:
        """What a row of a catalogue, counted from 1, rests on: script, parameters, environment, inputs."""
        return trace(self.workspace, Path(table), row)

    def places(self, name: str, run: str = "", group: str = "") -> tuple[Place, ...]:
        """Where the data, products, log and outputs of a target are on this machine."""
        return places(self.workspace, name, run, group)

    def log(self, name: str, run_id: str = "", group: str = "") -> str:
        """What a job printed: all of it if its products are on this machine, else the parts in its record."""
        return log.read_log(self.workspace, name, run_id, group).text

    def report(self, source: str) -> str:
        """A run or a pair as one page of HTML that needs nothing else."""
        return report_page(report(self.workspace, source))

    def diff(self, a: str, b: str, *, sky: bool = False, radius: str = "", output: str = "") -> DiffReport:
        """What differs between two runs or pairs; with `sky` also between their sources."""
        return diff(self.workspace, a, b, sky=sky, radius=radius, output=output)
