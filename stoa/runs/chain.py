"""Chains: which processes take the outputs of which others, checked and put in order."""

from __future__ import annotations

import msgspec

from stoa.errors import NotFoundError, StoaError, guess
from stoa.exec.job.command import needed_outputs
from stoa.model import Need, Process
from stoa.provenance.library import DEFAULT_SET
from stoa.workspace.open import Workspace


class Stage(msgspec.Struct, frozen=True):
    """A process and parameter set of a chain, and what it takes outputs of or runs over."""

    process: str
    params: str
    needs: tuple[Need, ...] = ()

    @property
    def pair(self) -> Need:
        """What another process calls it."""
        return Need(self.process, self.params)


def stages(ws: Workspace, process: str = "", params: str = DEFAULT_SET) -> tuple[Stage, ...]:
    """What has to run before a process and the process itself, each after what it needs.

    Parameters
    ----------
    process
        "" for all processes of the project.

    Raises
    ------
    StoaError
        If a definition is wrong, or processes need each other.
    """
    found: dict[Need, Stage] = {}
    for last in [Need(process, params)] if process else [Need(name) for name in ws.library.processes()]:
        _visit(ws, last, (), found)
    return tuple(found.values())


def _visit(ws: Workspace, pair: Need, above: tuple[str, ...], found: dict[Need, Stage]) -> None:
    if pair in found:
        return
    process = ws.library.process(pair.process)
    if pair.process in above:
        loop = [*above[above.index(pair.process) :], pair.process]
        raise StoaError(
            f"processes need each other: {' -> '.join(loop)}", f"take one out of the `needs` of {pair.process!r}"
        )
    needs = tuple(map(ws.library.need, process.runs_after))
    for need in needs:
        _check_exists(ws, process, need)
        _visit(ws, need, (*above, pair.process), found)
    found[pair] = Stage(pair.process, pair.params, needs)


def check_needs(ws: Workspace, process: Process) -> None:
    """Check what a process needs.

    Raises
    ------
    StoaError
        If it does not exist, lacks an output that is taken, or needs the process in turn.
    """
    stages(ws, process.name)
    over = {need.process: ws.library.process(ws.library.need(need).process) for need in process.needs}
    for name, output, alone in needed_outputs(process):
        needed = over[name]
        if output not in needed.outputs:
            known = ", ".join(needed.outputs) or "none"
            raise StoaError(
                f"process {process.name!r} takes output {output!r} of {name!r}, which it does not declare"
                f"{guess(output, list(needed.outputs))}",
                f"outputs of {name!r}: {known}",
            )
        if several(process, needed) and not alone:
            raise StoaError(
                f"process {process.name!r} runs once per target and {name!r} once per image:"
                f" {{needs.{name}.{output}}} stands for several files",
                "let it be an argument of its own in a command without `shell`, which becomes one for each file,"
                " or say `over: image`",
            )


def several(process: Process, needed: Process) -> bool:
    """Whether a job of a process takes the outputs of several jobs of another."""
    return process.over == "target" and needed.over == "image"


def _check_exists(ws: Workspace, process: Process, need: Need) -> None:
    names = ws.library.processes()
    if need.process not in names:
        raise NotFoundError(
            f"process that {process.name!r} needs", need.process, names, "`stoa process list` shows them"
        )
    sets = ws.library.parameter_sets(need.process)
    if need.params not in sets:
        raise NotFoundError(
            f"parameter set of {need.process!r} that {process.name!r} needs", need.params, sets,
            f"`stoa params list --process {need.process}` shows them",
        )  # fmt: skip
