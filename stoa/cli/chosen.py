"""From what was typed to plans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from stoa.errors import StoaError
from stoa.request import Selection
from stoa.runs import chain as chains
from stoa.runs import plan as plans
from stoa.runs import planned
from stoa.runs.definitions import pair, resolve
from stoa.runs.sweep import settings as all_settings
from stoa.workspace.open import Workspace


def stages_of(
    ws: Workspace, process: str, params: str, settings: list[str] | None, env: str, *, chain: bool
) -> tuple[chains.Stage, ...]:
    """What a command is about: a process, or with --all a chain of them."""
    if not process and not chain:
        raise typer.BadParameter("name a process, or say --all for every process in order", param_hint="PROCESS")
    if not process and (settings or env or params):
        raise StoaError("--params, --set and --env are for one process", "name it: `stoa run --all PROCESS ...`")
    process, params = pair(process, params)
    stages = chains.stages(ws, process, params) if chain else (chains.Stage(process, params),)
    if not stages:
        raise StoaError("this project has no process yet", "`stoa process add` and `stoa process new` make one")
    return stages


def made_plans(
    ws: Workspace,
    stages: tuple[chains.Stage, ...],
    settings: list[str] | None,
    sets: str,
    env: str,
    selection: Selection,
) -> Iterator[planned.Plan]:
    """The plans of a chain, each made when the one before it has been carried out; settings are for the last stage."""

    def asked(stage: chains.Stage) -> list[tuple[chains.Stage, dict[str, str], str | None]]:
        last = stage is stages[-1]
        texts, file = (settings or [], Path(sets) if sets else None) if last else ([], None)
        chosen = all_settings(ws.library.process(stage.process), texts, file)
        return [(stage, each, (env or None) if last else None) for each in chosen]

    launches = [launch for stage in stages for launch in asked(stage)]
    for stage, chosen, environment in launches:  # a mistake in the last one is named before the first one runs
        resolve(ws, stage.process, stage.params, chosen, environment)
    for stage, chosen, environment in launches:
        yield plans.make_plan(ws, resolve(ws, stage.process, stage.params, chosen, environment), selection)
