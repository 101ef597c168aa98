"""Processes, parameter sets and environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stoa.api.opened import Opened, texts_of
from stoa.commands import env, params, process
from stoa.model import Environment, ParameterSet, Process
from stoa.workspace import removal, renaming, writing

if TYPE_CHECKING:
    pass


class Definitions(Opened):
    """Processes, parameter sets and environments."""

    def add_process(self, name: str) -> writing.Made:
        """Copy a process that comes with STOA into the project."""
        return process.add_process(self.workspace, name)

    def new_process(self, name: str, script: str, over: str = "") -> writing.Made:
        """Write a definition for a script, with parameters, inputs and outputs as the script suggests."""
        return process.new_process(self.workspace, name, script, over)

    def remove_process(self, name: str) -> removal.Removed:
        """Remove a process with its parameter sets; its script and everything that ran stay."""
        return process.remove_process(self.workspace, name)

    def remove_params(self, name: str, process: str) -> removal.Removed:
        """Remove a parameter set; runs keep what they froze of it."""
        return params.remove_parameter_set(self.workspace, name, process)

    def remove_environment(self, name: str) -> removal.Removed:
        """Remove an environment; runs keep what they froze of it."""
        return env.remove_environment(self.workspace, name)

    def rename_process(self, name: str, new: str) -> renaming.Renamed:
        """Give a process another name; its parameter sets and everything that was recorded go with it."""
        return process.rename_process(self.workspace, name, new)

    def rename_params(self, name: str, new: str, process: str) -> renaming.Renamed:
        """Give a parameter set another name; everything that was recorded with it goes with it."""
        return params.rename_parameter_set(self.workspace, name, new, process)

    def rename_environment(self, name: str, new: str) -> renaming.Renamed:
        """Give an environment another name; everything that was recorded in it goes with it."""
        return env.rename_environment(self.workspace, name, new)

    def check_processes(self, *names: str) -> process.Checked:
        """What is wrong with processes, their sets and environments."""
        return process.check_all(self.workspace, names)

    def processes(self) -> list[str]:
        """The processes of the project."""
        return self.workspace.library.processes()

    def process(self, name: str) -> Process:
        """A process: command, inputs, parameters, outputs and results."""
        return self.workspace.library.process(name)

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
        """Write a parameter set: ``new_params("deep", "sep", snr=4)``; with `where` for the targets that match."""
        given = texts_of({**(values or {}), **more})
        return params.new_parameter_set(self.workspace, name, process, given, doc, base, where)[0]

    def diff_params(self, process: str, first: str, second: str) -> list[str]:
        """What differs between two parameter sets, in words."""
        return params.parameter_differences(self.workspace, process, first, second)

    def parameter_sets(self, process: str) -> list[str]:
        """The parameter sets of a process."""
        return self.workspace.library.parameter_sets(process)

    def parameter_set(self, process: str, name: str = "default") -> ParameterSet:
        """A parameter set, its defaults filled in."""
        library = self.workspace.library
        return library.parameter_set(library.process(process), name)

    def add_environment(
        self, name: str, python: str = "", environ: Mapping[str, str] | None = None, doc: str = "", **fields: object
    ) -> writing.Made:
        """Write an environment: ``add_environment("radio", kind="venv", requirements="radio.txt")``."""
        given = {"python": python, "environ": dict(environ or {}), "doc": doc, **fields}
        return env.add_environment(self.workspace, name, given)

    def build_environment(self, name: str, *, again: bool = False) -> dict[str, str]:
        """Build an environment, if it is not built yet, and say what it is."""
        return env.build_environment(self.workspace, name, again=again)

    def environments(self) -> list[str]:
        """The environments of the project."""
        return self.workspace.library.environments()

    def environment(self, name: str) -> tuple[Environment, dict[str, str]]:
        """An environment and what it is on this machine."""
        return env.environment_facts(self.workspace, name)
